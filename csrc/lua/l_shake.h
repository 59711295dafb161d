/* SPDX-License-Identifier: MIT */
/* Schedule exploration of a runtime (core/shake.h), for ebb.test: of ebb's own
   Lua files only. If the collector is part of it, the automatic one is off
   while it lasts: collections come where the seed says, and so do finalisers.
 */
#ifndef EBB_LUA_SHAKE_H
#define EBB_LUA_SHAKE_H

#include "lua/l_rt.h"

/* The runtime closes, or the run is over: it is let go, and the collector goes
   on as before. [no-raise] */
void ebbL_shake_drop(lua_State *L, ebbL_rt *rt);

/* Registers _shake and _shaken in the table on top. */
void ebbL_open_shake(lua_State *L, ebbL_state *S);

#endif
