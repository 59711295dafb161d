/* SPDX-License-Identifier: MIT */
#include "lua/l_fence.h"

#include "lua/l_region.h"
#include "lua/l_rt.h"

static const char fence_key; /* of the registry: the fence of all coroutines */

static ebbL_task *task_on(const ebbL_state *S, const lua_State *co)
{
  ebb_list_foreach(link, &S->runtimes) {
    ebbL_rt *rt = ebb_container_of(link, ebbL_rt, link);
    ebb_list_foreach(node, &rt->core.tasks) {
      ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
      if (task->co == co)
        return task;
    }
  }
  return NULL;
}

/* The fence's __close; the last one that runs on the coroutine. */
static int fence_falls(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (S->closing_co == L)
    return 0;
  ebbL_task *task = task_on(S, L);
  if (task == NULL)
    return 0; /* an idle one */
  task->is_spoiled = true;
  if (task->core.state == EBB_TASK_PARKED) {
    task->core.uninterruptible = false;
    ebb_task_interrupt(&task->core, EBB_ECANCELLED);
  }
  ebbL_regions_drop(L, task);
  task->n_args = 0; /* what it was woken with is gone, too */
  task->L = L;
  return 0;
}

/* The coroutine of a task that has ended was resumed: the fence is all there is
   to be called. */
static int fence_called(lua_State *L)
{
  lua_pushliteral(L, "cannot resume dead coroutine");
  return lua_error(L);
}

void ebbL_fence_put(lua_State *L, lua_State *co)
{
#if EBBL_FENCE
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fence_key);
  lua_xmove(L, co, 1);
  lua_toclose(co, 1);
#else
  (void)L, (void)co;
#endif
}

static int close_protected(lua_State *L)
{
  lua_State *co = lua_touserdata(L, 1);
  ebbL_closethread(co, L);
  return 0;
}

void ebbL_fence_close(lua_State *L, ebbL_task *task)
{
  ebbL_state *S = task->S;
  lua_State *outer = S->closing_co, *co = task->co;
  task->is_spoiled = true;
  S->closing_co = co;
  lua_pushcfunction(L, close_protected);
  lua_pushlightuserdata(L, co);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  S->closing_co = outer;
  lua_settop(co, 0);
}

static int push_blame(lua_State *L)
{
  const ebbL_task *task = lua_touserdata(L, 1);
  lua_pushfstring(L,
                  "EBB058: somebody else has closed or resumed the coroutine "
                  "of task %I (coroutine.close, coroutine.resume)",
                  (LUAI_UACINT)task->core.id);
  return 1;
}

void ebbL_fence_blame(lua_State *L, const ebbL_task *task)
{
  lua_pushcfunction(L, push_blame);
  lua_pushlightuserdata(L, (void *)(uintptr_t)task);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK)
    lua_pop(L, 1);
  else
    lua_replace(L, -2);
}

void ebbL_open_fence(lua_State *L, ebbL_state *S)
{
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 3);
  ebbL_pushfunction(L, S, fence_falls);
  lua_setfield(L, -2, "__close");
  ebbL_pushfunction(L, S, fence_called);
  lua_setfield(L, -2, "__call");
  lua_pushliteral(L, "ebb.fence");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &fence_key);
}
