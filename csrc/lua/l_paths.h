/* SPDX-License-Identifier: MIT */
/* Where a worker's state finds modules: a copy of what the state that started
   it goes by, for other threads to read. Counted; from malloc. */
#ifndef EBB_LUA_PATHS_H
#define EBB_LUA_PATHS_H

#include "lua/l_state.h"

typedef struct ebbL_paths ebbL_paths;

/* [raises] The present ones: `*paths` if that still is right, else a new copy
   in its place. O(bytes of the paths) */
void ebbL_paths_refresh(lua_State *L, ebbL_paths **paths);
/* [raises] The state finds its modules there from now on. */
void ebbL_paths_apply(lua_State *L, const ebbL_paths *paths);
/* From any thread. */
void ebbL_paths_retain(ebbL_paths *paths);
void ebbL_paths_release(ebbL_paths *paths); /* NULL is fine */

#endif
