/* SPDX-License-Identifier: MIT */
#include "lua/l_drive.h"

#include "lua/l_frame.h"
#include "lua/l_loop.h"
#include "lua/l_luv.h"
#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_scope.h"
#include "lua/l_walk.h"

#include <signal.h>
#include <string.h>

/* --- being the driver --- */

/* Is the function at `ar` one of ebb's, or at least in C? */
enum { IN_LUA, IN_C, IN_EBB };

static int place_of(lua_State *L, const ebbL_state *S, lua_Debug *ar)
{
  int place = IN_LUA;
  lua_getinfo(L, "f", ar);
  if (lua_iscfunction(L, -1)) {
    place = IN_C;
    if (lua_getupvalue(L, -1, 1) != NULL) {
      if (lua_touserdata(L, -1) == (const void *)S)
        place = IN_EBB;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return place;
}

int ebbL_finaliser(lua_State *L, const ebbL_state *S)
{
  ebbL_walk at;
  int found = EBBL_NO_FINALISER;
  bool interrupted = false; /* by a finaliser, with no Lua code in between */
  /* Lua stops the collector while a finaliser runs */
  if (EBB_LIKELY(lua_gc(L, LUA_GCISRUNNING) == 1) || !lua_checkstack(L, 4))
    return found;
  for (bool more = ebbL_walk_begin(&at, L); more; more = ebbL_walk_outer(&at)) {
    lua_getinfo(L, "n", &at.ar);
    if (at.ar.name != NULL && strcmp(at.ar.name, "__gc") == 0) {
      found = EBBL_IN_FINALISER;
      interrupted = true;
    } else if (interrupted) {
      int place = place_of(L, S, &at.ar);
      if (place == IN_EBB)
        return EBBL_IN_FINALISER_IN_EBB;
      interrupted = place == IN_C;
    }
  }
  return found;
}

void ebbL_not_inside_task(lua_State *L, ebbL_state *S, const char *what)
{
  if (S->current != NULL)
    ebbL_error(L, "EBB052",
               "cannot %s a runtime from inside a task; spawn a task or await "
               "instead",
               what);
  if (S->driving != NULL)
    ebbL_error(L, "EBB052", "cannot %s a runtime from inside its callbacks",
               what);
  /* that call may be about to use a task, or the runtime */
  if (ebbL_finaliser(L, S) == EBBL_IN_FINALISER_IN_EBB)
    ebbL_error(L, "EBB052",
               "cannot %s a runtime inside a finaliser (__gc) that runs in the "
               "midst of one of ebb's calls",
               what);
}

void ebbL_not_closed(lua_State *L, ebbL_rt *rt)
{
  if (rt->closed || rt->shutting_down || rt->head.state->closing)
    ebbL_error(L, "EBB052", "this runtime is shut down");
}

/* [raises] What a drive needs is there; comes before there is a task. */
void ebbL_driving_prepare(lua_State *L, ebbL_rt *rt)
{
  luaL_checkstack(L, EBBL_DRIVE_STACK, NULL);
  ebbL_rt_check_process(L, rt);
  if (!rt->is_virtual)
    ebbL_rt_driver(L, rt);
  rt->interrupts = 0;
}

/* Nothing raises until ebbL_driving_end. */
void ebbL_driving_begin(ebbL_driving *d, lua_State *L, ebbL_rt *rt)
{
  ebbL_state *S = rt->head.state;
  if (EBB_UNLIKELY(S->gc.restore_due))
    ebbL_gc_restore(L, S);
  if (EBB_UNLIKELY(S->gc.n_users > 0))
    ebbL_gc_begin_frame(L, S);
  d->L = L;
  d->rt = rt;
  d->main = NULL;
  d->outer_from = S->from;
  d->outer_driving = S->driving;
  d->interrupt.active = false;
  d->interrupt.count = 0;
  S->from = L;
  S->driving = rt;
  rt->running = true;
  d->outer_dog = ebbL_slice_begin(S);
  if (EBB_UNLIKELY(rt->with_luv) && !rt->is_pumped)
    ebbL_luv_driven(L, rt, true);
  if (d->outer_driving == NULL)
    ebbL_frame_hide(S, rt);
}

void ebbL_driving_end(ebbL_driving *d)
{
  ebbL_state *S = d->rt->head.state;
  ebb_interrupt_unwatch(&d->interrupt);
  S->from = d->outer_from;
  S->driving = d->outer_driving;
  d->rt->running = false;
  ebbL_slice_end(S, d->outer_dog);
  if (EBB_UNLIKELY(d->rt->with_luv) && !d->rt->is_pumped)
    ebbL_luv_driven(d->L, d->rt, false);
  if (d->outer_driving == NULL)
    ebbL_frame_show(S);
}

/* --- Ctrl-C --- */

static void interrupt_hook(lua_State *L, lua_Debug *ar)
{
  ebbL_state *S = ebbL_state_find(L);
  ebbL_task *task = S->current;
  bool gives_way =
      task != NULL && !task->is_main && task->L == L && lua_isyieldable(L);
  /* a hook may yield only there: the results of a call would be lost */
  if (gives_way && ar->event != LUA_HOOKCOUNT)
    return;
  lua_sethook(L, NULL, 0, 0);
  if (task == NULL)
    return;
  if (!gives_way) {
    luaL_error(L, "interrupted!");
    return;
  }
  /* a task in the background: it only gives way, to what is interrupted */
  ebb_task_yield(&task->core);
  task->core.rt->turn_over = true;
  task->n_args = 0;
  lua_yield(L, 0);
}

/* In the signal handler, as lua.c does it: only lua_sethook is allowed. */
static void interrupt_notify(void *ud)
{
  ebbL_state *S = ud;
  ebbL_task *task = S->current;
  if (task != NULL && task->L != NULL)
    lua_sethook(task->L, interrupt_hook,
                LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void ebbL_driving_watch_interrupt(ebbL_driving *d)
{
  ebbL_rt *rt = d->rt;
  if (rt->driver == NULL || d->interrupt.active || rt->head.state->is_worker)
    return; /* Ctrl-C is the main thread's affair */
  d->interrupt.notify = interrupt_notify;
  d->interrupt.notify_ud = rt->head.state;
  ebb_interrupt_watch(&d->interrupt, rt->driver, !rt->handle_sigint);
}

/* The first Ctrl-C cancels what is waited for; a second one, where Ctrl-C is
   asked for (the command), ends the process as if nobody had watched. */
static void handle_interrupt(ebbL_driving *d)
{
  ebbL_rt *rt = d->rt;
  if (d->interrupt.count >= 2 && rt->handle_sigint) {
    ebb_interrupt_unwatch(&d->interrupt);
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
    return;
  }
  if (rt->interrupts > 0)
    return;
  rt->interrupts = 1;
  if (d->main != NULL && d->main->task != NULL) {
    ebb_task *waiting = &d->main->task->core;
    lua_pushliteral(d->L, "interrupted");
    ebbL_cancel_task(d->L, d->main->task, lua_gettop(d->L));
    lua_pop(d->L, 1);
    if (waiting->state == EBB_TASK_READY) { /* before what computes for long */
      ebb_list_unlink(&waiting->link);
      ebb_list_push_front(&rt->core.ready, &waiting->link);
      ebb_rt_run_ready(&rt->core, 1);
    }
  }
}

/* --- turns --- */

/* What an idle loop gives the collector before it looks for I/O again. */
#define GC_IDLE_NS 500000u

/* Nothing is ready: the collector's time. True if it wants more of it. */
static bool collect_idly(ebbL_driving *d)
{
  ebb_rt *core = &d->rt->core;
  uint64_t now_ns = ebb_driver_clock(NULL), end_ns = now_ns + GC_IDLE_NS;
  uint64_t due_ns = ebb_rt_next_due(core);
  if (!d->rt->is_virtual && due_ns < end_ns)
    end_ns = due_ns;
  return ebbL_gc_spend(d->L, d->rt->head.state, end_ns) && now_ns < end_ns;
}

/* Has the driver anything to look at? */
static bool ebbL_rt_is_due(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_is_due(rt->driver);
}

static bool holds_time(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_holds_time(rt->driver);
}

void ebbL_rt_let_others_first(ebbL_rt *rt)
{
  ebb_rt *core = &rt->core;
  ebb_list *last = core->ready.prev;
  if (core->n_ready == 0)
    return;
  ebb_list_unlink(last);
  core->n_ready--;
  ebb_rt_refresh(core);
  ebb_rt_fire(core);
  if (ebbL_rt_is_busy(rt))
    ebb_driver_poll(rt->driver);
  ebb_list_push_back(&core->ready, last);
  core->n_ready++;
}

void ebbL_driving_turn(ebbL_driving *d)
{
  ebb_rt *core = &d->rt->core;
  core->count.turns++;
  ebbL_slice_look(d->rt->head.state);
  ebb_rt_refresh(core);
  ebb_rt_fire(core);
  uint64_t fired_ns = core->now_ns;
  /* Clock, timers and I/O are looked at once in so many resumes, not after
     every hop of two tasks that wake each other. */
  for (size_t left = EBB_TURN_LIMIT; left > 0 && core->n_ready > 0;) {
    bool is_paced = ebbL_rt_collects(d->rt);
    left -= ebb_rt_run_ready(
        core, is_paced && left > EBBL_GC_EVERY ? EBBL_GC_EVERY : left);
    if (is_paced)
      ebbL_gc_pace(d->L, d->rt->head.state);
    if (d->main != NULL && d->main->task == NULL)
      break;
    if (EBB_UNLIKELY(core->turn_over)) { /* a slice was used up */
      ebbL_rt_let_others_first(d->rt);
      break;
    }
    if (core->now_ns != fired_ns && d->rt->is_virtual)
      break; /* rt:advance by a task: timers are due at its next await */
  }
  if (EBB_UNLIKELY(!ebb_list_is_empty(&d->rt->unobserved)))
    ebbL_report_due(d->L, d->rt, false);
}

/* An error nobody takes is reported a second later even while all wait. */
static uint64_t wait_limit(const ebbL_rt *rt, uint64_t due_ns)
{
  if (ebb_list_is_empty(&rt->unobserved))
    return due_ns;
  ebbL_failure *first =
      ebb_container_of(rt->unobserved.next, ebbL_failure, link);
  uint64_t report_ns = first->failed_ns + EBB_NS_PER_S;
  return report_ns < due_ns ? report_ns : due_ns;
}

/* Nothing is ready: waits for I/O or time. False when nothing can ever happen.
 */
static bool wait_for_work(ebbL_driving *d, uint64_t until_ns)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  uint64_t due_ns = ebb_rt_next_due(core);
  bool busy = ebbL_rt_is_busy(rt);
  if (EBB_UNLIKELY(rt->with_luv)) {
    uint64_t luv_ns;
    busy |= ebbL_luv_poll(d->L, rt, &luv_ns);
    if (core->n_ready > 0 || (d->main != NULL && d->main->task == NULL))
      return true;
    due_ns = ebb_rt_next_due(core);
    if (luv_ns < due_ns)
      due_ns = luv_ns;
  }
  if (until_ns < due_ns)
    due_ns = until_ns;
  if (due_ns == EBB_NEVER && !busy)
    return false;
  if (!rt->is_virtual) {
    ebbL_driving_watch_interrupt(d);
    ebb_driver_wait(rt->driver, wait_limit(rt, due_ns));
  } else if (holds_time(rt)) {
    ebb_driver_wait(rt->driver, EBB_NEVER);
  } else {
    if (busy)
      ebb_driver_poll(rt->driver);
    if (core->n_ready == 0 && due_ns != EBB_NEVER)
      ebb_rt_advance(core, due_ns);
    else if (core->n_ready == 0)
      ebb_driver_wait(rt->driver, wait_limit(rt, EBB_NEVER));
  }
  return true;
}

/* There is something else to do: I/O must not be kept waiting by it. */
static void look_for_io(ebbL_driving *d)
{
  uint64_t due_ns;
  if (ebbL_rt_is_due(d->rt))
    ebb_driver_poll(d->rt->driver);
  if (EBB_UNLIKELY(d->rt->with_luv))
    ebbL_luv_poll(d->L, d->rt, &due_ns);
}

/* Turns until d->main has ended (its handle is on the stack). */
int ebbL_driving_loop(ebbL_driving *d)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  while (d->main->task != NULL) {
    ebbL_driving_turn(d);
    if (EBB_UNLIKELY(d->interrupt.count > 0))
      handle_interrupt(d);
    if (d->main->task == NULL)
      break;
    if (core->n_ready > 0) {
      look_for_io(d);
    } else if (ebbL_rt_collects(rt) && collect_idly(d)) {
      look_for_io(d);
    } else if (core->n_ready == 0 && !wait_for_work(d, EBB_NEVER)) {
      return EBBL_LOOP_DEADLOCK;
    }
  }
  return EBBL_LOOP_ENDED;
}

/* Cancels the tasks from first_id on, newest first, and returns the id of the
   next one to come: each is looked at once, however many turns the end takes.
   The children of a cleanup are not meant: they share its time, and their scope
   ends them when it is over. */
static uint64_t cancel_from(ebbL_driving *d, uint64_t first_id)
{
  ebb_rt *core = &d->rt->core;
  uint64_t next_id = core->next_id;
  for (ebb_list *node = core->tasks.prev; node != &core->tasks;
       node = node->prev) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    const ebbL_scope *scope = ebbL_task_of(task)->scope;
    if (task->id < first_id)
      break;
    if (!task->cancel_asked && (scope == NULL || !scope->of_cleanup))
      ebbL_cancel_task(d->L, ebbL_task_of(task), 0);
  }
  return next_id;
}

/* A shield holds no longer for a task whose time was over before. */
static void end_overdue(ebbL_driving *d)
{
  ebb_rt *core = &d->rt->core;
  for (ebb_list *node = core->tasks.next; node != &core->tasks;
       node = node->next) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    if (task->overdue && task->state == EBB_TASK_PARKED)
      ebb_task_time_up(task);
  }
}

