/* SPDX-License-Identifier: MIT */
/* ebb.fs.watch: what happens to a file or in a directory, to be received. */
#ifndef EBB_LUA_FS_WATCH_H
#define EBB_LUA_FS_WATCH_H

#include "lua/l_state.h"

/* Adds watch to the table _fs in the table on top. */
void ebbL_open_fs_watch(lua_State *L, ebbL_state *S);

#endif
