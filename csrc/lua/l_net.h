/* SPDX-License-Identifier: MIT */
/* Sockets, listeners, names of hosts, duplex pairs; lua/ebb/net.lua is their
   surface. */
#ifndef EBB_LUA_NET_H
#define EBB_LUA_NET_H

#include "lua/l_stream.h"
#include "uv/socket.h"

/* [-0, +1 or +2] The text of an address and its port, or a path. */
int ebbL_pushendpoint(lua_State *L, const ebb_endpoint *of);
/* [raises] The address and port at arg and arg + 1; false: it is a name. */
bool ebbL_checkendpoint(lua_State *L, int arg, ebb_endpoint *to);
/* [raises] The path of a Unix socket at arg: 0, or libuv's code. */
int ebbL_checksocketpath(lua_State *L, int arg, ebb_endpoint *to);

/* Adds the table _net to the table on top. */
void ebbL_open_net(lua_State *L, ebbL_state *S);
/* Its parts: listen and listen_path; methods of sockets and listeners. */
void ebbL_open_listener(lua_State *L, ebbL_state *S);
void ebbL_open_socket(lua_State *L, ebbL_state *S);

#endif
