/* SPDX-License-Identifier: MIT */
/* Sockets by their bare system calls, none of which waits, and ops that wait
   until one may be tried again: what lua/ebb/compat/socket is made of. */
#ifndef EBB_LUA_DESCRIPTOR_H
#define EBB_LUA_DESCRIPTOR_H

#include "lua/l_state.h"

/* Adds the table _descriptor to the table on top. */
void ebbL_open_descriptor(lua_State *L, ebbL_state *S);

#endif
