/* SPDX-License-Identifier: MIT */
/* Composite ops: choice, map, and_then, or_else, compiled when they are made,
   and defer_op, expanded when it is performed.

   A composite is flat: the leaves of its child ops one after the other, then
   their steps, each child's outermost steps leading on to the new one. Copying
   costs O(size) per level, performing nothing for the nesting. */
#include "lua/l_op.h"

#include <string.h>

const ebbL_type ebbL_composite_type = {"ebb.op", NULL};

/* Leaves, steps and anchors of one op: l_op.c packs them into 20 bits. */
#define SIZE_LIMIT ((1 << 20) - 2)
#define DEFER_DEPTH 100

/* --- building ---------------------------------------------------------------- */

typedef struct build {
  int32_t n_leaves, n_steps, n_anchors;
  bool has_defer;
  int anchors; /* stack index of the table, while it is filled */
} build;

static const ebbL_opclass *class_of(ebbL_header *header)
{
  if (header->type == &ebbL_op_type)
    return ((ebbL_op *)header)->cls;
  return header->type->op;
}

static void check_op(lua_State *L, int arg, int idx)
{
  if (ebbL_isop(L, idx))
    return;
  const char *got = ebbL_typename(L, idx);
  ebbL_argerror(L, arg, lua_pushfstring(L, "operation expected, got %s", got));
}

/* The arm at idx of a table, with its key above it. */
static void check_arm(lua_State *L, int idx)
{
  if (ebbL_isop(L, idx))
    return;
  const char *got = ebbL_typename(L, idx);
  const char *key = luaL_tolstring(L, idx + 1, NULL);
  ebbL_argerror(L, 1, lua_pushfstring(L, "operation expected at '%s', got %s",
                                      key, got));
}

static void check_size(lua_State *L, const build *b)
{
  if (b->n_leaves > SIZE_LIMIT || b->n_steps > SIZE_LIMIT ||
      b->n_anchors > SIZE_LIMIT)
    ebbL_throw(L, "operation too large (more than %d parts)", SIZE_LIMIT);
}

/* Adds the size of the op at idx. */
static void measure(lua_State *L, build *b, int idx)
{
  ebbL_header *header = lua_touserdata(L, idx);
  if (header->type == &ebbL_composite_type) {
    ebbL_composite *child = (ebbL_composite *)header;
    b->n_leaves += child->n_leaves;
    b->n_steps += child->n_steps;
    b->n_anchors += child->n_anchors;
    b->has_defer |= child->has_defer;
  } else {
    b->n_leaves++;
    b->n_anchors++;
    b->has_defer |= class_of(header) == &ebbL_defer_class;
  }
  check_size(L, b);
}

/* [-0, +2] The composite (empty as yet) and its table of anchors; `b` is reset
   to count what has been filled in. */
static ebbL_composite *begin(lua_State *L, ebbL_state *S, build *b)
{
  check_size(L, b);
  luaL_checkstack(L, 8, NULL);
  size_t n_bytes = sizeof(ebbL_composite) +
                   (size_t)b->n_leaves * sizeof(ebbL_leaf) +
                   (size_t)b->n_steps * sizeof(ebbL_step);
  ebbL_composite *composite =
      ebbL_new(L, S, &ebbL_composite_type, n_bytes, 1);
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
static void finish(lua_State *L, ebbL_composite *composite, const build *b)
{
  EBB_CHECK(composite->n_leaves == b->n_leaves);
  composite->n_steps = b->n_steps;
  composite->n_anchors = b->n_anchors;
  composite->has_defer = b->has_defer;
  lua_pop(L, 1);
}

/* The value at idx becomes the next anchor. */
static int32_t add_anchor(lua_State *L, build *b, int idx)
{
  lua_pushvalue(L, idx);
  lua_rawseti(L, b->anchors, b->n_anchors + 1);
  return b->n_anchors++;
}

static int32_t add_step(ebbL_composite *composite, build *b, ebbL_step step)
{
  ebbL_steps(composite)[b->n_steps] = step;
  return b->n_steps++;
}

static void copy_anchors(lua_State *L, build *b, int idx, int32_t n)
{
  lua_getiuservalue(L, idx, 1);
  for (int32_t i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, b->anchors, b->n_anchors + i);
  }
  lua_pop(L, 1);
}

