/* SPDX-License-Identifier: MIT */
/* How composite ops are put together: measure every child, begin, add steps and
   children in the order they were measured, finish. */
#ifndef EBB_LUA_BUILD_H
#define EBB_LUA_BUILD_H

#include "lua/l_op.h"

/* Leaves, steps and anchors of one op: l_op.c packs them into 20 bits. */
#define EBBL_OP_LIMIT ((1 << 20) - 2)

/* Sizes while it is measured; afterwards what has been filled in. */
typedef struct ebbL_build {
  int32_t n_leaves, n_steps, n_anchors;
  bool has_defer;
  int anchors; /* stack index of the table, while it is filled */
} ebbL_build;

/* [raises] Adds the size of the op at idx. */
void ebbL_build_measure(lua_State *L, ebbL_build *b, int idx);
/* [-0, +2, raises] The composite, empty as yet, and its table of anchors. */
ebbL_composite *ebbL_build_begin(lua_State *L, ebbL_state *S, ebbL_build *b);
/* The value at idx becomes an anchor. */
int32_t ebbL_build_anchor(lua_State *L, ebbL_build *b, int idx);
int32_t ebbL_build_step(ebbL_composite *composite, ebbL_build *b,
                        ebbL_step step);
/* The op at idx, whose results go on to the step `outer` (-1: none). */
void ebbL_build_op(lua_State *L, ebbL_composite *composite, ebbL_build *b,
                   int idx, int32_t outer);
/* Parts of the above: the steps of `child`, whose outermost lead on to `outer`;
   the n anchors of the composite at idx. */
void ebbL_build_copy_steps(ebbL_composite *composite, ebbL_build *b,
                           ebbL_composite *child, int32_t outer);
void ebbL_build_copy_anchors(lua_State *L, ebbL_build *b, int idx, int32_t n);
/* [-1, +0] Pops the table of anchors: the composite is complete. */
void ebbL_build_finish(lua_State *L, ebbL_composite *composite,
                       const ebbL_build *b);

/* ebb.defer_op (l_defer.c) */
int ebbL_defer_op(lua_State *L);

#endif
