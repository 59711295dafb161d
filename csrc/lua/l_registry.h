/* SPDX-License-Identifier: MIT */
#ifndef EBB_LUA_REGISTRY_H
#define EBB_LUA_REGISTRY_H

#include "lua/l_mem.h"

/* Frees the slots of all registries: the state is closing. [no-raise] */
void ebbL_registries_fini(ebbL_memory *M);
/* Adds `registry` to the table on top (ebb.alloc). [raises] */
void ebbL_open_registry(lua_State *L, ebbL_state *S, ebbL_memory *M);

#endif
