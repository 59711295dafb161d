/* SPDX-License-Identifier: MIT */
/* Composite ops: choice, map, and_then, or_else, compiled when they are made.

   A composite is flat: the leaves of its child ops one after the other, then
   their steps, each child's outermost steps leading on to the new one. Copying
   costs O(size) per level, performing nothing for the nesting. */
#include "lua/l_build.h"

#include <string.h>

const ebbL_type ebbL_composite_type = {"ebb.op", NULL, NULL};

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
  ebbL_argerror(
      L, 1, lua_pushfstring(L, "operation expected at '%s', got %s", key, got));
}

/* --- named arms --- */

/* What is no string keeps its place before those that are. */
static bool comes_after(lua_State *L, int key, int other)
{
  if (lua_type(L, key) != LUA_TSTRING)
    return false;
  if (lua_type(L, other) != LUA_TSTRING)
    return true;
  size_t n_key, n_other;
  const char *name = lua_tolstring(L, key, &n_key);
  const char *other_name = lua_tolstring(L, other, &n_other);
  int order = memcmp(name, other_name, n_key < n_other ? n_key : n_other);
  return order != 0 ? order > 0 : n_key > n_other;
}

static void swap(lua_State *L, int a, int b)
{
  lua_pushvalue(L, a);
  lua_copy(L, b, a);
  lua_replace(L, b);
}

void ebbL_order_arms(lua_State *L, int arms, int keys, int n, int stride)
{
  const ebbL_task *task = ebbL_S(L)->current;
  if (task == NULL || EBB_LIKELY(!task->core.rt->shuffled))
    return;
  for (int i = 1; i < n; i++) {
    for (int k = i; k > 0; k--) {
      int here = k * stride, before = here - stride;
      if (!comes_after(L, keys + before, keys + here))
        break;
      swap(L, arms + before, arms + here);
      swap(L, keys + before, keys + here);
    }
  }
}

/* --- choice --- */

static bool is_skipped(lua_State *L, int idx)
{
  return lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx);
}

/* The table at index 1: [-0, +2n] its arms, each with its key. They are taken
   out first, because a collection (hence any code) may run in between. */
static int spread_table(lua_State *L)
{
  lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
  if (length > EBBL_OP_LIMIT)
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
  int n = (lua_gettop(L) - 1) / 2;
  ebbL_order_arms(L, 2, 3, n, 2);
  return n;
}

static int l_choice(lua_State *L)
{
  bool is_table = lua_gettop(L) == 1 && lua_istable(L, 1);
  int n = is_table ? spread_table(L) : lua_gettop(L);
  int first = is_table ? 2 : 1, stride = is_table ? 2 : 1;
  ebbL_build b = {0};
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
    ebbL_build_measure(L, &b, idx);
  }
  if (b.n_leaves == 0)
    return ebbL_error(L, "EBB061",
                      "nothing to choose from: no operation was given");
  ebbL_composite *composite = ebbL_build_begin(L, ebbL_S(L), &b);
  for (int i = 0; i < n; i++) {
    int idx = first + i * stride;
    if (is_skipped(L, idx))
      continue;
    ebbL_step step = {-1, EBBL_STEP_INDEX, is_table, i + 1};
    if (is_table)
      step.value = ebbL_build_anchor(L, &b, idx + 1);
    int32_t outer = ebbL_build_step(composite, &b, step);
    ebbL_build_op(L, composite, &b, idx, outer);
  }
  ebbL_build_finish(L, composite, &b);
  return 1;
}

/* --- map, and_then, or_else --- */

/* (op, fn): the values of op go through fn. */
static int add_function(lua_State *L, int kind)
{
  ebbL_build b = {.n_steps = 1, .n_anchors = 1};
  check_op(L, 1, 1);
  ebbL_checkcallable(L, 2);
  lua_settop(L, 2);
  ebbL_build_measure(L, &b, 1);
  ebbL_composite *composite = ebbL_build_begin(L, ebbL_S(L), &b);
  ebbL_step step = {-1, (uint8_t)kind, false, ebbL_build_anchor(L, &b, 2)};
  int32_t outer = ebbL_build_step(composite, &b, step);
  ebbL_build_op(L, composite, &b, 1, outer);
  ebbL_build_finish(L, composite, &b);
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

/* --- the type --- */

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
                                   {"defer_op", ebbL_defer_op},
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
