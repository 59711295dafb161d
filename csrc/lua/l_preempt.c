/* SPDX-License-Identifier: MIT */
#include "lua/l_preempt.h"

#include "lua/l_coro_drive.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_walk.h"

/* In a cleanup or shield nothing is thrown. Its end is a return, or an error,
   after which so many instructions may pass. */
#define HIDDEN_COUNT 1000

/* A task that has been asked to end and is not back after so long is looked at,
   where slices are not shorter; when it goes on (l_slice.c) it is forced. */
#define STRUCK_US 100000

static void every_instruction(ebbL_state *S, lua_State *L)
{
  ebbL_hook_arm(&S->hooks, L, 0, 1);
}

/* --- quotas --- */

void ebbL_preempt_quota(ebbL_task *task, int why)
{
  if (task->over != EBBL_QUOTA_NONE && task->over != EBBL_QUOTA_LOOK)
    return;
  task->over = (uint8_t)why;
  task->unusual = true;
  if (task == task->S->current && task->L != NULL)
    every_instruction(task->S, task->L);
}

static const char *quota_text(int why)
{
  switch (why) {
  case EBBL_QUOTA_MEMORY:
    return "has used more memory than its quota";
  case EBBL_QUOTA_CPU:
    return "has computed for longer than its quota of time";
  default:
    return "does not stop computing: its slice was over, and it went on";
  }
}

