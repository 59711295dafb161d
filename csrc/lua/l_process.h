/* SPDX-License-Identifier: MIT */
/* Child processes as Lua has them; lua/ebb/process.lua is their surface. */
#ifndef EBB_LUA_PROCESS_H
#define EBB_LUA_PROCESS_H

#include "lua/l_state.h"

/* Adds the table _process to the table on top: spawn, and the methods. */
void ebbL_open_process(lua_State *L, ebbL_state *S);

#endif
