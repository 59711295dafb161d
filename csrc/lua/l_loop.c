/* SPDX-License-Identifier: MIT */
#include "lua/l_loop.h"

#include "lua/l_drive.h"
#include "lua/l_op.h"
#include "lua/l_region.h"
#include "lua/l_report.h"

/* --- run --- */

static uint64_t in_seconds(const ebb_rt *core, double seconds)
{
  return ebb_due_in(core->now_ns, seconds);
}

/* [.., fn, args…] (n_args of them on top) -> [.., handle] Drives a task until
   it ends: EBBL_LOOP_ENDED, EBBL_LOOP_DEADLOCK. Nothing raises from then until
   ebbL_driving_end. [raises] before it has begun */
static int drive_main(ebbL_driving *d, lua_State *L, ebbL_rt *rt, int n_args,
                      bool is_internal)
{
  ebbL_driving_prepare(L, rt);
  ebbL_task *task = ebbL_spawn(L, rt->head.state, rt, n_args, true, NULL);
  task->is_main = true;
  task->is_internal = is_internal;
  ebbL_handle *handle = lua_touserdata(L, -1);
  handle->is_owned = true;
  ebbL_driving_begin(d, L, rt);
  d->main = handle;
  ebbL_driving_watch_interrupt(d);
  return ebbL_driving_loop(d);
}

/* [handle at idx] Its results, or its error, which is thrown; what was
   interrupted says so. */
static int return_main(lua_State *L, ebbL_rt *rt, int idx)
{
  const ebbL_handle *handle = lua_touserdata(L, idx);
  if (handle->status == EBBL_DONE)
    return ebbL_pushresults(L, idx);
  ebbL_pusherror(L, idx);
  ebbL_taken(L, idx);
  if (rt->interrupts > 0 && handle->status == EBBL_CANCELLED) {
    lua_pop(L, 1);
    lua_pushliteral(L, "interrupted!");
  }
  return lua_error(L);
}

static int run_main(lua_State *L, ebbL_rt *rt)
{
  ebbL_driving d;
  int outcome = drive_main(&d, L, rt, lua_gettop(L) - 2, false);
  const ebbL_handle *handle = d.main;
  int handle_idx = lua_gettop(L);
  if (outcome == EBBL_LOOP_DEADLOCK)
    ebbL_pushdeadlock(L, rt);
  ebbL_driving_drain(
      &d, in_seconds(&rt->core, (double)rt->core.cleanup_timeout_ns / 1e9 + 1));
  if (rt->core.n_alive > 0)
    ebbL_rt_kill_all(L, rt);
  if (handle->status == EBBL_FAILED)
    ebbL_taken(L, handle_idx); /* it is thrown by run itself */
  ebbL_report_due(L, rt, true);
  ebbL_driving_end(&d);
  if (outcome == EBBL_LOOP_DEADLOCK) {
    ebbL_taken(L, handle_idx);
    return lua_error(L);
  }
  return return_main(L, rt, handle_idx);
}

int ebbL_rt_run(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_checkcallable(L, 2);
  ebbL_not_inside_task(L, rt->head.state, "run");
  ebbL_not_closed(L, rt);
  return run_main(L, rt);
}

/* --- drive: one await, other tasks go on meanwhile --- */

/* [.., fn, args…] (n_args of them on top) */
static int drive_call(lua_State *L, ebbL_rt *rt, int n_args)
{
  ebbL_driving d;
  int outcome = drive_main(&d, L, rt, n_args, true);
  const ebbL_handle *handle = d.main;
  int handle_idx = lua_gettop(L);
  if (outcome == EBBL_LOOP_DEADLOCK) {
    ebbL_pushdeadlock(L, rt);
    if (handle->task != NULL) {
      ebbL_cancel_task(L, handle->task, 0);
      if (ebbL_driving_loop(&d) == EBBL_LOOP_DEADLOCK)
        ebbL_task_kill(L, handle->task);
    }
    ebbL_driving_end(&d);
    ebbL_taken(L, handle_idx);
    return lua_error(L);
  }
  ebbL_driving_end(&d);
  return return_main(L, rt, handle_idx);
}

int ebbL_drive(lua_State *L, ebbL_state *S, lua_CFunction fn)
{
  if (ebbL_finaliser(L, S) != EBBL_NO_FINALISER)
    ebbL_error(L, "EBB051", "cannot await inside a finaliser (__gc)");
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebbL_not_closed(L, rt);
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
  ebbL_not_inside_task(L, rt->head.state, "block on");
  ebbL_not_closed(L, rt);
  lua_settop(L, 2);
  ebbL_pushfunction(L, rt->head.state, l_await_op);
  lua_insert(L, 2);
  return drive_call(L, rt, 1);
}

/* --- shutdown --- */

static int shut_down(lua_State *L, ebbL_rt *rt, double grace_s)
{
  ebbL_driving d;
  double limit_s = (double)rt->core.cleanup_timeout_ns / 1e9;
  if (grace_s > limit_s)
    grace_s = limit_s;
  /* without memory it ends all the same, but not in good order */
  bool can_drive =
      lua_checkstack(L, EBBL_DRIVE_STACK) &&
      (rt->is_virtual || rt->driver != NULL || ebbL_rt_try_driver(L, rt) == 0);
  ebbL_driving_begin(&d, L, rt);
  ebb_rt_refresh(&rt->core);
  rt->shutting_down = true; /* no spawns from the cleanups */
  if (can_drive)
    ebbL_driving_drain(&d, in_seconds(&rt->core, grace_s));
  size_t n = ebbL_rt_kill_all(L, rt);
  ebbL_report_due(L, rt, true);
  ebbL_driving_end(&d);
  ebbL_rt_fini(L, rt);
  lua_pushinteger(L, (lua_Integer)n);
  return 1;
}

static ebbL_rt *check_open(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_not_closed(L, rt);
  return rt;
}

int ebbL_rt_shutdown(lua_State *L)
{
  ebbL_rt *rt = check_open(L);
  double grace_s = lua_isnoneornil(L, 2)
                       ? (double)rt->core.cleanup_timeout_ns / 1e9
                       : ebbL_checkseconds(L, 2);
  ebbL_not_inside_task(L, rt->head.state, "shut down");
  return shut_down(L, rt, grace_s);
}

int ebbL_rt_close(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  if (rt->closed)
    return 0;
  ebbL_not_inside_task(L, rt->head.state, "close");
  return shut_down(L, rt, 0);
}
