/* SPDX-License-Identifier: MIT */
/* ebb.runtime{loop = "luv"}: a runtime beside luv's event loop, each driven by
   whoever drives the other. The two keep a loop of their own and never see each
   other's handles: libuv's ABI, and which copy of it luv was built with, do not
   matter. They know each other by file descriptor (a loop's descriptor is
   readable when the loop has something to do) and by Lua functions, which
   lua/ebb/luv.lua makes of luv's own API:

     poll() -> alive, seconds   runs what luv has ready, never blocks; is there
                                anything to wait for, and until when (or nil)
     kick()                     the runtime has work: uv.run() shall call it
     driven(begins, has_tasks)  ebb drives from now on, or no more
     detach()                   the runtime is closed */
#ifndef EBB_LUA_LUV_H
#define EBB_LUA_LUV_H

#include "lua/l_rt.h"

/* The row of the option. [raises] when luv is not installed */
void ebbL_option_loop(lua_State *L, ebbL_rt *rt);

/* Lets luv run what is due. Sets *due_ns to the time at which it wants to run
   again (EBB_NEVER: none). False when there is nothing it waits for. Callbacks
   run, hence any Lua code, as outside of tasks. [no-raise] */
bool ebbL_luv_poll(lua_State *L, ebbL_rt *rt, uint64_t *due_ns);
/* The runtime has a task to run, and nobody drives it. [no-raise] */
void ebbL_luv_kick(lua_State *L, ebbL_rt *rt);
/* A drive begins, or has ended. [no-raise] */
void ebbL_luv_driven(lua_State *L, ebbL_rt *rt, bool begins);
/* The runtime ends: luv's side forgets its descriptor. [no-raise] */
void ebbL_luv_detach(lua_State *L, ebbL_rt *rt);

#endif
