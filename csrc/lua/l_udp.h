/* SPDX-License-Identifier: MIT */
/* Datagram sockets as Lua has them; names are resolved by lua/ebb/net/udp.lua.
 */
#ifndef EBB_LUA_UDP_H
#define EBB_LUA_UDP_H

#include "lua/l_state.h"

/* Adds the table _udp to the table on top: open, and the socket's methods. */
void ebbL_open_udp(lua_State *L, ebbL_state *S);

#endif
