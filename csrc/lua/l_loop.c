/* SPDX-License-Identifier: MIT */
#include "lua/l_loop.h"

#include "lua/api.h"
#include "lua/l_frame.h"
#include "lua/l_luv.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "uv/interrupt.h"

#include <math.h>
#include <signal.h>
#include <string.h>

/* --- being the driver --- */

typedef struct drive {
  lua_State *L;
  ebbL_rt *rt;
  lua_State *outer_from;
  ebbL_rt *outer_driving;
  ebb_interrupt interrupt;
  ebb_watchdog *outer_dog;
  ebbL_handle *main; /* whose end is waited for; on L's stack */
} drive;

static void not_inside_task(lua_State *L, ebbL_state *S, const char *what)
{
  if (S->current != NULL)
    ebbL_error(L, "EBB052",
               "cannot %s a runtime from inside a task; spawn a task or await "
               "instead",
               what);
  if (S->driving != NULL)
    ebbL_error(L, "EBB052", "cannot %s a runtime from inside its callbacks",
               what);
}

static void not_closed(lua_State *L, ebbL_rt *rt)
{
  if (rt->closed || rt->shutting_down || rt->head.state->closing)
    ebbL_error(L, "EBB052", "this runtime is shut down");
}

static ebbL_rt *check_open(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  not_closed(L, rt);
  return rt;
}

/* Free stack slots of the state that drives. */
#define DRIVE_STACK 80

/* [raises] What a drive needs is there; comes before there is a task. */
static void prepare_drive(lua_State *L, ebbL_rt *rt)
{
  luaL_checkstack(L, DRIVE_STACK, NULL);
  if (!rt->is_virtual)
    ebbL_rt_driver(L, rt);
  rt->interrupts = 0;
}

/* Nothing raises until end_drive. */
static void begin_drive(drive *d, lua_State *L, ebbL_rt *rt)
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

static void end_drive(drive *d)
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
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  ebbL_state *S = ebbL_state_find(L);
  ebbL_task *task = S->current;
  if (task == NULL)
    return;
  if (task->is_main || task->L != L || !lua_isyieldable(L)) {
    luaL_error(L, "interrupted!");
    return;
  }
  /* a task in the background: it only gives way */
  ebb_task_yield(&task->core);
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

static void watch_interrupt(drive *d)
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
static void handle_interrupt(drive *d)
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
    lua_pushliteral(d->L, "interrupted");
    ebbL_cancel_task(d->L, d->main->task, lua_gettop(d->L));
    lua_pop(d->L, 1);
  }
}

/* --- turns --- */

/* Turns of tasks between two looks at the heap, if it is ebb that collects. */
#define GC_EVERY 16

static bool collects(const ebbL_rt *rt)
{
  return EBB_UNLIKELY(rt->head.state->gc.n_users > 0);
}

/* What an idle loop gives the collector before it looks for I/O again. */
#define GC_IDLE_NS 500000u

/* Nothing is ready: the collector's time. True if it wants more of it. */
static bool collect_idly(drive *d)
{
  ebb_rt *core = &d->rt->core;
  uint64_t now_ns = ebb_driver_clock(NULL), end_ns = now_ns + GC_IDLE_NS;
  uint64_t due_ns = ebb_rt_next_due(core);
  if (!d->rt->is_virtual && due_ns < end_ns)
    end_ns = due_ns;
  return ebbL_gc_spend(d->L, d->rt->head.state, end_ns) && now_ns < end_ns;
}

static bool is_busy(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_is_busy(rt->driver);
}

/* Has the driver anything to look at? */
static bool is_due(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_is_due(rt->driver);
}

static bool holds_time(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_holds_time(rt->driver);
}

/* The last ready task has been preempted: what is due by now goes before it. */
static void let_others_first(ebbL_rt *rt)
{
  ebb_rt *core = &rt->core;
  ebb_list *last = core->ready.prev;
  if (core->n_ready == 0)
    return;
  ebb_list_unlink(last);
  core->n_ready--;
  ebb_rt_refresh(core);
  ebb_rt_fire(core);
  if (is_busy(rt))
    ebb_driver_poll(rt->driver);
  ebb_list_push_back(&core->ready, last);
  core->n_ready++;
}

