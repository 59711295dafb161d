/* SPDX-License-Identifier: MIT */
/* ebb.coroutine: coroutines through which awaits pass to the task. */
#ifndef EBB_LUA_CORO_H
#define EBB_LUA_CORO_H

#include "lua/l_task.h"

/* [-0, +0, raises] Adds the table `coroutine`, then require (l_require.c), to
   the table on top. */
void ebbL_open_coro(lua_State *L, ebbL_state *S);
void ebbL_open_require(lua_State *L, ebbL_state *S);

#endif
