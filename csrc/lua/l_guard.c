/* SPDX-License-Identifier: MIT */
/* ebb.guard: everything made through a guard is freed, newest first, when it
   closes. How it closes, with functions that may wait, is in l_guard_close.c.
 */
#include "lua/l_guard.h"

#include "lua/l_budget.h"
#include "lua/l_task.h"

#include <string.h>

static const char *const guard_states[] = {"open", "closing", "being reset",
                                           "closed"};

ebbL_guard *ebbL_checkguard(lua_State *L, int idx)
{
  ebbL_guard *guard = ebbL_check(L, idx, &ebbL_guard_type);
  if (EBB_UNLIKELY(guard->state != EBBL_OPEN))
    ebbL_error(L, "EBB012", "the guard is %s%s", guard_states[guard->state],
               ebbL_places_push(L, guard->places));
  return guard;
}

/* [-0, +1, raises] A new guard; its parent is at parent_idx, or 0. */
static ebbL_guard *new_guard(lua_State *L, ebbL_state *S, ebbL_memory *M,
                             int parent_idx, ebb_budget *budget)
{
  if (M->is_closed)
    ebbL_error(L, "EBB012", "the Lua state is closing");
  ebbL_guard *guard = ebbL_newlinked(L, S, &ebbL_guard_type, sizeof(*guard),
                                     parent_idx != 0 ? 2 : 1, 0);
  guard->memory = M;
  guard->places = ebbL_places_new(L, M);
  ebb_guard_init(&guard->guard, &M->pool, budget);
  ebb_list_push_back(&M->guards, &guard->link);
  if (parent_idx != 0) {
    lua_pushvalue(L, parent_idx);
    lua_setiuservalue(L, -2, 2);
  }
  return guard;
}

/* --- entries: functions and objects that the guard closes -------------------
 */

/* [-0, +1, raises] The guard's table of values; makes it. */
static void push_guard_values(lua_State *L, int guard_idx)
{
  if (lua_getiuservalue(L, guard_idx, 1) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, guard_idx, 1);
}

ebbL_entry *ebbL_entry_add(lua_State *L, int guard_idx, int value_idx,
                           uint32_t kind)
{
  ebbL_guard *guard = ebbL_checkguard(L, guard_idx);
  push_guard_values(L, guard_idx);
  lua_Integer key = guard->last_key + 1;
  if (kind == EBBL_ITEM_OWN) {
    /* Found by the object itself when it is released early. The key is made
       now, so that giving it its value below cannot fail. */
    lua_pushvalue(L, value_idx);
    lua_pushboolean(L, 0);
    lua_rawset(L, -3);
  }
  lua_pushvalue(L, value_idx);
  lua_rawseti(L, -2, key);
  /* if it raises, the next entry uses the same key */
  ebbL_entry *entry = ebbL_slab_get(L, &guard->memory->items);
  if (guard->last_key != key - 1) { /* a finaliser has used the key */
    ebb_slab_put(&guard->memory->items, entry);
    lua_pop(L, 1);
    return ebbL_entry_add(L, guard_idx, value_idx, kind);
  }
  memset(entry, 0, sizeof(*entry));
  entry->key = guard->last_key = key;
  if (kind == EBBL_ITEM_OWN) {
    lua_pushvalue(L, value_idx);
    lua_pushlightuserdata(L, entry);
    lua_rawset(L, -3);
  }
  if (guard->state != EBBL_OPEN) { /* a finaliser has closed it meanwhile */
    ebb_slab_put(&guard->memory->items, entry);
    ebbL_checkguard(L, guard_idx);
  }
  ebb_guard_add(&guard->guard, &entry->item, kind);
  lua_pop(L, 1);
  return entry;
}

void ebbL_entry_free(lua_State *L, ebbL_guard *guard, int values_idx,
                     ebbL_entry *entry)
{
  values_idx = lua_absindex(L, values_idx);
  if (entry->item.kind == EBBL_ITEM_OWN) {
    lua_rawgeti(L, values_idx, entry->key);
    lua_pushnil(L);
    lua_rawset(L, values_idx);
  }
  lua_pushnil(L);
  lua_rawseti(L, values_idx, entry->key);
  if (entry->child != NULL) {
    entry->child->parent = NULL;
    guard->n_children--;
  }
  ebb_guard_remove(&entry->item);
  if (guard->guard.n_items == 0)
    guard->last_key = 0;
  ebb_slab_put(&guard->memory->items, entry);
}

