/* SPDX-License-Identifier: MIT */
/* select and its kin: what they are given, as a set. */
#include "lua/l_set.h"

#include "lua/l_rt.h"

/* Is the key at idx one of 1…length? */
static bool in_list(lua_State *L, int idx, lua_Integer length)
{
  if (!lua_isinteger(L, idx))
    return false;
  lua_Integer key = lua_tointeger(L, idx);
  return key >= 1 && key <= length;
}

/* A single plain table at index 1: pushes its arms and, unless it is a list,
   their keys in the same order; removes it. Returns how many arms. */
static int spread_table(lua_State *L, bool *is_list)
{
  lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
  if (length > EBBL_SET_MAX)
    ebbL_argerror(L, 1, "too many operations");
  luaL_checkstack(L, (int)length + 8, "too many operations");
  for (lua_Integer i = 1; i <= length; i++)
    lua_rawgeti(L, 1, i);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    if (in_list(L, -2, length)) {
      lua_pop(L, 1);
    } else {
      luaL_checkstack(L, 8, "too many operations");
      lua_insert(L, -2); /* the value stays, below the key */
    }
  }
  int n = lua_gettop(L) - 1;
  *is_list = n == length;
  if (*is_list) { /* the keys are the positions */
    lua_remove(L, 1);
    return n;
  }
  luaL_checkstack(L, n + 8, "too many operations");
  for (lua_Integer i = 1; i <= length; i++)
    lua_pushinteger(L, i);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    if (!in_list(L, -1, length)) {
      lua_pushvalue(L, -1);
      lua_insert(L, -2);
    }
  }
  lua_remove(L, 1);
  ebbL_order_arms(L, 1, n + 1, n, 1);
  return n;
}

static bool has_defer(const ebbL_header *header)
{
  return header->type == &ebbL_composite_type
             ? ((const ebbL_composite *)header)->has_defer
             : ebbL_leafclass(header) == &ebbL_defer_class;
}

/* Checks the arms at 1…n; defer_ops in them are replaced by what they make.
   Writes down what they are if `known` is not NULL. */
static void check_arms(lua_State *L, ebbL_state *S, int n, bool is_table,
                       bool is_list, ebbL_header **known)
{
  int n_live = 0;
  bool defers = false;
  for (int arm = 1; arm <= n; arm++) {
    ebbL_header *header = ebbL_op_at(L, S, arm);
    if (known != NULL)
      known[arm - 1] = header;
    if (header == NULL && lua_type(L, arm) == LUA_TBOOLEAN &&
        !lua_toboolean(L, arm))
      continue;
    if (EBB_UNLIKELY(header == NULL)) {
      if (is_table && is_list)
        lua_pushinteger(L, arm);
      else if (is_table)
        lua_pushvalue(L, n + arm);
      ebbL_checkop(L, is_table ? 1 : arm, arm, is_table ? lua_gettop(L) : 0);
    }
    defers |= has_defer(header);
    n_live++;
  }
  if (n_live == 0)
    ebbL_error(L, "EBB061", "nothing to select: no operation was given");
  for (int arm = 1; defers && arm <= n; arm++) {
    if (ebbL_set_is_skipped(L, arm))
      continue;
    ebbL_expand(L, S, arm);
    if (known != NULL)
      known[arm - 1] = ebbL_touserdata(L, arm);
  }
}

static int select_common(lua_State *L, lua_CFunction fn, bool biased,
                         bool try_only)
{
  ebbL_state *S = ebbL_S(L);
  bool is_table = lua_gettop(L) == 1 && lua_istable(L, 1);
  ebbL_task *task = S->current;
  if (try_only) {
    /* never waits, so it needs no task; classes ask for one only to wait */
    if (task == NULL) {
      task = S->nobody;
      task->core.rt = &ebbL_current_rt(L, S)->core;
    }
  } else {
    task = ebbL_self(L, S);
    if (task == NULL) {
      if (lua_gettop(L) == 0)
        ebbL_error(L, "EBB061", "nothing to select: no operation was given");
      return ebbL_drive(L, S, fn);
    }
    ebbL_check_struck(L, task);
    if (ebbL_spent(task))
      return ebbL_giveway(L, task, fn);
  }
  bool is_list = true;
  int n = is_table ? spread_table(L, &is_list) : lua_gettop(L);
  if (n > EBBL_SET_MAX)
    ebbL_argerror(L, 1, "too many operations");
  ebbL_header *arms[EBBL_SET_KNOWN],
      **known = n <= EBBL_SET_KNOWN ? arms : NULL;
  check_arms(L, S, n, is_table, is_list, known);
  return ebbL_set_perform(L, task, n, known, !is_list, biased, try_only);
}

static int l_select(lua_State *L)
{
  return select_common(L, l_select, false, false);
}

static int l_select_first(lua_State *L)
{
  return select_common(L, l_select_first, true, false);
}

static int l_try_select(lua_State *L)
{
  return select_common(L, l_try_select, false, true);
}

void ebbL_open_select(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"select", l_select},
                                   {"select_first", l_select_first},
                                   {"try_select", l_try_select},
                                   {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
