/* SPDX-License-Identifier: MIT */
/* Letting single things go before their guard closes: release frees or closes
   them, promote gives them to another guard or to the collector. */
#include "lua/l_budget.h"
#include "lua/l_guard.h"

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
  if (span->is_frame)
    ebbL_error(L, "EBB014",
               "memory of the frame arena belongs to no guard; copy what is to "
               "live on: %s",
               luaL_tolstring(L, 2, NULL));
  check_mine(L, guard, &span->block->item, span->places);
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
  ebbL_entry *entry = ebbL_entry_find(L, 2);
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

static int release_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)L, (void)status, (void)ctx;
  return 0;
}

/* g:release(x): frees or closes it now. [yields] */
int ebbL_guard_release(lua_State *L)
{
  ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type);
  ebbL_checkvalue(L, 2);
  lua_settop(L, 2);
  ebbL_span *span = span_of(L, guard);
  if (span != NULL) {
    char place[sizeof(span->places->freed)];
    if (span->places != NULL)
      ebbL_place_write(L, place);
    ebbL_memory_credit(guard->memory, span->block->n_bytes);
    ebbL_block_free(span->block, span->places != NULL ? place : NULL);
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
  lua_callk(L, n_args, 0, 0, release_k);
  return 0;
}

/* Where the guard's memory goes that is promoted to the collector: it stays on
   the guard's budget. */
static ebb_guard *loose_of(const ebbL_guard *guard)
{
  ebb_budget *budget = guard->guard.budget;
  return budget != NULL ? &ebbL_budget_of(budget)->loose
                        : &guard->memory->loose;
}

/* May the span at 2 move to the guard at 3? Its budget's callbacks may have
   run. [-0, +2] if not. [raises] */
static bool may_move(lua_State *L, const ebbL_guard *guard, ebbL_guard *to,
                     const ebbL_span *span)
{
  bool passes = false;
  ebb_budget *budget = to->guard.budget;
  if (budget == NULL || budget == guard->guard.budget)
    return true;
  if (!ebbL_budget_admit(L, budget, span->block->n_bytes, &passes)) {
    lua_pushnil(L);
    ebbL_budget_message(L, budget);
    return false;
  }
  check_mine(L, guard, &span->block->item, span->places);
  ebbL_checkguard(L, 3);
  return true;
}

/* g:promote(x, [to]) → x: from now on `to` frees it, or the collector. nil and
   a message if it is too much for the budget of `to`. */
int ebbL_guard_promote(lua_State *L)
{
  ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type), *to = NULL;
  ebbL_checkvalue(L, 2);
  lua_settop(L, 3);
  if (!lua_isnil(L, 3))
    to = ebbL_checkguard(L, 3);
  ebb_guard *target = to != NULL ? &to->guard : loose_of(guard);
  ebbL_span *span = span_of(L, guard);
  ebbL_box *box = span == NULL ? box_of(L, guard) : NULL;
  if (span != NULL) {
    if (to != NULL && !may_move(L, guard, to, span))
      return 2;
    ebb_block_move(span->block, target);
  } else if (box != NULL) {
    ebb_guard_remove(&box->item);
    ebb_guard_add(target, &box->item, EBBL_ITEM_BOX);
  } else {
    ebbL_entry *entry = entry_of(L);
    if (entry->child != NULL)
      ebbL_argerror(L, 2, "a child guard stays with its parent");
    if (to != NULL && to != guard)
      ebbL_entry_add(L, 3, 2, EBBL_ITEM_OWN);
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
