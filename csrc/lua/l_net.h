/* SPDX-License-Identifier: MIT */
/* Sockets, listeners, names of hosts, duplex pairs; lua/ebb/net.lua is their
   surface. */
#ifndef EBB_LUA_NET_H
#define EBB_LUA_NET_H

#include "lua/l_endpoint.h"
#include "lua/l_stream.h"
#include "uv/socket.h"

/* Adds the table _net to the table on top. */
void ebbL_open_net(lua_State *L, ebbL_state *S);
/* Its parts: listen and listen_path; methods of sockets and listeners. */
void ebbL_open_listener(lua_State *L, ebbL_state *S);
void ebbL_open_socket(lua_State *L, ebbL_state *S);

#endif
