/* SPDX-License-Identifier: MIT */
/* ebb.guard: everything made through a guard is freed, newest first, when it
   closes. How it closes, with functions that may wait, is in l_guard_close.c.
 */
#include "lua/l_guard.h"

#include "lua/l_task.h"

#include <string.h>

const ebbL_type ebbL_guard_type = {"ebb.guard", NULL};
const ebbL_type ebbL_box_type = {"ebb.box", NULL};

static const char *const state_names[] = {"open", "closing", "being reset",
                                          "closed"};

ebbL_guard *ebbL_checkguard(lua_State *L, int idx)
{
  ebbL_guard *guard = ebbL_check(L, idx, &ebbL_guard_type);
  if (EBB_UNLIKELY(guard->state != EBBL_OPEN))
    ebbL_error(L, "EBB012", "the guard is %s%s", state_names[guard->state],
               ebbL_places_push(L, guard->places));
  return guard;
}

/* [-0, +1, raises] A new guard; its parent is at parent_idx, or 0. */
static ebbL_guard *new_guard(lua_State *L, ebbL_state *S, ebbL_memory *M,
                             int parent_idx)
{
  if (M->is_closed)
    ebbL_error(L, "EBB012", "the Lua state is closing");
  ebbL_guard *guard =
      ebbL_new(L, S, &ebbL_guard_type, sizeof(*guard), parent_idx != 0 ? 2 : 1);
  guard->memory = M;
  guard->places = ebbL_places_new(L, M);
  ebb_guard_init(&guard->guard, &M->pool);
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
static void push_values(lua_State *L, int guard_idx)
{
  if (lua_getiuservalue(L, guard_idx, 1) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, guard_idx, 1);
}

/* [raises] The value at value_idx becomes the newest entry of the guard at
   guard_idx. Nothing has changed if it raises. */
static ebbL_entry *add_entry(lua_State *L, int guard_idx, int value_idx,
                             uint32_t kind)
{
  ebbL_guard *guard = ebbL_checkguard(L, guard_idx);
  push_values(L, guard_idx);
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
  ebbL_entry *entry = ebb_slab_get(&guard->memory->items);
  if (entry == NULL)
    ebbL_nomem(L); /* the next entry uses the same key */
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

/* [-0, +0] The entry of the object at idx in the guard at 1, or NULL. */
static ebbL_entry *find_entry(lua_State *L, int idx)
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

/* --- making
 * ---------------------------------------------------------------------- */

/* ebb.guard([opts]) → g */
static int l_guard(lua_State *L)
{
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getfield(L, 1, "budget") != LUA_TNIL)
      ebbL_argerror(L, 1, "there are no budgets yet");
  }
  new_guard(L, ebbL_S(L), ebbL_M(L), 0);
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
  new_guard(L, S, ebbL_M(L), 0);
  ebbL_task_set_guard(L, -1);
  return 1;
}

/* g:guard() → child, closed at the latest with g */
static int l_guard_guard(lua_State *L)
{
  ebbL_guard *guard = ebbL_checkguard(L, 1);
  lua_settop(L, 1);
  ebbL_guard *child = new_guard(L, guard->head.state, guard->memory, 1);
  ebbL_entry *entry = add_entry(L, 1, 2, EBBL_ITEM_OWN);
  entry->child = child;
  child->parent = entry;
  guard->n_children++;
  return 1;
}

static size_t check_count(lua_State *L, int arg, ebbL_elem elem, bool optional)
{
  if (optional && lua_isnoneornil(L, arg))
    return 0;
  return (size_t)ebbL_checkinteger(
      L, arg, 0, (lua_Integer)(EBBL_MAX_BYTES / ebbL_elems[elem].n_bytes));
}

static int l_guard_bytes(lua_State *L)
{
  ebbL_checkguard(L, 1);
  size_t n = check_count(L, 2, EBBL_U8, false);
  ebbL_span_new(L, 1, &ebbL_bytes_type, EBBL_U8, n, n);
  return 1;
}

static int l_guard_array(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t n = check_count(L, 3, elem, false);
  ebbL_span_new(L, 1, &ebbL_array_type, elem, n, n);
  return 1;
}

static int l_guard_vec(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_elem elem = ebbL_checkelem(L, 2);
  size_t cap = check_count(L, 3, elem, true);
  ebbL_span_new(L, 1, &ebbL_vec_type, elem, 0, cap);
  return 1;
}

static int l_guard_buffer(lua_State *L)
{
  ebbL_checkguard(L, 1);
  size_t cap = check_count(L, 2, EBBL_U8, true);
  ebbL_span_new(L, 1, &ebbL_buffer_type, EBBL_U8, 0, cap);
  return 1;
}

/* g:own(x) → x */
static int l_guard_own(lua_State *L)
{
  ebbL_checkguard(L, 1);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  if (ebbL_test(L, 2, &ebbL_guard_type) != NULL && lua_rawequal(L, 1, 2))
    ebbL_argerror(L, 2, "a guard cannot own itself");
  if (!ebbL_is_closable(L, 2))
    ebbL_typeerror(L, 2, "something to close (with __close or a close method)");
  if (find_entry(L, 2) == NULL)
    add_entry(L, 1, 2, EBBL_ITEM_OWN);
  return 1;
}

/* g:defer(fn) */
static int l_guard_defer(lua_State *L)
{
  ebbL_checkguard(L, 1);
  ebbL_checkcallable(L, 2);
  lua_settop(L, 2);
  add_entry(L, 1, 2, EBBL_ITEM_DEFER);
  return 0;
}