static void turn(drive *d)
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
    bool is_paced = collects(d->rt);
    left -=
        ebb_rt_run_ready(core, is_paced && left > GC_EVERY ? GC_EVERY : left);
    if (is_paced)
      ebbL_gc_pace(d->L, d->rt->head.state);
    if (d->main != NULL && d->main->task == NULL)
      break;
    if (EBB_UNLIKELY(core->turn_over)) { /* a slice was used up */
      let_others_first(d->rt);
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
static bool wait_for_work(drive *d, uint64_t until_ns)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  uint64_t due_ns = ebb_rt_next_due(core);
  bool busy = is_busy(rt);
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
    watch_interrupt(d);
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
static void look_for_io(drive *d)
{
  uint64_t due_ns;
  if (is_due(d->rt))
    ebb_driver_poll(d->rt->driver);
  if (EBB_UNLIKELY(d->rt->with_luv))
    ebbL_luv_poll(d->L, d->rt, &due_ns);
}

enum { LOOP_ENDED, LOOP_DEADLOCK };

/* Turns until d->main has ended (its handle is on the stack). */
static int loop(drive *d)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  while (d->main->task != NULL) {
    turn(d);
    if (EBB_UNLIKELY(d->interrupt.count > 0))
      handle_interrupt(d);
    if (d->main->task == NULL)
      break;
    if (core->n_ready > 0) {
      look_for_io(d);
    } else if (collects(rt) && collect_idly(d)) {
      look_for_io(d);
    } else if (core->n_ready == 0 && !wait_for_work(d, EBB_NEVER)) {
      return LOOP_DEADLOCK;
    }
  }
  return LOOP_ENDED;
}

static uint64_t in_seconds(const ebb_rt *core, double seconds)
{
  return ebb_due_in(core->now_ns, seconds);
}

static void cancel_all(drive *d)
{
  ebb_rt *core = &d->rt->core;
  for (ebb_list *node = core->tasks.prev; node != &core->tasks;
       node = node->prev) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    if (!task->cancel_asked)
      ebbL_cancel_task(d->L, ebbL_task_of(task), 0);
  }
}

/* Cancels every task and runs their cleanups, until none is left or due_ns is
   reached. */
static void drain(drive *d, uint64_t due_ns)
{
  ebb_rt *core = &d->rt->core;
  uint64_t spun = 0;
  d->rt->ending = true;
  while (core->n_alive > 0) {
    cancel_all(d);
    turn(d);
    if (EBB_UNLIKELY(d->interrupt.count > 1))
      handle_interrupt(d);
    if (core->n_alive == 0)
      break;
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

/* --- run --- */

/* [handle at idx] Pushes the results, or the error unprotected by the drive. */
static int finish_main(lua_State *L, int idx, bool *failed)
{
  ebbL_handle *handle = lua_touserdata(L, idx);
  *failed = handle->status != EBBL_DONE;
  if (*failed) {
    ebbL_pusherror(L, idx);
    ebbL_taken(L, idx);
    return 1;
  }
  return ebbL_pushresults(L, idx);
}

/* What was interrupted says so, unless its own error is on top. */
static void interrupted(lua_State *L, ebbL_rt *rt, ebbL_handle *handle)
{
  if (rt->interrupts > 0 && handle->status == EBBL_CANCELLED) {
    lua_pop(L, 1);
    lua_pushliteral(L, "interrupted!");
  }
}

static int run_main(lua_State *L, ebbL_rt *rt)
{
  ebbL_state *S = rt->head.state;
  drive d;
  prepare_drive(L, rt);
  ebbL_task *task = ebbL_spawn(L, S, rt, lua_gettop(L) - 2, true, NULL);
  task->is_main = true;
  int handle_idx = lua_gettop(L);
  ebbL_handle *handle = lua_touserdata(L, handle_idx);
  handle->is_owned = true;
  begin_drive(&d, L, rt);
  d.main = handle;
  watch_interrupt(&d);
  int outcome = loop(&d);
  if (outcome == LOOP_DEADLOCK)
    ebbL_pushdeadlock(L, rt);
  drain(&d,
        in_seconds(&rt->core, (double)rt->core.cleanup_timeout_ns / 1e9 + 1));
  if (rt->core.n_alive > 0)
    ebbL_rt_kill_all(L, rt);
  if (handle->status == EBBL_FAILED)
    ebbL_taken(L, handle_idx); /* it is thrown by run itself */
  ebbL_report_due(L, rt, true);
  end_drive(&d);
  if (outcome == LOOP_DEADLOCK) {
    ebbL_taken(L, handle_idx);
    return lua_error(L);
  }
  bool failed;
  int n = finish_main(L, handle_idx, &failed);
  if (!failed)
    return n;
  interrupted(L, rt, handle);
  return lua_error(L);
}

int ebbL_rt_run(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_checkcallable(L, 2);
  not_inside_task(L, rt->head.state, "run");
  not_closed(L, rt);
  return run_main(L, rt);
}

/* --- drive: one await, other tasks go on meanwhile --- */

/* [.., fn, args…] (n_args of them on top) */
static int drive_call(lua_State *L, ebbL_rt *rt, int n_args)
{
  ebbL_state *S = rt->head.state;
  drive d;
  prepare_drive(L, rt);
  ebbL_task *task = ebbL_spawn(L, S, rt, n_args, true, NULL);
  task->is_internal = task->is_main = true;
  int handle_idx = lua_gettop(L);
  ebbL_handle *handle = lua_touserdata(L, handle_idx);
  handle->is_owned = true;
  begin_drive(&d, L, rt);
  d.main = handle;
  watch_interrupt(&d);
  int outcome = loop(&d);
  if (outcome == LOOP_DEADLOCK) {
    ebbL_pushdeadlock(L, rt);
    if (handle->task != NULL) {
      ebbL_cancel_task(L, handle->task, 0);
      if (loop(&d) == LOOP_DEADLOCK)
        ebbL_task_kill(L, handle->task);
    }
    end_drive(&d);
    ebbL_taken(L, handle_idx);
    return lua_error(L);
  }
  end_drive(&d);
  bool failed;
  int n = finish_main(L, handle_idx, &failed);
  if (!failed)
    return n;
  interrupted(L, rt, handle);
  return lua_error(L);
}

static bool in_finaliser(lua_State *L)
{
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "n", &ar);
    if (ar.name != NULL && strcmp(ar.name, "__gc") == 0)
      return true;
  }
  return false;
}