/* The steps of `child`, whose outermost lead on to `outer`. */
static void copy_steps(ebbL_composite *composite, build *b,
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
static void add_op(lua_State *L, ebbL_composite *composite, build *b, int idx,
                   int32_t outer)
{
  ebbL_header *header = lua_touserdata(L, idx);
  ebbL_leaf *leaves = ebbL_leaves(composite) + b->n_leaves;
  if (header->type != &ebbL_composite_type) {
    leaves[0] = (ebbL_leaf){.cls = class_of(header),
                            .object = header,
                            .anchor = add_anchor(L, b, idx),
                            .step = outer};
    b->n_leaves++;
    return;
  }
  ebbL_composite *child = (ebbL_composite *)header;
  for (int32_t i = 0; i < child->n_leaves; i++) {
    leaves[i] = ebbL_leaves(child)[i];
    leaves[i].anchor += b->n_anchors;
    leaves[i].step =
        leaves[i].step < 0 ? outer : leaves[i].step + b->n_steps;
  }
  b->n_leaves += child->n_leaves;
  copy_steps(composite, b, child, outer);
  copy_anchors(L, b, idx, child->n_anchors);
  b->n_anchors += child->n_anchors;
}

/* --- choice -------------------------------------------------------------------- */

static bool is_skipped(lua_State *L, int idx)
{
  return lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx);
}

/* The table at index 1: [-0, +2n] its arms, each with its key. They are taken
   out first, because a collection (hence any code) may run in between. */
static int spread_table(lua_State *L)
{
  lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
  if (length > SIZE_LIMIT)
    ebbL_argerror(L, 1, "too many operations");
  for (lua_Integer i = 1; i <= length; i++) {
    luaL_checkstack(L, 8, "too many operations");
    lua_rawgeti(L, 1, i);
    lua_pushinteger(L, i);
  }
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    luaL_checkstack(L, 8, "too many operations");
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 &&
        lua_tointeger(L, -2) <= length) {
      lua_pop(L, 1);
    } else {
      lua_insert(L, -2);
      lua_pushvalue(L, -1); /* the key goes on to lua_next */
    }
  }
  return (lua_gettop(L) - 1) / 2;
}

static int l_choice(lua_State *L)
{
  bool is_table = lua_gettop(L) == 1 && lua_istable(L, 1);
  int n = is_table ? spread_table(L) : lua_gettop(L);
  int first = is_table ? 2 : 1, stride = is_table ? 2 : 1;
  build b = {0};
  for (int i = 0; i < n; i++) {
    int idx = first + i * stride;
    if (is_skipped(L, idx))
      continue;
    if (is_table)
      check_arm(L, idx);
    else
      check_op(L, idx, idx);
    b.n_steps++;
    b.n_anchors += is_table;
    measure(L, &b, idx);
  }
  if (b.n_leaves == 0)
    return ebbL_error(L, "EBB061",
                      "nothing to choose from: no operation was given");
  ebbL_composite *composite = begin(L, ebbL_S(L), &b);
  for (int i = 0; i < n; i++) {
    int idx = first + i * stride;
    if (is_skipped(L, idx))
      continue;
    ebbL_step step = {-1, EBBL_STEP_INDEX, is_table, i + 1};
    if (is_table)
      step.value = add_anchor(L, &b, idx + 1);
    int32_t outer = add_step(composite, &b, step);
    add_op(L, composite, &b, idx, outer);
  }
  finish(L, composite, &b);
  return 1;
}

/* --- map, and_then, or_else ------------------------------------------------------ */

/* (op, fn): the values of op go through fn. */
static int add_function(lua_State *L, int kind)
{
  build b = {.n_steps = 1, .n_anchors = 1};
  check_op(L, 1, 1);
  ebbL_checkcallable(L, 2);
  lua_settop(L, 2);
  measure(L, &b, 1);
  ebbL_composite *composite = begin(L, ebbL_S(L), &b);
  ebbL_step step = {-1, (uint8_t)kind, false, add_anchor(L, &b, 2)};
  int32_t outer = add_step(composite, &b, step);
  add_op(L, composite, &b, 1, outer);
  finish(L, composite, &b);
  return 1;
}