/* --- letting go
 * -------------------------------------------------------------------- */

/* The memory at 2 is the guard's and live. [raises] EBB011, EBB014 */
static void check_mine(lua_State *L, const ebbL_guard *guard,
                       const ebb_item *item, const ebbL_places *places)
{
  if (item->guard == NULL)
    ebbL_error(L, "EBB011", "freed twice: %s%s", luaL_tolstring(L, 2, NULL),
               ebbL_places_push(L, places));
  if (item->guard != &guard->guard)
    ebbL_error(L, "EBB014", "memory of another guard: %s%s",
               luaL_tolstring(L, 2, NULL), ebbL_places_push(L, places));
}

/* The span at 2, if it is one, checked to be the guard's own memory. */
static ebbL_span *span_of(lua_State *L, const ebbL_guard *guard)
{
  ebbL_span *span = ebbL_tospan(L, 2);
  if (span == NULL)
    return NULL;
  if (span->is_view)
    ebbL_argerror(L, 2, "a view has no memory of its own; give what it views");
  check_mine(L, guard, &span->block.item, span->places);
  return span;
}

/* The box at 2, likewise. */
static ebbL_box *box_of(lua_State *L, const ebbL_guard *guard)
{
  ebbL_box *box = ebbL_test(L, 2, &ebbL_box_type);
  if (box != NULL)
    check_mine(L, guard, &box->item, box->places);
  return box;
}

/* The entry of the object at 2, which must be the guard's. [raises] */
static ebbL_entry *entry_of(lua_State *L)
{
  ebbL_entry *entry = find_entry(L, 2);
  if (entry != NULL)
    return entry;
  const ebbL_guard *child = ebbL_test(L, 2, &ebbL_guard_type);
  if (child != NULL && child->state == EBBL_CLOSED)
    ebbL_error(L, "EBB011", "freed twice: %s", luaL_tolstring(L, 2, NULL));
  if (!ebbL_is_closable(L, 2))
    ebbL_typeerror(L, 2, "something of the guard's");
  ebbL_error(L, "EBB014", "not owned by this guard: %s",
             luaL_tolstring(L, 2, NULL));
  return NULL;
}

static int released(lua_State *L, int status, lua_KContext ctx)
{
  (void)L, (void)status, (void)ctx;
  return 0;
}

/* g:release(x): frees or closes it now. [yields] */
static int l_guard_release(lua_State *L)
{
  ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  ebbL_span *span = span_of(L, guard);
  if (span != NULL) {
    char place[sizeof(span->places->freed)];
    if (span->places != NULL)
      ebbL_place_write(L, place);
    ebbL_memory_credit(guard->memory, span->block.n_bytes);
    ebbL_span_free(span, span->places != NULL ? place : NULL);
    return 0;
  }
  ebbL_box *box = box_of(L, guard);
  if (box != NULL) {
    if (box->places != NULL)
      ebbL_place_write(L, box->places->freed);
    ebbL_box_free(L, box, 2);
    return 0;
  }
  ebbL_entry *entry = entry_of(L);
  lua_getiuservalue(L, 1, 1);
  ebbL_entry_free(L, guard, 3, entry);
  int n_args = ebbL_pushcloser(L, 2);
  lua_callk(L, n_args, 0, 0, released);
  return 0;
}

/* g:promote(x, [to]) → x: from now on `to` frees it, or the collector. */
static int l_guard_promote(lua_State *L)
{
  ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type), *to = NULL;
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  if (!lua_isnil(L, 3))
    to = ebbL_checkguard(L, 3);
  ebb_guard *target = to != NULL ? &to->guard : &guard->memory->loose;
  ebbL_span *span = span_of(L, guard);
  ebbL_box *box = span == NULL ? box_of(L, guard) : NULL;
  if (span != NULL) {
    ebb_block_move(&span->block, target);
  } else if (box != NULL) {
    ebb_guard_remove(&box->item);
    ebb_guard_add(target, &box->item, EBBL_ITEM_BOX);
  } else {
    ebbL_entry *entry = entry_of(L);
    if (entry->child != NULL)
      ebbL_argerror(L, 2, "a child guard stays with its parent");
    if (to != NULL && to != guard)
      add_entry(L, 3, 2, EBBL_ITEM_OWN);
    if (to != guard) {
      lua_getiuservalue(L, 1, 1);
      ebbL_entry_free(L, guard, -1, entry);
    }
    lua_settop(L, 2);
    return 1;
  }
  lua_pushvalue(L, 3); /* the guard that it keeps alive, or nil */
  lua_setiuservalue(L, 2, 1);
  lua_settop(L, 2);
  return 1;
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
      (LUAI_UACINT)guard->guard.count.live_bytes, state_names[guard->state]);
  return 1;
}

static const luaL_Reg guard_methods[] = {
    {"bytes", l_guard_bytes},     {"array", l_guard_array},
    {"vec", l_guard_vec},         {"buffer", l_guard_buffer},
    {"box", ebbL_guard_box},      {"own", l_guard_own},
    {"defer", l_guard_defer},     {"release", l_guard_release},
    {"promote", l_guard_promote}, {"guard", l_guard_guard},
    {"stats", l_guard_stats},     {"close", ebbL_guard_close},
    {"reset", ebbL_guard_reset},  {NULL, NULL},
};

static const luaL_Reg guard_meta[] = {
    {"__close", ebbL_guard_close},
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
  lua_pop(L, 1);
  ebbL_open_box(L, S);
  ebbL_mem_setfuncs(L, S, M, guard_functions);
}
