/* SPDX-License-Identifier: MIT */
/* Running and ending tasks: the coroutine side, and the only caller of
   lua_resume for them. */
#include "lua/l_task.h"

#include "lua/api.h"
#include "lua/l_fence.h"
#include "lua/l_frame.h"
#include "lua/l_local.h"
#include "lua/l_lock.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"

/* --- the coroutine side --- */

static ebbL_task *task_of_thread(lua_State *co)
{
  ebbL_state *S = *(ebbL_state **)lua_getextraspace(co);
  return S->current;
}

static int body_done(lua_State *L, int status, lua_KContext guard_closing);

/* The guard closes inside the task, where it may await; it sees the body's
   error. The body's results (or its error) stay where they are. */
static int close_guard(lua_State *L, ebbL_task *task, bool failed)
{
  ebbL_state *S = task->S;
  lua_KContext n_results = lua_gettop(L);
  task->has_guard = false;
  task->closing_guard = true;
  luaL_checkstack(L, 8, NULL);
  ebbL_pushslots(L, S);
  lua_rawgeti(L, -1, task->guard);
  ebbL_slots_give(L, S, lua_absindex(L, -2), task->guard, 0);
  lua_remove(L, -2);
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, -2);
  luaL_getmetafield(L, -1, "__close");
  lua_insert(L, -2);
  if (failed)
    lua_pushvalue(L, (int)n_results);
  else
    lua_pushnil(L);
  lua_KContext ctx = n_results * 2 + failed;
  int status = lua_pcallk(L, 2, 0, (int)n_results + 1, -ctx - 1, body_done);
  return body_done(L, status, -ctx - 1);
}

static int body_done(lua_State *L, int status, lua_KContext ctx)
{
  ebbL_task *task = task_of_thread(L);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  if (ctx < 0) { /* the guard has closed */
    ctx = -(ctx + 1);
    int n_results = (int)(ctx / 2);
    bool body_failed = (ctx & 1) != 0;
    task->closing_guard = false;
    if (failed && !body_failed) {
      task->outcome = EBBL_FAILED;
      lua_replace(L, 2);
      n_results = 2;
      body_failed = true;
    }
    lua_settop(L, n_results); /* a failed body's error wins; msgh reported */
    if (task->has_guard)      /* what it closed has asked for a new one */
      return close_guard(L, task, body_failed);
    return body_failed ? 1 : n_results - 1;
  }
  if (failed) {
    bool cancelled = ebbL_is_error_of(L, task->S, -1, &task->core.base);
    task->outcome = cancelled ? EBBL_CANCELLED : EBBL_FAILED;
  } else {
    task->outcome = EBBL_DONE;
  }
  if (EBB_UNLIKELY(task->has_guard))
    return close_guard(L, task, failed);
  return failed ? 1 : lua_gettop(L) - 1;
}

/* What a task's coroutine runs: [msgh, function, arguments…]. Under a pcall,
   so that to-be-closed variables run, and may await, when an error or a cancel
   unwinds the body. */
static int begin_body(lua_State *L, int status, lua_KContext ctx)
{
  ebbL_state *S = *(ebbL_state **)lua_getextraspace(L);
  (void)status;
  EBBL_OWN_RESUME(L, S, begin_body, ctx);
  ebbL_task *task = S->current;
  task->has_run = true;
  task->frame_seen_s = task->core.rt->frame_time_s;
  ebbL_region_enter(L, &task->core.base, 1);
  int ended = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_done);
  return body_done(L, ended, 0);
}

static int task_body(lua_State *L)
{
  return begin_body(L, LUA_YIELD, 0);
}

/* A plain coroutine.yield cannot be made to throw when it is resumed; the next
   instruction of the task can. */
static void foreign_yield_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  ebbL_error(L, "EBB054",
             "a task called the plain coroutine.yield; use ebb.yield() to give "
             "way, or ebb.coroutine for generators");
}

/* --- binding and resuming --- */

/* The two lists of idle coroutines; both or one may be missing. [raises] */
static void make_idle_lists(lua_State *L, ebbL_state *S)
{
  size_t n_bytes = EBBL_IDLE_MAX * sizeof *S->idle_slots;
  if (S->idle_slots == NULL) {
    uint32_t *list = ebbL_alloc(L, S, n_bytes);
    if (S->idle_slots == NULL)
      S->idle_slots = list;
    else /* a finaliser has spawned */
      ebb_alloc_put(&S->alloc, list, n_bytes);
  }
  n_bytes = EBBL_IDLE_MAX * sizeof *S->idle;
  if (S->idle == NULL) {
    lua_State **list = ebbL_alloc(L, S, n_bytes);
    if (S->idle == NULL)
      S->idle = list;
    else
      ebb_alloc_put(&S->alloc, list, n_bytes);
  }
}