static int l_map(lua_State *L)
{
  return add_function(L, EBBL_STEP_MAP);
}

static int l_and_then(lua_State *L)
{
  return add_function(L, EBBL_STEP_AND_THEN);
}

static int l_or_else(lua_State *L)
{
  return add_function(L, EBBL_STEP_OR_ELSE);
}

/* --- defer_op --------------------------------------------------------------------- */

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
                                       defer_link, defer_settle,  false};

static int l_defer_op(lua_State *L)
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
  if (++x->n_calls > SIZE_LIMIT)
    ebbL_throw(L, "operation too large (more than %d parts)", SIZE_LIMIT);
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
static void expand_composite(lua_State *L, ebbL_state *S, int idx,
                             expansion *x)
{
  ebbL_composite *old = lua_touserdata(L, idx);
  ebbL_leaf *leaves = ebbL_leaves(old);
  build b = {.n_steps = old->n_steps, .n_anchors = old->n_anchors};
  int made = lua_gettop(L); /* what the defer_ops gave lies above, in order */
  lua_getiuservalue(L, idx, 1);
  int old_anchors = ++made;
  for (int32_t i = 0; i < old->n_leaves; i++) {
    if (leaves[i].cls == &ebbL_defer_class) {
      lua_rawgeti(L, old_anchors, leaves[i].anchor + 1);
      push_deferred(L, S, lua_gettop(L), x);
      lua_remove(L, -2);
      measure(L, &b, lua_gettop(L));
    } else {
      b.n_leaves++;
    }
  }
  b.has_defer = false;
  ebbL_composite *composite = begin(L, S, &b);
  copy_steps(composite, &b, old, -1);
  copy_anchors(L, &b, idx, old->n_anchors);
  b.n_anchors += old->n_anchors;
  for (int32_t i = 0; i < old->n_leaves; i++) {
    if (leaves[i].cls == &ebbL_defer_class)
      add_op(L, composite, &b, ++made, leaves[i].step);
    else
      ebbL_leaves(composite)[b.n_leaves++] = leaves[i];
  }
  finish(L, composite, &b);
  lua_replace(L, idx);
  lua_settop(L, old_anchors - 1);
}

static void expand(lua_State *L, ebbL_state *S, int idx, expansion *x)
{
  ebbL_header *header = lua_touserdata(L, idx);
  if (header->type == &ebbL_composite_type) {
    if (((ebbL_composite *)header)->has_defer)
      expand_composite(L, S, idx, x);
  } else if (class_of(header) == &ebbL_defer_class) {
    push_deferred(L, S, idx, x);
    lua_replace(L, idx);
  }
}

void ebbL_expand(lua_State *L, ebbL_state *S, int idx)
{
  expansion x = {0, 0};
  expand(L, S, lua_absindex(L, idx), &x);
}

/* --- the type ---------------------------------------------------------------------- */

#define NAMES_SHOWN 8

static int composite_tostring(lua_State *L)
{
  ebbL_composite *composite = ebbL_check(L, 1, &ebbL_composite_type);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "ebb.op: ");
  for (int32_t i = 0; i < composite->n_leaves; i++) {
    if (i == NAMES_SHOWN) {
      luaL_addstring(&text, ", …");
      break;
    }
    if (i > 0)
      luaL_addstring(&text, ", ");
    luaL_addstring(&text, ebbL_leaves(composite)[i].cls->name);
  }
  luaL_pushresult(&text);
  return 1;
}

void ebbL_addcombinators(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"map", l_map},
                                   {"and_then", l_and_then},
                                   {"or_else", l_or_else},
                                   {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}

void ebbL_open_combine(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"choice", l_choice},
                                   {"map_op", l_map},
                                   {"defer_op", l_defer_op},
                                   {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", composite_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_composite_type, no_methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
