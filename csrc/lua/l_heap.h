/* SPDX-License-Identifier: MIT */
/* The memory of the Lua state itself: is it ebb's allocator, who made it so,
   what it counts. */
#ifndef EBB_LUA_HEAP_H
#define EBB_LUA_HEAP_H

#include "alloc/heap.h"
#include "lua/l_state.h"

/* The heap that is behind the state's memory, NULL if its allocator is another.
   [no-raise] */
ebb_heap *ebbL_heap_of(lua_State *L);
/* Under a memory checker every block comes from malloc, so that the checker
   sees each for itself. */
bool ebbL_heap_is_unpaged(void);
/* S uses the state's allocator as it is now. [no-raise] */
void ebbL_heap_attach(lua_State *L, ebbL_state *S);
/* [raises] The heap; EBB033 when the allocator is not ebb's. */
ebb_heap *ebbL_heap_check(lua_State *L);
/* Tells a soft limit that was passed, if one was. Between turns, on the state
   that drives. [no-raise] */
void ebbL_heap_tell(lua_State *L, ebbL_state *S);
/* [-0, +1, raises] ebb.alloc.stats().state */
void ebbL_heap_pushstats(lua_State *L, ebbL_state *S);
/* [-0, +0, raises] install and limit, into the table on top. */
void ebbL_open_heap(lua_State *L, ebbL_state *S);

#endif
