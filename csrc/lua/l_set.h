/* SPDX-License-Identifier: MIT */
/* Sets of ops: the arms lie on the stack from index 1; in a set with keys those
   follow. */
#ifndef EBB_LUA_SET_H
#define EBB_LUA_SET_H

#include "lua/l_op.h"

#define EBBL_SET_MAX ((1 << 20) - 1) /* arms */

/* What the arms are, found out once: NULL for one that is skipped. Sets with
   more arms look again each time. */
#define EBBL_SET_KNOWN 128

/* An arm that is false. */
static inline bool ebbL_set_is_skipped(lua_State *L, int arm)
{
  return lua_type(L, arm) == LUA_TBOOLEAN;
}
/* As the last act of a C function: attempts the arms, and unless try_only (then
   nil) waits for the first. `known`: see EBBL_SET_KNOWN, or NULL. Pushes its
   number, or key, and its results; the earliest wins among several if biased.
   [raises, yields] */
int ebbL_set_perform(lua_State *L, ebbL_task *task, int n_arms,
                     ebbL_header *const *known, bool is_keyed, bool biased,
                     bool try_only);

void ebbL_open_select(lua_State *L, ebbL_state *S);

#endif