int ebbL_drive(lua_State *L, ebbL_state *S, lua_CFunction fn)
{
  if (in_finaliser(L))
    ebbL_error(L, "EBB051", "cannot await inside a finaliser (__gc)");
  ebbL_rt *rt = ebbL_current_rt(L, S);
  not_closed(L, rt);
  if (rt->stepped || rt->is_hosted)
    ebbL_error(L, "EBB055",
               "cannot await outside of a task on a runtime that its host "
               "drives; spawn a task");
  ebbL_pushfunction(L, S, fn);
  lua_insert(L, 1);
  return drive_call(L, rt, lua_gettop(L) - 1);
}

static int l_await_op(lua_State *L)
{
  return ebbL_await(L, 1, l_await_op);
}

int ebbL_rt_block_on(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  if (!ebbL_isop(L, 2))
    ebbL_typeerror(L, 2, "operation");
  not_inside_task(L, rt->head.state, "block on");
  not_closed(L, rt);
  lua_settop(L, 2);
  ebbL_pushfunction(L, rt->head.state, l_await_op);
  lua_insert(L, 2);
  return drive_call(L, rt, 1);
}

/* --- step --- */

/* Without a budget a step ends by itself even if tasks wake each other for
   ever: each one that was alive has had this many turns. */
#define STEP_TURNS 16

static void run_step(drive *d, uint64_t end_ns, double dt_s)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  ebb_list left;
  size_t n_left = core->n_ready;
  ebb_list_init(&left);
  ebb_list_splice(&left, &core->ready);
  core->n_ready = 0;
  core->count.turns++;
  ebbL_slice_look(rt->head.state);
  ebb_rt_refresh(core);
  ebb_rt_fire(core);
  if (is_busy(rt))
    ebb_driver_poll(rt->driver);
  ebb_list_splice(&core->ready, &left);
  core->n_ready += n_left;
  ebb_rt_frame(core, dt_s);
  size_t limit = STEP_TURNS * (core->n_alive + 64), ran = 0;
  while (core->n_ready > 0) {
    size_t chunk = end_ns == EBB_NEVER ? GC_EVERY : 1;
    ran += ebb_rt_run_ready(core, chunk);
    if (collects(rt))
      ebbL_gc_pace(d->L, rt->head.state);
    if (EBB_UNLIKELY(core->turn_over))
      let_others_first(rt);
    if (end_ns != EBB_NEVER ? ebb_driver_clock(NULL) >= end_ns : ran >= limit)
      break;
  }
  ebbL_report_due(d->L, rt, false);
  if (collects(rt)) {
    ebbL_gc_pace(d->L, rt->head.state); /* what the host has allocated */
    if (rt->gc_is_mine && end_ns != EBB_NEVER)
      ebbL_gc_spend(d->L, rt->head.state, end_ns);
  }
}

