/* SPDX-License-Identifier: MIT */
/* defer_op: an op that is made anew each time it is performed. */
#include "lua/l_build.h"

#define DEFER_DEPTH 100

/* Never performed itself: ebbL_expand comes before. */
static int defer_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)L, (void)task, (void)object, (void)at;
  EBB_CHECK(false);
  return EBBL_WAIT;
}

static const ebb_wait_class defer_wait = {"defer_op", false, NULL};

static void defer_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebb_wait_link(&task->core, i, &defer_wait, object, NULL, (uint32_t)payload);
}

static int defer_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)L, (void)task, (void)object, (void)at, (void)payload;
  return 0;
}

const ebbL_opclass ebbL_defer_class = {"defer_op", defer_attempt, NULL,
                                       defer_link, defer_settle,  0};

int ebbL_defer_op(lua_State *L)
{
  ebbL_checkcallable(L, 1);
  ebbL_newop(L, ebbL_S(L), &ebbL_defer_class, 0, 1);
  return 1;
}

/* How far an expansion has gone: functions that keep making defer_ops must end
   in an error. */
typedef struct expansion {
  int depth;
  int32_t n_calls;
} expansion;

static void expand(lua_State *L, ebbL_state *S, int idx, expansion *x);

/* [-0, +1] The op that the defer_op at idx stands for this time. */
static void push_deferred(lua_State *L, ebbL_state *S, int idx, expansion *x)
{
  if (++x->n_calls > EBBL_OP_LIMIT)
    ebbL_throw(L, "operation too large (more than %d parts)", EBBL_OP_LIMIT);
  luaL_checkstack(L, 8, "too many operations");
  lua_getiuservalue(L, idx, 2);
  lua_call(L, 0, 1);
  if (!ebbL_isop(L, -1))
    ebbL_throw(L, "the function of defer_op must return an operation, got %s",
               ebbL_typename(L, -1));
  if (++x->depth > DEFER_DEPTH)
    ebbL_throw(L, "defer_op within defer_op, more than %d deep", DEFER_DEPTH);
  expand(L, S, lua_gettop(L), x);
  x->depth--;
}

/* A copy of the composite at idx with its defer_ops replaced. */
static void expand_composite(lua_State *L, ebbL_state *S, int idx, expansion *x)
{
  ebbL_composite *old = lua_touserdata(L, idx);
  ebbL_leaf *leaves = ebbL_leaves(old);
  ebbL_build b = {.n_steps = old->n_steps, .n_anchors = old->n_anchors};
  int made = lua_gettop(L); /* what the defer_ops gave lies above, in order */
  lua_getiuservalue(L, idx, 1);
  int old_anchors = ++made;
  for (int32_t i = 0; i < old->n_leaves; i++) {
    if (leaves[i].cls == &ebbL_defer_class) {
      lua_rawgeti(L, old_anchors, leaves[i].anchor + 1);
      push_deferred(L, S, lua_gettop(L), x);
      lua_remove(L, -2);
      ebbL_build_measure(L, &b, lua_gettop(L));
    } else {
      b.n_leaves++;
    }
  }
  b.has_defer = false;
  ebbL_composite *composite = ebbL_build_begin(L, S, &b);
  ebbL_build_copy_steps(composite, &b, old, -1);
  ebbL_build_copy_anchors(L, &b, idx, old->n_anchors);
  b.n_anchors += old->n_anchors;
  for (int32_t i = 0; i < old->n_leaves; i++) {
    if (leaves[i].cls == &ebbL_defer_class)
      ebbL_build_op(L, composite, &b, ++made, leaves[i].step);
    else
      ebbL_leaves(composite)[b.n_leaves++] = leaves[i];
  }
  ebbL_build_finish(L, composite, &b);
  lua_replace(L, idx);
  lua_settop(L, old_anchors - 1);
}

static void expand(lua_State *L, ebbL_state *S, int idx, expansion *x)
{
  ebbL_header *header = ebbL_touserdata(L, idx);
  if (header->type == &ebbL_composite_type) {
    if (((ebbL_composite *)header)->has_defer)
      expand_composite(L, S, idx, x);
  } else if (ebbL_leafclass(header) == &ebbL_defer_class) {
    push_deferred(L, S, idx, x);
    lua_replace(L, idx);
  }
}

void ebbL_expand(lua_State *L, ebbL_state *S, int idx)
{
  expansion x = {0, 0};
  expand(L, S, lua_absindex(L, idx), &x);
}