/* Cancels every task and runs their cleanups, until none is left or due_ns is
   reached. */
void ebbL_driving_drain(ebbL_driving *d, uint64_t due_ns)
{
  ebb_rt *core = &d->rt->core;
  uint64_t spun = 0;
  d->rt->ending = true;
  end_overdue(d);
  uint64_t next_id = cancel_from(d, 0);
  while (core->n_alive > 0) {
    ebbL_driving_turn(d);
    if (EBB_UNLIKELY(d->interrupt.count > 1))
      handle_interrupt(d);
    if (core->n_alive == 0)
      break;
    next_id = cancel_from(d, next_id); /* what cleanups have spawned */
    if (core->n_ready == 0) {
      if (core->now_ns >= due_ns || !wait_for_work(d, due_ns))
        break;
      spun = 0;
    } else if (core->now_ns >= due_ns && ++spun > 64) {
      break; /* they will not stop */
    }
  }
  d->rt->ending = false;
}

size_t ebbL_rt_kill_all(lua_State *L, ebbL_rt *rt)
{
  size_t n = 0;
  while (!ebb_list_is_empty(&rt->core.tasks)) {
    ebb_task *task = ebb_container_of(rt->core.tasks.next, ebb_task, all);
    ebbL_task_kill(L, ebbL_task_of(task));
    n++;
  }
  return n;
}
