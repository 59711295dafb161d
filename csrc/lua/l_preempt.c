/* SPDX-License-Identifier: MIT */
#include "lua/l_preempt.h"

#include "lua/l_coro_drive.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"

/* In a cleanup or shield nothing is thrown. Its end is a return, or an error,
   after which so many instructions may pass. */
#define HIDDEN_COUNT 1000

static void every_instruction(ebbL_state *S, lua_State *L)
{
  ebbL_hook_arm(&S->hooks, L, 0, 1);
}

/* --- quotas --- */

void ebbL_preempt_quota(ebbL_task *task, int why)
{
  if (task->over != EBBL_QUOTA_NONE)
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
    return "does not stop computing; its slice was over and it went on";
  }
}

/* [-0, +1, raises] "file:line: EBB031: task 12 …", kept as what the task's own
   region throws. */
static void make_quota_error(lua_State *L, ebbL_task *task)
{
  luaL_checkstack(L, 8, NULL);
  ebbL_where(L);
  const char *where = lua_tostring(L, -1);
  const char *label = ebbL_tasklabel(L, task, 0);
  lua_pushfstring(L, "%sEBB031: task %s %s", where, label,
                  quota_text(task->over));
  ebbL_pusherrors(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, &task->core.base);
  task->core.base.has_error = true;
  lua_pop(L, 4);
}

/* The over-quota task is asked to end, with EBB031 for a reason unless it had
   been asked before. [raises] out of memory, with nothing done */
static void strike_over_quota(lua_State *L, ebbL_task *task)
{
  if (!task->core.base.struck && !task->core.base.has_error)
    make_quota_error(L, task);
  ebb_task_cancel(&task->core);
  task->forced = true;
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
  lua_Debug ar;
  luaL_checkstack(L, 3, NULL);
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "f", &ar);
    lua_CFunction fn = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (fn == NULL || (fn != S->lua_pcall_fn && fn != S->lua_xpcall_fn))
      continue;
    if (fn == S->lua_xpcall_fn && lua_getlocal(L, &ar, 2) != NULL) {
      bool is_ours = lua_tocfunction(L, -1) == ebbL_coro_msgh;
      lua_pop(L, 1);
      if (!is_ours) {
        lua_pushcfunction(L, same_error);
        lua_setlocal(L, &ar, 2);
      }
    }
    return;
  }
}

/* [raises] unless a cleanup or shield runs, or the region has been left. */
static void force(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  ebb_region *region = ebbL_verdict(task);
  if (region != NULL) {
    every_instruction(S, L);
    disarm_handler(L, S);
    ebbL_throw_region(L, task, region);
  } else if (task->core.n_struck > 0) {
    ebbL_hook_arm(&S->hooks, L, LUA_MASKRET, HIDDEN_COUNT);
  } else {
    task->forced = false;
    ebbL_hook_drop(&S->hooks, L);
  }
}

/* --- the hook --- */

static void preempt_hook(lua_State *L, lua_Debug *ar)
{
  ebbL_state *S = ebbL_state_find(L);
  if (!ebbL_hook_forward(&S->hooks, L, ar))
    return;
  ebbL_task *task = S->current;
  if (task == NULL || task->core.state != EBB_TASK_RUNNING) {
    ebbL_hook_drop(&S->hooks, L);
    return;
  }
  if (ar->event != LUA_HOOKCOUNT) {
    if (ar->event == LUA_HOOKRET && task->forced) /* out of a cleanup? */
      every_instruction(S, L);
    return;
  }
  if (task->over != EBBL_QUOTA_NONE && !task->forced)
    strike_over_quota(L, task);
  if (task->forced)
    force(L, task);
  else
    ebbL_hook_drop(&S->hooks, L);
}

/* --- along with the task --- */

void ebbL_preempt_follow(ebbL_task *task)
{
  if (task->L != NULL)
    every_instruction(task->S, task->L);
}

void ebbL_preempt_resuming(ebbL_task *task)
{
  if (task->over != EBBL_QUOTA_NONE || task->forced)
    every_instruction(task->S, task->L != NULL ? task->L : task->co);
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
}