static int new_thread(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 1);
  ebbL_state *S = task->S;
  if (EBB_UNLIKELY(S->idle == NULL))
    make_idle_lists(L, S);
  lua_State *co = lua_newthread(L);
  *(ebbL_state **)lua_getextraspace(co) = S;
  lua_sethook(co, NULL, 0, 0); /* it inherits the creator's */
  ebbL_fence_put(L, co);
  ebbL_slots_reserve(L, S, 0, 1 + EBBL_SPAWN_SLOTS);
  uint32_t at = ebbL_slots_pop(S, 0);
  ebbL_pushslots(L, S);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, at);
  task->co = co;
  task->co_slot = at;
  return 0;
}

/* Gives the task a coroutine with task_body and msgh on it. False when there
   is no memory. [no-raise] */
bool ebbL_bind_thread(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  while (S->n_idle > 0) {
    S->n_idle--;
    task->co = S->idle[S->n_idle];
    task->co_slot = S->idle_slots[S->n_idle];
    if (EBB_LIKELY(ebbL_fence_stands(task->co)))
      break;
    ebbL_pushslots(L, S);
    ebbL_slots_give(L, S, lua_gettop(L), task->co_slot, 0);
    lua_pop(L, 1);
    task->co = NULL;
  }
  if (EBB_UNLIKELY(task->co == NULL)) {
    lua_pushcfunction(L, new_thread);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      lua_pop(L, 1);
      return false;
    }
  }
  lua_State *co = task->co;
  task->L = co;
  lua_pushcfunction(co, task_body);
  lua_pushcfunction(co, ebbL_msgh);
  return true;
}

/* Moves function and arguments of a lazily spawned task to its coroutine. */
static bool bind_lazy(lua_State *L, ebbL_task *task, int slots)
{
  if (!ebbL_bind_thread(L, task))
    return false;
  int n = task->n_args;
  for (int i = 0; i < n; i++)
    lua_rawgeti(L, slots, (lua_Integer)task->args + i);
  lua_xmove(L, task->co, n);
  ebbL_slots_give(L, task->S, slots, task->args, task->args_size);
  task->args = 0;
  task->n_args = n + 1;
  return true;
}

void ebbL_recycle_thread(lua_State *L, ebbL_task *task, int slots,
                         bool keep_for_results)
{
  ebbL_state *S = task->S;
  lua_State *co = task->co;
  if (co == NULL)
    return;
  if (!keep_for_results && !task->is_spoiled)
    lua_settop(co, EBBL_FENCE);
  if (EBB_UNLIKELY(lua_gethookmask(co) != 0))
    lua_sethook(co, NULL, 0, 0);
  bool is_reusable = !keep_for_results && !task->is_spoiled && !task->is_known;
  if (is_reusable && S->n_idle < EBBL_IDLE_MAX && !S->closing) {
    S->idle[S->n_idle] = co;
    S->idle_slots[S->n_idle++] = task->co_slot;
  } else {
    ebbL_slots_give(L, S, slots, task->co_slot, 0);
  }
  task->co = task->L = NULL;
}

static void keep_results(lua_State *L, ebbL_task *task, int slots, int n)
{
  ebbL_handle *handle = task->handle;
  lua_State *co = task->co;
  if (n == 0) {
    handle->kind = EBBL_RESULT_NONE;
    return;
  }
  lua_rawgeti(L, slots, task->slot);
  if (n == 1) {
    handle->kind = EBBL_RESULT_ONE;
    lua_xmove(co, L, 1);
  } else {
    handle->kind = EBBL_RESULT_MANY;
    lua_rotate(co, EBBL_FENCE + 1, n); /* nothing else stays */
    lua_settop(co, EBBL_FENCE + n);
    lua_pushthread(co);
    lua_xmove(co, L, 1);
  }
  lua_setiuservalue(L, -2, 1);
  lua_pop(L, 1);
}

/* [-0, +1, no-raise] The error value on co. A task that there was no memory to
   make a coroutine for has failed for that reason. */
static void take_error(lua_State *L, ebbL_task *task)
{
  if (EBB_LIKELY(task->co != NULL))
    lua_xmove(task->co, L, 1);
  else
    lua_pushliteral(L, "not enough memory"); /* Lua keeps this one */
}

/* [-0, +0, no-raise] The task is over: results (n of them on top of co), or one
   error value. Everything that can fail is done under protection. */
