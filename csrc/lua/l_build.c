/* SPDX-License-Identifier: MIT */
/* Putting a composite together from its child ops. */
#include "lua/l_build.h"

static void check_size(lua_State *L, const ebbL_build *b)
{
  if (b->n_leaves > EBBL_OP_LIMIT || b->n_steps > EBBL_OP_LIMIT ||
      b->n_anchors > EBBL_OP_LIMIT)
    ebbL_throw(L, "operation too large (more than %d parts)", EBBL_OP_LIMIT);
}

/* Adds the size of the op at idx. */
void ebbL_build_measure(lua_State *L, ebbL_build *b, int idx)
{
  ebbL_header *header = ebbL_touserdata(L, idx);
  if (header->type == &ebbL_composite_type) {
    ebbL_composite *child = (ebbL_composite *)header;
    b->n_leaves += child->n_leaves;
    b->n_steps += child->n_steps;
    b->n_anchors += child->n_anchors;
    b->has_defer |= child->has_defer;
  } else {
    b->n_leaves++;
    b->n_anchors++;
    b->has_defer |= ebbL_leafclass(header) == &ebbL_defer_class;
  }
  check_size(L, b);
}

/* [-0, +2] The composite (empty as yet) and its table of anchors; `b` is reset
   to count what has been filled in. */
ebbL_composite *ebbL_build_begin(lua_State *L, ebbL_state *S, ebbL_build *b)
{
  check_size(L, b);
  luaL_checkstack(L, 8, NULL);
  size_t n_bytes = sizeof(ebbL_composite) +
                   (size_t)b->n_leaves * sizeof(ebbL_leaf) +
                   (size_t)b->n_steps * sizeof(ebbL_step);
  ebbL_composite *composite = ebbL_new(L, S, &ebbL_composite_type, n_bytes, 1);
  /* complete only once everything is in its place: see finish */
  composite->n_leaves = b->n_leaves;
  lua_createtable(L, b->n_anchors, 0);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, 1);
  b->n_leaves = b->n_steps = b->n_anchors = 0;
  b->anchors = lua_gettop(L);
  return composite;
}

/* [-1, +0] Pops the table of anchors. */
void ebbL_build_finish(lua_State *L, ebbL_composite *composite,
                       const ebbL_build *b)
{
  EBB_CHECK(composite->n_leaves == b->n_leaves);
  composite->n_steps = b->n_steps;
  composite->n_anchors = b->n_anchors;
  composite->has_defer = b->has_defer;
  lua_pop(L, 1);
}

/* The value at idx becomes the next anchor. */
int32_t ebbL_build_anchor(lua_State *L, ebbL_build *b, int idx)
{
  lua_pushvalue(L, idx);
  lua_rawseti(L, b->anchors, b->n_anchors + 1);
  return b->n_anchors++;
}

int32_t ebbL_build_step(ebbL_composite *composite, ebbL_build *b,
                        ebbL_step step)
{
  ebbL_steps(composite)[b->n_steps] = step;
  return b->n_steps++;
}

void ebbL_build_copy_anchors(lua_State *L, ebbL_build *b, int idx, int32_t n)
{
  lua_getiuservalue(L, idx, 1);
  for (int32_t i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, b->anchors, b->n_anchors + i);
  }
  lua_pop(L, 1);
}

/* The steps of `child`, whose outermost lead on to `outer`. */
void ebbL_build_copy_steps(ebbL_composite *composite, ebbL_build *b,
                           ebbL_composite *child, int32_t outer)
{
  int32_t at = b->n_steps;
  for (int32_t i = 0; i < child->n_steps; i++) {
    ebbL_step step = ebbL_steps(child)[i];
    step.parent = step.parent < 0 ? outer : step.parent + at;
    if (step.kind != EBBL_STEP_INDEX || step.keyed)
      step.value += b->n_anchors;
    ebbL_steps(composite)[at + i] = step;
  }
  b->n_steps += child->n_steps;
}

/* The op at idx, whose results go on to the step `outer` (-1: none). */
void ebbL_build_op(lua_State *L, ebbL_composite *composite, ebbL_build *b,
                   int idx, int32_t outer)
{
  ebbL_header *header = ebbL_touserdata(L, idx);
  ebbL_leaf *leaves = ebbL_leaves(composite) + b->n_leaves;
  if (header->type != &ebbL_composite_type) {
    leaves[0] = (ebbL_leaf){.cls = ebbL_leafclass(header),
                            .object = header,
                            .anchor = ebbL_build_anchor(L, b, idx),
                            .step = outer};
    b->n_leaves++;
    return;
  }
  ebbL_composite *child = (ebbL_composite *)header;
  for (int32_t i = 0; i < child->n_leaves; i++) {
    leaves[i] = ebbL_leaves(child)[i];
    leaves[i].anchor += b->n_anchors;
    leaves[i].step = leaves[i].step < 0 ? outer : leaves[i].step + b->n_steps;
  }
  b->n_leaves += child->n_leaves;
  ebbL_build_copy_steps(composite, b, child, outer);
  ebbL_build_copy_anchors(L, b, idx, child->n_anchors);
  b->n_anchors += child->n_anchors;
}