ebbL_entry *ebbL_entry_find(lua_State *L, int idx)
{
  ebbL_entry *entry = NULL;
  if (lua_type(L, idx) != LUA_TTABLE && lua_type(L, idx) != LUA_TUSERDATA)
    return NULL;
  if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
    lua_pushvalue(L, idx);
    lua_rawget(L, -2);
    entry = lua_touserdata(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return entry;
}

/* --- making --- */

/* [raises] The value at arg is a table with no other key than `name`. */
static void check_options(lua_State *L, int arg, const char *name)
{
  if (!lua_istable(L, arg))
    ebbL_typeerror(L, arg, "table of options");
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING || strcmp(lua_tostring(L, -1), name))
      ebbL_argerror(L, arg,
                    lua_pushfstring(L, "unknown option '%s'",
                                    luaL_tolstring(L, -1, NULL)));
  }
}

/* ebb.guard([opts]) → g */
static int l_guard(lua_State *L)
{
  ebb_budget *budget = NULL;
  if (!lua_isnoneornil(L, 1)) {
    check_options(L, 1, "budget");
    if (lua_getfield(L, 1, "budget") != LUA_TNIL)
      budget = ebbL_budget_check(L, 1, -1);
  }
  new_guard(L, ebbL_S(L), ebbL_M(L), 0, budget);
  return 1;
}

/* ebb.task_guard() → the running task's guard */
static int l_task_guard(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (S->current == NULL)
    return ebbL_error(L, "EBB015",
                      "no task is running, so there is no task guard; use "
                      "`local g <close> = ebb.guard()` here");
  if (ebbL_task_get_guard(L))
    return 1;
  new_guard(L, S, ebbL_M(L), 0, NULL);
  ebbL_task_set_guard(L, -1);
  return 1;
}

/* g:guard() → child, closed at the latest with g */
static int l_guard_guard(lua_State *L)
{
  ebbL_guard *guard = ebbL_checkguard(L, 1);
  lua_settop(L, 1);
  ebbL_guard *child =
      new_guard(L, guard->head.state, guard->memory, 1, guard->guard.budget);
  ebbL_entry *entry = ebbL_entry_add(L, 1, 2, EBBL_ITEM_OWN);
  entry->child = child;
  child->parent = entry;
  guard->n_children++;
  return 1;
}

size_t ebbL_checkcount(lua_State *L, int arg, ebbL_elem elem, bool optional)
{
  if (optional && lua_isnoneornil(L, arg))
    return 0;
  return (size_t)ebbL_checkinteger(
      L, arg, 0, (lua_Integer)(EBBL_MAX_BYTES / ebbL_elems[elem].n_bytes));
}

size_t ebbL_optalign(lua_State *L, int arg)
{
  if (lua_isnoneornil(L, arg))
    return 0;
  check_options(L, arg, "align");
  lua_getfield(L, arg, "align");
  int is_integer;
  lua_Integer align = lua_tointegerx(L, -1, &is_integer);
  if (lua_isnil(L, -1))
    align = 0;
  else if (lua_type(L, -1) != LUA_TNUMBER || !is_integer || align < 1 ||
           align > (lua_Integer)EBB_POOL_MAX_ALIGN ||
           (align & (align - 1)) != 0)
    ebbL_argerror(L, arg,
                  "option 'align': a power of two from 1 to 4096 expected");
  lua_pop(L, 1);
  return (size_t)align;
}

/* A span and its one result, or what the budget has to say. */
static int make_span(lua_State *L, const ebbL_type *type, ebbL_elem elem,
                     size_t n, size_t cap, int options)
{
  size_t align = ebbL_optalign(L, options);
  return ebbL_span_new(L, 1, type, elem, n, cap, align) != NULL ? 1 : 2;
}