static void task_ended(lua_State *L, ebbL_task *task, int slots, int n)
{
  ebbL_state *S = task->S;
  ebb_rt *rt = task->core.rt;
  ebbL_handle *handle = task->handle;
  ebbL_scope *scope = task->scope;
  bool keep_thread = false;
  int status = task->outcome;
  if (status == EBBL_DONE) {
    rt->count.done++;
    if (handle != NULL) {
      keep_results(L, task, slots, n);
      keep_thread = handle->kind == EBBL_RESULT_MANY;
    }
  } else if (status == EBBL_CANCELLED) {
    rt->count.cancelled++;
    if (handle != NULL) {
      lua_rawgeti(L, slots, task->slot);
      take_error(L, task); /* the cancel error: it has the reason */
      lua_setiuservalue(L, -2, 1);
      handle->kind = EBBL_RESULT_ERROR;
      lua_pop(L, 1);
    }
  } else {
    rt->count.failed++;
    take_error(L, task);
    ebbL_failed(L, task, scope != NULL);
  }
  if (EBB_UNLIKELY(!ebb_list_is_empty(&task->locks)))
    ebbL_locks_drop(L, task, slots);
  if (handle != NULL) {
    handle->status = (uint8_t)status;
    handle->allocated = task->allocated;
    handle->task = NULL;
    if (EBB_UNLIKELY(handle->hosted != NULL))
      ebbL_hosted_ended(handle->hosted, status);
  }
  if (scope != NULL) /* may strike siblings and the scope's owner */
    ebbL_scope_child_ended(L, scope, task, slots);
  ebbL_region_leave(L, S, &task->core.base);
  ebbL_trace_drop(L, task);
  if (task->locals != 0)
    ebbL_slots_give(L, S, slots, task->locals, 0);
  if (task->has_guard)
    ebbL_slots_give(L, S, slots, task->guard, 0);
  if (EBB_UNLIKELY(task->account != NULL))
    ebbL_account_leave(task);
  ebb_rt_end(&task->core);
  if (scope != NULL)
    ebbL_scope_child_left(scope, task);
  ebbL_recycle_thread(L, task, slots, keep_thread);
  ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(&S->tasks, task);
  if (EBB_UNLIKELY(rt->n_alive == 0))
    ebbL_rt_anchor(L, ebbL_rt_of(rt), slots);
}

/* lua_resume itself failed: somebody has closed the coroutine, or there was no
   memory. It is beyond use; its __close handlers run here, where they cannot
   yield. */
static void task_broke(lua_State *L, ebbL_task *task, int slots)
{
  lua_xmove(task->co, L, 1); /* the error */
  if (task->is_spoiled)
    ebbL_fence_blame(L, task);
  /* regions that its frames had open */
  ebbL_regions_drop(L, task);
  ebbL_fence_close(L, task);
  lua_xmove(L, task->co, 1);
  task->outcome = EBBL_FAILED;
  task_ended(L, task, slots, 1);
}

/* Before its first run: is all on the coroutine that was put there? Somebody
   who kept the coroutine from the task before may have resumed it. */
static bool is_untouched(const ebbL_task *task)
{
  return lua_status(task->co) == LUA_OK &&
         lua_gettop(task->co) == EBBL_FENCE + 1 + task->n_args;
}

static void task_spoiled(lua_State *L, ebbL_task *task, int slots)
{
  task->is_spoiled = true;
  lua_pushnil(task->co);
  task_broke(L, task, slots);
}

static void after_foreign_yield(ebbL_task *task, int n_values)
{
  lua_pop(task->co, n_values);
  task->foreign_yield = true;
  task->n_args = 0;
  lua_sethook(task->co, foreign_yield_hook, LUA_MASKCOUNT, 1);
  ebb_task_yield(&task->core);
}

static int push_base_error(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 1);
  ebbL_pushregionerror(L, task, &task->core.base);
  return 1;
}

/* Cancelled before its first run: the body never runs. [no-raise] */
static void end_unstarted(lua_State *L, ebbL_task *task, int slots)
{
  lua_settop(task->co, EBBL_FENCE);
  lua_pushcfunction(L, push_base_error);
  lua_pushlightuserdata(L, task);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_xmove(L, task->co, 1);
  task->outcome = ebbL_is_over(task) ? EBBL_FAILED : EBBL_CANCELLED;
  task_ended(L, task, slots, 1);
}