static void set_number(lua_State *L, const char *key, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, key);
}

/* What the collector has done in this step. */
static void set_gc_info(lua_State *L, ebbL_state *S)
{
  const ebbL_gc *gc = &S->gc;
  set_number(L, "gc_max", (double)gc->longest_ns / 1e9);
  if (gc->n_users == 0)
    return;
  set_number(L, "gc_time", (double)gc->spent_ns / 1e9);
  set_integer(L, "gc_forced", gc->n_forced);
  set_integer(L, "gc_cycles", gc->n_cycles);
  set_integer(L, "gc_debt", (uint64_t)ebbL_gc_debt(L, S));
}

static int push_info(lua_State *L, ebbL_rt *rt, uint64_t ran, double overrun)
{
  ebb_rt *core = &rt->core;
  lua_createtable(L, 0, rt->gc_is_mine ? 12 : 8);
  set_integer(L, "ran", ran);
  set_integer(L, "ready", core->n_ready);
  set_integer(L, "alive", core->n_alive);
  set_number(L, "overrun", overrun);
  set_gc_info(L, rt->head.state);
  uint64_t due_ns = ebb_rt_next_due(core);
  if (due_ns != EBB_NEVER)
    set_number(L, "next_deadline",
               due_ns > core->now_ns ? (double)(due_ns - core->now_ns) / 1e9
                                     : 0);
  lua_pushboolean(L, core->n_alive > 0 && core->n_ready == 0 &&
                         due_ns == EBB_NEVER && !is_busy(rt) &&
                         ebb_list_is_empty(&core->frame));
  lua_setfield(L, -2, "stuck");
  ebb_list_foreach(node, &core->tasks) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    if (task->id == rt->slowest_id) {
      ebbL_tasklabel(L, ebbL_task_of(task), 0);
      lua_setfield(L, -2, "slowest_task");
      return 1;
    }
  }
  if (rt->slowest_id != 0) {
    lua_pushfstring(L, "%I", (LUAI_UACINT)rt->slowest_id);
    lua_setfield(L, -2, "slowest_task");
  }
  return 1;
}

/* What was given of the frame's time, else what has passed since the step
   before. */
static double frame_time(ebbL_rt *rt, double dt_s)
{
  if (dt_s >= 0)
    return dt_s;
  uint64_t now_ns = ebb_rt_refresh(&rt->core);
  return rt->stepped ? (double)(now_ns - rt->last_step_ns) / 1e9 : 0;
}

/* Before a step; then begin_drive, run_step, end_drive. */
static void prepare_step(ebbL_rt *rt)
{
  rt->last_step_ns = rt->core.now_ns;
  rt->stepped = true;
  rt->timing = true;
  rt->slowest_id = rt->slowest_ns = 0;
}

int ebbL_rt_step(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  double budget_s = lua_isnoneornil(L, 2) ? HUGE_VAL : ebbL_checkseconds(L, 2);
  double dt_s = lua_isnoneornil(L, 3) ? -1 : ebbL_checkseconds(L, 3);
  not_inside_task(L, rt->head.state, "step");
  not_closed(L, rt);
  uint64_t start_ns = ebb_driver_clock(NULL);
  dt_s = frame_time(rt, dt_s);
  uint64_t end_ns = ebb_due_in(start_ns, budget_s);
  uint64_t polls = rt->core.count.polls;
  drive d;
  luaL_checkstack(L, DRIVE_STACK, NULL);
  prepare_step(rt);
  begin_drive(&d, L, rt);
  run_step(&d, end_ns, dt_s);
  end_drive(&d);
  uint64_t now_ns = ebb_driver_clock(NULL);
  double overrun = end_ns != EBB_NEVER && now_ns > end_ns
                       ? (double)(now_ns - end_ns) / 1e9
                       : 0;
  return push_info(L, rt, rt->core.count.polls - polls, overrun);
}

typedef struct host_step {
  drive d;
  uint64_t end_ns;
  double dt_s;
} host_step;

static int step_protected(lua_State *L, void *ud)
{
  host_step *step = ud;
  (void)L;
  run_step(&step->d, step->end_ns, step->dt_s);
  return 0;
}

