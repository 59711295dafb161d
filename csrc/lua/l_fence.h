/* SPDX-License-Identifier: MIT */
/* The fence of a task's coroutine: a value to be closed that lies below
   everything else on it, as long as the coroutine lives. Whoever kept the
   coroutine (coroutine.running) can close it with coroutine.close while the
   task waits; its frames are gone then, and with them what kept alive the
   objects whose queues the task's nodes are in. The fence hears of it in time:
   the task leaves all queues and fails with EBB058 at its next turn.

   It costs a task nothing: it is put up once for each coroutine, and stays
   while finished coroutines are used again. Lua before 5.4.3 has no closing
   that could tell. */
#ifndef EBB_LUA_FENCE_H
#define EBB_LUA_FENCE_H

#include "lua/l_task.h"

#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50403
  #define EBBL_FENCE 1 /* values on a coroutine that runs nothing */
#else
  #define EBBL_FENCE 0
#endif

/* [raises] co is new and empty. */
void ebbL_fence_put(lua_State *L, lua_State *co);
/* Is the idle coroutine as ebb left it? Somebody may have closed it, or resumed
   it in vain. [no-raise] */
static inline bool ebbL_fence_stands(lua_State *co)
{
  return lua_gettop(co) == EBBL_FENCE && lua_status(co) == LUA_OK;
}
/* Closes the coroutine of a task that ends, on behalf of ebb itself: it is
   empty then, and of no more use. Runs what is to be closed. [no-raise] */
void ebbL_fence_close(lua_State *L, ebbL_task *task);
/* [-1, +1] Why a task whose coroutine is spoiled has failed, instead of the
   error on the top. [no-raise] */
void ebbL_fence_blame(lua_State *L, const ebbL_task *task);

/* [-0, +0, raises] */
void ebbL_open_fence(lua_State *L, ebbL_state *S);

#endif