/* g:bytes(n, [{align = }]) */
static int l_guard_bytes(lua_State *L)
{
  ebbL_checkguard(L, 1);
  size_t n = ebbL_checkcount(L, 2, EBBL_U8, false);
  return make_span(L, &ebbL_bytes_type, EBBL_U8, n, n, 3);
}

/* g:array(type, n, [{align = }]) */
static int l_guard_array(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t n = ebbL_checkcount(L, 3, elem, false);
  return make_span(L, &ebbL_array_type, elem, n, n, 4);
}

/* g:vec(type, [reserve, [{align = }]]) */
static int l_guard_vec(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t cap = ebbL_checkcount(L, 3, elem, true);
  return make_span(L, &ebbL_vec_type, elem, 0, cap, 4);
}

/* g:buffer([reserve, [{align = }]]) */
static int l_guard_buffer(lua_State *L)
{
  ebbL_checkguard(L, 1);
  size_t cap = ebbL_checkcount(L, 2, EBBL_U8, true);
  return make_span(L, &ebbL_buffer_type, EBBL_U8, 0, cap, 3);
}

/* g:own(x) → x */
static int l_guard_own(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_checkvalue(L, 2);
  lua_settop(L, 2);
  if (ebbL_test(L, 2, &ebbL_guard_type) != NULL && lua_rawequal(L, 1, 2))
    ebbL_argerror(L, 2, "a guard cannot own itself");
  if (!ebbL_is_closable(L, 2))
    ebbL_typeerror(L, 2, "something to close (with __close or a close method)");
  if (ebbL_entry_find(L, 2) == NULL)
    ebbL_entry_add(L, 1, 2, EBBL_ITEM_OWN);
  return 1;
}

/* g:defer(fn) */
static int l_guard_defer(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_checkcallable(L, 2);
  lua_settop(L, 2);
  ebbL_entry_add(L, 1, 2, EBBL_ITEM_DEFER);
  return 0;
}

/* --- the rest
 * ---------------------------------------------------------------------------
 */

/* g:stats() → {live, peak, count} */
static int l_guard_stats(lua_State *L)
{
  const ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)guard->guard.count.live_bytes);
  lua_setfield(L, -2, "live");
  lua_pushinteger(L, (lua_Integer)guard->guard.count.peak_bytes);
  lua_setfield(L, -2, "peak");
  lua_pushinteger(L, (lua_Integer)guard->guard.n_items);
  lua_setfield(L, -2, "count");
  return 1;
}

static int l_guard_tostring(lua_State *L)
{
  const ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type);
  lua_pushfstring(
      L, "ebb.guard: %I items, %I bytes, %s", (LUAI_UACINT)guard->guard.n_items,
      (LUAI_UACINT)guard->guard.count.live_bytes, guard_states[guard->state]);
  return 1;
}

static const luaL_Reg guard_methods[] = {
    {"bytes", l_guard_bytes},
    {"array", l_guard_array},
    {"vec", l_guard_vec},
    {"buffer", l_guard_buffer},
    {"box", ebbL_guard_box},
    {"own", l_guard_own},
    {"defer", l_guard_defer},
    {"release", ebbL_guard_release},
    {"promote", ebbL_guard_promote},
    {"guard", l_guard_guard},
    {"stats", l_guard_stats},
    {"close", ebbL_guard_close},
    {"reset", ebbL_guard_reset},
    {NULL, NULL},
};

static const luaL_Reg guard_meta[] = {
    {"__gc", ebbL_guard_gc},
    {"__tostring", l_guard_tostring},
    {NULL, NULL},
};

static const luaL_Reg guard_functions[] = {
    {"guard", l_guard},
    {"task_guard", l_task_guard},
    {NULL, NULL},
};

void ebbL_open_guard(lua_State *L, ebbL_state *S, ebbL_memory *M)
{
  ebbL_newtype(L, S, &ebbL_guard_type, guard_methods, guard_meta);
  /* Without ebb's upvalues: what it runs are the user's functions, so awaits in
     them are shielded as in any __close of the user's (l_region.c). */
  lua_pushcfunction(L, ebbL_guard_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  ebbL_open_box(L, S);
  ebbL_mem_setfuncs(L, S, M, guard_functions);
}