static void host_resume(ebb_task *core)
{
  ebbL_task *task = ebbL_task_of(core);
  ebbL_state *S = task->S;
  lua_State *L = S->from;
  int slots = EBBL_SLOTS;
  if (EBB_UNLIKELY(task->co == NULL)) {
    if (!bind_lazy(L, task, slots)) {
      ebbL_slots_give(L, S, slots, task->args, task->args_size);
      task->args = 0;
      task->outcome = EBBL_FAILED;
      task_ended(L, task, slots, 1);
      return;
    }
  }
  lua_State *co = task->co;
  int n_results = 0;
  /* an ebb.coroutine in between hands the values on itself */
  int n_args = task->L == co ? task->n_args : 0;
  ebbL_rt *rt = ebbL_rt_of(core->rt);
  uint64_t id = core->id;
  uint64_t began_ns = EBB_UNLIKELY(rt->timing) ? ebb_driver_clock(NULL) : 0;
  if (EBB_UNLIKELY(core->n_struck > 0) && !task->has_run) {
    end_unstarted(L, task, slots);
    return;
  }
  if (EBB_UNLIKELY(!task->has_run) && !is_untouched(task)) {
    task_spoiled(L, task, slots);
    return;
  }
  S->current = task;
  ebb_beat_begin(&S->slice.beat);
  if (EBB_UNLIKELY(task->unusual))
    ebbL_slice_resuming(task);
  S->metered = *S->meter;
  /* from nobody: how deep the driver's own calls are does not count */
  int status = lua_resume(co, NULL, n_args, &n_results);
  task->allocated += *S->meter - S->metered;
  ebb_beat_end(&S->slice.beat);
  S->current = NULL;
  if (EBB_UNLIKELY(S->slice.touched))
    ebbL_slice_ended(L, task);
  if (EBB_UNLIKELY(began_ns != 0))
    ebbL_rt_took(rt, id, ebb_driver_clock(NULL) - began_ns);
  if (EBB_LIKELY(status == LUA_YIELD)) {
    if (EBB_UNLIKELY(core->state == EBB_TASK_RUNNING))
      after_foreign_yield(task, n_results);
    else if (EBB_UNLIKELY(task->frame_gen != 0))
      ebbL_frame_awaits(task);
  } else if (EBB_LIKELY(status == LUA_OK)) {
    task_ended(L, task, slots, n_results - EBBL_FENCE);
  } else {
    task_broke(L, task, slots);
  }
}

/* -> handle, message, traceback */
static int push_overdue(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 1);
  ebbL_pushhandle(L, task);
  const char *label = ebbL_tasklabel(L, task, 0);
  ebbL_pushplace(L, task);
  lua_pushfstring(L,
                  "EBB025: the cleanups of task %s took longer than the "
                  "cleanup_timeout (at %s)",
                  label, lua_tostring(L, -1));
  lua_replace(L, -3);
  lua_pop(L, 1);
  ebbL_pushtraceback(L, task);
  return 3;
}

static void host_overdue(ebb_task *core)
{
  ebbL_task *task = ebbL_task_of(core);
  lua_State *L = task->S->from;
  if (L == NULL || !task->has_run) /* it will never run: no cleanups */
    return;
  if (!lua_checkstack(L, 8))
    return;
  int top = lua_gettop(L);
  lua_pushcfunction(L, push_overdue);
  lua_pushlightuserdata(L, task);
  if (lua_pcall(L, 1, 3, 0) == LUA_OK)
    ebbL_report(L, task->S, ebbL_rt_of(core->rt), top + 1, top + 2, top + 3);
  lua_settop(L, top);
}

const ebb_host ebbL_host = {host_resume, ebbL_visible, host_overdue};

/* --- ending from outside --- */

void ebbL_task_kill(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  lua_checkstack(L, 16);
  ebbL_pushslots(L, S);
  int slots = lua_gettop(L);
  if (task->core.state == EBB_TASK_PARKED) {
    task->core.uninterruptible = false;
    ebb_task_interrupt(&task->core, EBB_ECANCELLED);
  }
  if (task->co == NULL && task->args != 0) {
    ebbL_slots_give(L, S, slots, task->args, task->args_size);
    task->args = 0;
  }
  /* regions that its frames had open: their memory is let go with the frames */
  ebbL_regions_drop(L, task);
  if (task->co != NULL) {
    ebbL_rt *driving = S->driving;
    ebbL_task *current = S->current;
    if (driving == NULL) { /* its cleanups may not drive anything */
      S->driving = ebbL_rt_of(task->core.rt);
      ebbL_frame_hide(S, NULL);
    }
    S->current = NULL;
    ebbL_fence_close(L, task);
    S->driving = driving;
    if (driving == NULL)
      ebbL_frame_show(S);
    /* itself: os.exit(true, true) in a task */
    S->current = current == task ? NULL : current;
    lua_pushnil(task->co);
  }
  task->outcome = EBBL_CANCELLED;
  task_ended(L, task, slots, 1);
  lua_settop(L, slots - 1);
}
