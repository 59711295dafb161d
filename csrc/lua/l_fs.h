/* SPDX-License-Identifier: MIT */
/* Files as Lua has them: each call starts one request and awaits it. */
#ifndef EBB_LUA_FS_H
#define EBB_LUA_FS_H

#include "lua/l_state.h"

/* [-0, +3] nil, "ENOENT: no such file or directory", "ENOENT" for libuv's
   `code`. Returns 3. */
int ebbL_pushuverror(lua_State *L, int code);
/* [-0, +1 or +3] true if `code` is 0, else the same. Returns how many. */
int ebbL_pushdone(lua_State *L, int code);
/* [raises] A path: a string without zeros. */
const char *ebbL_checkpath(lua_State *L, int arg);

/* Adds the table _fs to the table on top. */
void ebbL_open_fs(lua_State *L, ebbL_state *S);

#endif
