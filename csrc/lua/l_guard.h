/* SPDX-License-Identifier: MIT */
/* What the files of the guard share: l_guard.c (making),
   l_guard_release.c, l_guard_close.c, l_box.c. */
#ifndef EBB_LUA_GUARD_H
#define EBB_LUA_GUARD_H

#include "lua/l_mem.h"

/* Does the value at idx have __close or a close method? [-0, +0, raises] */
bool ebbL_is_closable(lua_State *L, int idx);
/* [-0, +n, raises] Pushes what closes the object at idx and its arguments;
   returns how many arguments. */
int ebbL_pushcloser(lua_State *L, int idx);

/* [raises] The value at value_idx becomes the newest entry of the guard at
   guard_idx (absolute indices). Nothing has changed if it raises. */
ebbL_entry *ebbL_entry_add(lua_State *L, int guard_idx, int value_idx,
                           uint32_t kind);
/* [-0, +0] The entry of the object at idx in the guard at 1, or NULL. */
ebbL_entry *ebbL_entry_find(lua_State *L, int idx);
/* The entry leaves its guard, and its value the table at values_idx. Room for 2
   more values on the stack. [no-raise] */
void ebbL_entry_free(lua_State *L, ebbL_guard *guard, int values_idx,
                     ebbL_entry *entry);

/* g:close(), __close, __gc and g:reset(). [raises] the first error of what was
   closed, when all is done. [yields] if a function or object waits */
int ebbL_guard_close(lua_State *L);
int ebbL_guard_gc(lua_State *L);
int ebbL_guard_reset(lua_State *L);

/* g:release(x) [yields], g:promote(x, [to]) */
int ebbL_guard_release(lua_State *L);
int ebbL_guard_promote(lua_State *L);

/* g:box(v) */
int ebbL_guard_box(lua_State *L);
/* Lets go of what the box at idx holds. [no-raise] */
void ebbL_box_free(lua_State *L, ebbL_box *box, int idx);
/* [-0, +1] Pushes the box itself, or nil if it is being collected. [no-raise]
 */
void ebbL_box_push(lua_State *L, const ebbL_box *box);
void ebbL_open_box(lua_State *L, ebbL_state *S);

#endif
