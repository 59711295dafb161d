/* SPDX-License-Identifier: MIT */
/* Addresses of sockets as Lua has them: a host and a port, or a path. */
#ifndef EBB_LUA_ENDPOINT_H
#define EBB_LUA_ENDPOINT_H

#include "lua/l_state.h"
#include "uv/endpoint.h"

/* [-0, +1 or +2] The text of an address and its port, or a path. */
int ebbL_pushendpoint(lua_State *L, const ebb_endpoint *of);
/* [raises] The address and port at arg and arg + 1; false: it is a name. */
bool ebbL_checkendpoint(lua_State *L, int arg, ebb_endpoint *to);
/* [raises] The path of a Unix socket at arg: 0, or libuv's code. */
int ebbL_checksocketpath(lua_State *L, int arg, ebb_endpoint *to);

/* [raises] A name or an address: a string without zeros. */
const char *ebbL_checkhost(lua_State *L, int arg);

#endif
