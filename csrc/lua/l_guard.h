/* SPDX-License-Identifier: MIT */
/* What the files of the guard share: l_guard.c (making, letting go),
   l_guard_close.c (closing), l_box.c. */
#ifndef EBB_LUA_GUARD_H
#define EBB_LUA_GUARD_H

#include "lua/l_mem.h"

/* Does the value at idx have __close or a close method? [-0, +0, raises] */
bool ebbL_is_closable(lua_State *L, int idx);
/* [-0, +n, raises] Pushes what closes the object at idx and its arguments;
   returns how many arguments. */
int ebbL_pushcloser(lua_State *L, int idx);

/* The entry leaves its guard, and its value the table at values_idx. Room for 2
   more values on the stack. [no-raise] */
void ebbL_entry_free(lua_State *L, ebbL_guard *guard, int values_idx,
                     ebbL_entry *entry);

/* g:close(), __close, __gc and g:reset(). [raises] the first error of what was
   closed, when all is done. [yields] if a function or object waits */
int ebbL_guard_close(lua_State *L);
int ebbL_guard_gc(lua_State *L);
int ebbL_guard_reset(lua_State *L);

/* g:box(v) */
int ebbL_guard_box(lua_State *L);
/* Lets go of what the box at idx holds. [no-raise] */
void ebbL_box_free(lua_State *L, ebbL_box *box, int idx);
/* [-0, +1] Pushes the box itself, or nil if it is being collected. [no-raise]
 */
void ebbL_box_push(lua_State *L, const ebbL_box *box);
void ebbL_open_box(lua_State *L, ebbL_state *S);

#endif
