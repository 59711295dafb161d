/* SPDX-License-Identifier: MIT */
#ifndef EBB_LUA_CENSUS_H
#define EBB_LUA_CENSUS_H

#include "lua/l_state.h"

/* [-0, +0, raises] Adds _census to the module on top; after ebbL_open_mem. */
void ebbL_open_census(lua_State *L, ebbL_state *S);

#endif