int ebbL_rt_step_from_c(lua_State *L, ebbL_rt *rt, uint64_t budget_ns,
                        double dt_s, ebbL_step_info *info)
{
  ebbL_state *S = rt->head.state;
  ebb_rt *core = &rt->core;
  if (rt->closed || rt->shutting_down || S->closing)
    return EBB_ECLOSED;
  if (S->current != NULL || S->driving != NULL)
    return EBB_EBUSY;
  if (!lua_checkstack(L, DRIVE_STACK))
    return EBB_ENOMEM;
  host_step step;
  uint64_t start_ns = ebb_driver_clock(NULL), polls = core->count.polls;
  step.dt_s = frame_time(rt, dt_s);
  step.end_ns =
      budget_ns < EBB_NEVER - start_ns ? start_ns + budget_ns : EBB_NEVER;
  prepare_step(rt);
  begin_drive(&step.d, L, rt);
  bool failed = ebbL_host_call(L, S, 0, 0, step_protected, &step) < 0;
  end_drive(&step.d);
  if (info == NULL)
    return failed ? EBB_ENOMEM : 0;
  uint64_t now_ns = ebb_driver_clock(NULL), due_ns = ebb_rt_next_due(core);
  *info = (ebbL_step_info){
      .n_ran = core->count.polls - polls,
      .overrun_ns = step.end_ns != EBB_NEVER && now_ns > step.end_ns
                        ? now_ns - step.end_ns
                        : 0,
      .is_stuck = core->n_alive > 0 && core->n_ready == 0 &&
                  due_ns == EBB_NEVER && !is_busy(rt) &&
                  ebb_list_is_empty(&core->frame)};
  return failed ? EBB_ENOMEM : 0;
}

/* --- pump --- */

/* One turn on behalf of another loop, which calls again as soon as it can while
   tasks are ready, after `seconds`, and when the runtime's descriptor is
   readable. -> nil when closed; "driven" when somebody drives it already; else
   "ready" or "waiting", seconds or nil, does it wait for I/O? */
static int l_pump(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_state *S = rt->head.state;
  ebb_rt *core = &rt->core;
  if (rt->closed || rt->shutting_down || S->closing)
    return 0;
  if (S->current != NULL || S->driving != NULL) {
    lua_pushliteral(L, "driven");
    return 1;
  }
  drive d;
  prepare_drive(L, rt);
  rt->is_pumped = true;
  begin_drive(&d, L, rt);
  ebb_driver_drain(rt->driver);
  turn(&d);
  end_drive(&d);
  rt->is_pumped = false;
  uint64_t due_ns = ebb_rt_next_due(core), now_ns = ebb_driver_clock(NULL);
  lua_pushstring(L, core->n_ready > 0 ? "ready" : "waiting");
  if (due_ns == EBB_NEVER)
    lua_pushnil(L);
  else
    lua_pushnumber(L, due_ns > now_ns ? (double)(due_ns - now_ns) / 1e9 : 0);
  lua_pushboolean(L, is_busy(rt));
  return 3;
}

void ebbL_open_loop(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg functions[] = {{"_pump", l_pump}, {NULL, NULL}};
  ebbL_setfuncs(L, S, functions);
}

/* --- shutdown --- */

static int shut_down(lua_State *L, ebbL_rt *rt, double grace_s)
{
  drive d;
  double limit_s = (double)rt->core.cleanup_timeout_ns / 1e9;
  if (grace_s > limit_s)
    grace_s = limit_s;
  /* without memory it ends all the same, but not in good order */
  bool can_drive =
      lua_checkstack(L, DRIVE_STACK) &&
      (rt->is_virtual || rt->driver != NULL || ebbL_rt_try_driver(L, rt) == 0);
  begin_drive(&d, L, rt);
  ebb_rt_refresh(&rt->core);
  rt->shutting_down = true; /* no spawns from the cleanups */
  if (can_drive)
    drain(&d, in_seconds(&rt->core, grace_s));
  size_t n = ebbL_rt_kill_all(L, rt);
  ebbL_report_due(L, rt, true);
  end_drive(&d);
  ebbL_rt_fini(L, rt);
  lua_pushinteger(L, (lua_Integer)n);
  return 1;
}

int ebbL_rt_shutdown(lua_State *L)
{
  ebbL_rt *rt = check_open(L);
  double grace_s = lua_isnoneornil(L, 2)
                       ? (double)rt->core.cleanup_timeout_ns / 1e9
                       : ebbL_checkseconds(L, 2);
  not_inside_task(L, rt->head.state, "shut down");
  return shut_down(L, rt, grace_s);
}

int ebbL_rt_close(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  if (rt->closed)
    return 0;
  not_inside_task(L, rt->head.state, "close");
  return shut_down(L, rt, 0);
}
