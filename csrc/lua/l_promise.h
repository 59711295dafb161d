/* SPDX-License-Identifier: MIT */
/* ebb.callback: a function for an API that calls back, and the op that gives
   what it was called with. */
#ifndef EBB_LUA_PROMISE_H
#define EBB_LUA_PROMISE_H

#include "lua/l_rt.h"

void ebbL_open_promise(lua_State *L, ebbL_state *S);

#endif