void ebbL_preempt_pusherror(lua_State *L, ebbL_task *task)
{
  luaL_checkstack(L, 8, NULL);
  ebbL_where(L);
  const char *where = lua_tostring(L, -1);
  const char *label = ebbL_tasklabel(L, task, 0);
  lua_pushfstring(L, "%sEBB031: task %s %s", where, label,
                  quota_text(task->over));
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* --- throwing at every instruction --- */

static int same_error(lua_State *L)
{
  lua_settop(L, 1);
  return 1;
}

/* The message handler of an xpcall is called where the error is thrown, which
   is within our hook, where hooks are off: one that loops would never end. So
   the nearest xpcall gets another one; it is about to be left. */
static void disarm_handler(lua_State *L, ebbL_state *S)
{
  ebbL_walk walk;
  luaL_checkstack(L, 3, NULL);
  for (bool more = ebbL_walk_begin(&walk, L); more;
       more = ebbL_walk_outer(&walk)) {
    lua_getinfo(L, "f", &walk.ar);
    lua_CFunction fn = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (fn == NULL || (fn != S->lua_pcall_fn && fn != S->lua_xpcall_fn))
      continue;
    if (fn == S->lua_xpcall_fn && lua_getlocal(L, &walk.ar, 2) != NULL) {
      bool is_ours = lua_tocfunction(L, -1) == ebbL_coro_msgh;
      lua_pop(L, 1);
      if (!is_ours) {
        lua_pushcfunction(L, same_error);
        lua_setlocal(L, &walk.ar, 2);
      }
    }
    return;
  }
}

/* A cleanup that computes lets no timer fire that would tell that its time is
   over. */
static void check_overdue(lua_State *L, ebbL_task *task)
{
  ebb_task *core = &task->core;
  ebb_rt *rt = core->rt;
  if (!core->cancel_asked || core->overdue)
    return;
  if (ebb_rt_refresh(rt) < core->ending_due_ns &&
      ebbL_slice_ran_us(task->S) < rt->cleanup_timeout_ns / 1000)
    return;
  ebb_list_unlink(&core->ending);
  core->overdue = true;
  lua_State *from = task->S->from;
  task->S->from = L;
  rt->host->overdue(core);
  task->S->from = from;
}

/* [raises] unless a cleanup or shield runs, or the region has been left: then
   true when it remains forced. */
static bool force(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebb_region *region = ebbL_verdict(task);
  if (region == NULL && task->core.n_struck > 0 &&
      ebb_beat_is_overrun(&S->slice.beat)) {
    check_overdue(L, task);
    region = ebbL_verdict(task);
  }
  if (region != NULL) {
    every_instruction(S, L);
    disarm_handler(L, S);
    ebbL_throw_region(L, task, region);
  }
  task->forced = task->core.n_struck > 0;
  return task->forced;
}

/* The over-quota task is asked to end. */
static void strike_over_quota(ebbL_task *task)
{
  ebb_rt_refresh(task->core.rt);
  ebb_task_ask_cancel(&task->core);
  task->forced = true;
}

/* --- a turn that has overrun --- */

/* [raises] To the back of the queue, if that is possible here. */
static bool give_way(lua_State *L, ebbL_task *task)
{
  if (task->L != L || !lua_isyieldable(L))
    return false;
  ebb_task_yield(&task->core);
  task->core.rt->turn_over = true;
  task->n_args = 0;
  task->preempted = task->unusual = true;
  every_instruction(task->S, L); /* when it is resumed: is it by us? */
  lua_yield(L, 0);
  return true;
}

static int throw_slice(lua_State *L, ebbL_task *task)
{
  ebbL_rt *rt = ebbL_rt_of(task->core.rt);
  char seconds[32];
  lua_number2str(seconds, sizeof seconds, rt->slice_us / 1e6);
  const char *label = ebbL_tasklabel(L, task, 0);
  disarm_handler(L, task->S);
  return ebbL_error(L, "EBB023",
                    "task %s has computed for longer than its slice of %s s",
                    label, seconds);
}

static void report(lua_State *L, ebbL_task *task, unsigned ran_us)
{
  ebbL_slices *slice = &task->S->slice;
  slice->reported = true;
  ebbL_slow_report(L, task, ran_us);
}

/* Returns true when it has yielded. [raises] */
static bool overrun(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebbL_slices *slice = &S->slice;
  ebbL_rt *rt = ebbL_rt_of(task->core.rt);
  unsigned ran_us = ebbL_slice_ran_us(S);
  bool is_over = rt->slice_us != 0 && ran_us >= rt->slice_us;
  if (slice->began_cpu_ns != 0 &&
      ebbL_slice_used_ns(S) >= ebbL_account_left(task))
    ebbL_preempt_quota(task, EBBL_QUOTA_CPU);
  else if (is_over && rt->on_slice == EBBL_SLICE_THROW && slice->thrown &&
           ran_us >= slice->thrown_us + rt->slice_us)
    ebbL_preempt_quota(task, EBBL_QUOTA_SLICE);
  if (task->over != EBBL_QUOTA_NONE && !task->forced)
    strike_over_quota(task);
  else if (task->core.n_struck > 0 && !task->forced &&
           (is_over || (ran_us >= STRUCK_US && ebbL_slice_goes_on(S))))
    task->forced = task->unusual = true;
  if (task->forced && force(L, task) == false)
    is_over = false; /* the region's end was the answer */
  if (!slice->reported && ((is_over && rt->on_slice == EBBL_SLICE_REPORT) ||
                           (slice->slow_us != 0 && ran_us >= slice->slow_us)))
    report(L, task, ran_us);
  if (slice->reported && rt->on_slice == EBBL_SLICE_REPORT &&
      task->core.n_struck == 0 && task->account == NULL)
    ebbL_slice_hush(S);
  if (is_over && rt->on_slice == EBBL_SLICE_YIELD)
    return give_way(L, task);
  if (is_over && rt->on_slice == EBBL_SLICE_THROW && !slice->thrown &&
      !task->forced) {
    slice->thrown = true;
    slice->thrown_us = ran_us;
    ebbL_slice_relax(S, L);
    throw_slice(L, task);
  }
  return false;
}

/* --- the hook --- */

/* L has been preempted, and somebody else than the loop resumes it. */
static bool is_anothers(ebbL_state *S, const lua_State *L)
{
  ebb_list_foreach(at, &S->runtimes) {
    ebbL_rt *rt = ebb_container_of(at, ebbL_rt, link);
    ebb_list_foreach(node, &rt->core.tasks) {
      ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
      if (task->preempted && task->L == L)
        return true;
    }
  }
  return false;
}

/* The running task, in the coroutine L. [raises] */
static void at_instruction(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebbL_slice_count(S);
  if (task->over == EBBL_QUOTA_LOOK)
    ebbL_quota_look(L, task);
  if (task->preempted && task->L == L) { /* it goes on after that */
    task->preempted = false;
    ebbL_slice_relax(S, L);
    if (task->over == EBBL_QUOTA_NONE && !task->forced) {
      ebb_region *region = task->core.n_struck > 0 ? ebbL_verdict(task) : NULL;
      if (region != NULL) { /* as ebb.yield does */
        disarm_handler(L, S);
        ebbL_throw_region(L, task, region);
      }
      return;
    }
  }
  if (task->over != EBBL_QUOTA_NONE && !task->forced)
    strike_over_quota(task);
  if (task->forced)
    force(L, task);
  if (ebb_beat_is_overrun(&S->slice.beat) && overrun(L, task))
    return;
  if (task->forced)
    ebbL_hook_arm(&S->hooks, L, LUA_MASKRET, HIDDEN_COUNT);
  else
    ebbL_slice_relax(S, L);
}

static void preempt_hook(lua_State *L, lua_Debug *ar)
{
  if (lua_status(L) == LUA_YIELD) /* a count hook that has yielded, then a */
    return;                       /* line hook: nothing may run any more */
  ebbL_state *S = ebbL_state_find(L);
  if (!ebbL_hook_forward(&S->hooks, L, ar))
    return;
  ebbL_task *task = S->current;
  bool runs = task != NULL && task->core.state == EBB_TASK_RUNNING;
  if (ar->event == LUA_HOOKCOUNT && runs && (task->L == L || task->forced)) {
    at_instruction(L, task);
  } else if (ar->event == LUA_HOOKCOUNT && is_anothers(S, L)) {
    if (lua_isyieldable(L))
      lua_yield(L, 0);
  } else if (ar->event == LUA_HOOKCOUNT) {
    ebbL_slice_relax(S, L);
  } else if (ar->event == LUA_HOOKRET && runs && task->forced) {
    every_instruction(S, L); /* out of the cleanup? */
  }
}

void ebbL_preempt_follow(ebbL_task *task)
{
  if (task->forced)
    every_instruction(task->S, task->L);
  else
    ebbL_slice_relax(task->S, task->L);
}

/* _over_quota(task, why): as the allocator does it; for the specs. */
static int l_over_quota(lua_State *L)
{
  ebbL_handle *handle = ebbL_check(L, 1, &ebbL_task_type);
  if (handle->task != NULL)
    ebbL_preempt_quota(handle->task, (int)luaL_checkinteger(L, 2));
  return 0;
}

void ebbL_open_preempt(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_over_quota", l_over_quota}, {NULL, NULL}};
  S->hooks.own = preempt_hook;
  ebbL_setfuncs(L, S, funcs);
  ebbL_open_account(L, S);
  ebbL_open_quota(L, S);
  ebbL_open_slow(L, S);
}
