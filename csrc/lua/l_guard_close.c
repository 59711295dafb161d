/* SPDX-License-Identifier: MIT */
/* Closing a guard: a loop that takes the newest item until none is left. Blocks
   and boxes are simply freed; functions and objects are called, protected, and
   may wait: the loop is its own continuation, so it goes on where it was,
   whether or not anything waited and whether or not waiting is possible here.
   An error does not stop it; the first one is thrown at the end.

   While it runs the guard is closing: what is older than the item being closed
   can still be used (a deferred function finds the memory it was written for),
   nothing can be added. If the coroutine that closes it is given up in the
   middle, the collector finishes the job. */
#include "lua/l_guard.h"

/* Stack: 1 the guard whose items are being closed, 2 the first error, 3 that
   guard's table of values or nil, 4 the guard that was asked to close. A child
   guard takes its parent's place in 1 until it is done, so that nesting costs
   no C stack. */
enum { AT_GUARD = 1, AT_ERROR, AT_VALUES, AT_ROOT, AT_TOP = AT_ROOT };

bool ebbL_is_closable(lua_State *L, int idx)
{
  int top = lua_gettop(L), type = lua_type(L, idx);
  bool is_closable = false;
  if (luaL_getmetafield(L, idx, "__close") != LUA_TNIL) {
    is_closable = true;
  } else if (ebbL_tospan(L, idx) == NULL &&
             (type == LUA_TTABLE ||
              (type == LUA_TUSERDATA &&
               luaL_getmetafield(L, idx, "__index") != LUA_TNIL))) {
    lua_getfield(L, idx, "close");
    is_closable =
        lua_isfunction(L, -1) || luaL_getmetafield(L, -1, "__call") != LUA_TNIL;
  }
  lua_settop(L, top);
  return is_closable;
}

int ebbL_pushcloser(lua_State *L, int idx)
{
  if (luaL_getmetafield(L, idx, "__close") != LUA_TNIL) {
    lua_pushvalue(L, idx);
    lua_pushnil(L);
    return 2;
  }
  lua_getfield(L, idx, "close");
  lua_pushvalue(L, idx);
  return 1;
}

/* The error on top is kept if it is the first. */
static void keep_first_error(lua_State *L)
{
  ebbL_guard *root = ebbL_touserdata(L, AT_ROOT);
  if (root->has_error)
    return;
  root->has_error = true;
  lua_replace(L, AT_ERROR);
}

static int object_closed(lua_State *L, int status, lua_KContext ctx)
{
  (void)L, (void)status, (void)ctx;
  return 0;
}

/* Called protected with the object: finds its closer and calls it. */
static int close_object(lua_State *L)
{
  int n_args = ebbL_pushcloser(L, 1);
  lua_callk(L, n_args, 0, 0, object_closed);
  return 0;
}

/* The guard on top becomes the one whose items are closed. [-1] */
static void enter_guard(lua_State *L)
{
  lua_replace(L, AT_GUARD);
  lua_getiuservalue(L, AT_GUARD, 1);
  lua_replace(L, AT_VALUES);
}

static void set_closing(lua_State *L, ebbL_guard *guard, uint8_t state)
{
  guard->state = state;
  if (guard->places != NULL)
    ebbL_place_write(L, guard->places->freed);
}

static void free_box(lua_State *L, ebbL_box *box)
{
  ebbL_box_push(L, box);
  if (lua_isnil(L, -1))
    ebb_guard_remove(&box->item); /* its finaliser is about to run */
  else
    ebbL_box_free(L, box, -1);
  lua_pop(L, 1);
}

static void free_block(ebbL_guard *guard, ebb_block *block)
{
  ebbL_memory_credit(guard->memory, block->n_bytes);
  ebbL_block_free(block, guard->places != NULL ? guard->places->freed : NULL);
}

/* Takes the newest item and frees it, or goes down into a child guard, or
   pushes a function and its arguments that close it. Returns the number of
   arguments, -1 if there is nothing to call. */
static int take_item(lua_State *L, ebbL_guard *guard, ebb_item *item)
{
  if (item->kind == EBB_ITEM_BLOCK) {
    free_block(guard, ebb_container_of(item, ebb_block, item));
    return -1;
  }
  if (item->kind == EBBL_ITEM_BOX) {
    free_box(L, ebb_container_of(item, ebbL_box, item));
    return -1;
  }
  ebbL_entry *entry = ebb_container_of(item, ebbL_entry, item);
  ebbL_guard *child = entry->child;
  int n_args = 0;
  if (child == NULL && item->kind == EBBL_ITEM_OWN) {
    lua_pushcfunction(L, close_object);
    n_args = 1;
  }
  lua_rawgeti(L, AT_VALUES, entry->key);
  ebbL_entry_free(L, guard, AT_VALUES, entry);
  if (child == NULL)
    return n_args;
  if (child->state == EBBL_OPEN) {
    set_closing(L, child, EBBL_CLOSING);
    enter_guard(L);
  }
  return -1;
}

/* Nothing is left in the guard. Its own entry in the parent goes, too. */
static void finish_guard(lua_State *L, ebbL_guard *guard)
{
  if (guard->state == EBBL_RESETTING) {
    guard->state = EBBL_OPEN;
    return;
  }
  guard->state = EBBL_CLOSED;
  if (guard->parent == NULL)
    return;
  lua_getiuservalue(L, AT_GUARD, 2);
  ebbL_guard *parent = ebbL_touserdata(L, -1);
  if (lua_getiuservalue(L, -1, 1) == LUA_TTABLE)
    ebbL_entry_free(L, parent, -1, guard->parent);
  lua_pop(L, 2);
}

static int close_loop(lua_State *L, int status, lua_KContext ctx)
{
  ebbL_guard *root = ebbL_touserdata(L, AT_ROOT);
  if (status != LUA_OK && status != LUA_YIELD)
    keep_first_error(L);
  for (;;) {
    ebbL_guard *guard = ebbL_touserdata(L, AT_GUARD);
    ebb_item *item = ebb_guard_newest(&guard->guard);
    lua_settop(L, AT_TOP);
    if (item == NULL) {
      finish_guard(L, guard);
      if (guard == root)
        break;
      lua_getiuservalue(L, AT_GUARD, 2); /* back to the parent */
      enter_guard(L);
      continue;
    }
    int n_args = take_item(L, guard, item);
    if (n_args < 0)
      continue;
    status = lua_pcallk(L, n_args, 0, 0, ctx, close_loop);
    if (status != LUA_OK)
      keep_first_error(L);
  }
  if (!root->has_error)
    return 0;
  root->has_error = false;
  lua_settop(L, AT_ERROR);
  return lua_error(L);
}

static int begin_close(lua_State *L, ebbL_guard *guard, uint8_t state)
{
  set_closing(L, guard, state);
  guard->has_error = false;
  lua_settop(L, AT_GUARD);
  lua_pushnil(L);
  lua_getiuservalue(L, AT_GUARD, 1);
  lua_pushvalue(L, AT_GUARD);
  return close_loop(L, LUA_OK, 0);
}

int ebbL_guard_close(lua_State *L)
{
  ebbL_guard *guard = ebbL_check(L, 1, &ebbL_guard_type);
  if (guard->state != EBBL_OPEN)
    return 0;
  return begin_close(L, guard, EBBL_CLOSING);
}

int ebbL_guard_reset(lua_State *L)
{
  ebbL_guard *guard = ebbL_checkguard(L, 1);
  if (guard->n_children > 0)
    return ebbL_error(
        L, "EBB016",
        "reset with %d child guard(s) still open; close them first",
        (int)guard->n_children);
  return begin_close(L, guard, EBBL_RESETTING);
}

/* Finishes a close that was given up, too. Errors become warnings. */
int ebbL_guard_gc(lua_State *L)
{
  ebbL_guard *guard = ebbL_test(L, 1, &ebbL_guard_type);
  if (guard == NULL || guard->memory == NULL || guard->memory->is_closed)
    return 0;
  ebb_list_unlink(&guard->link);
  ebb_slab_put(&guard->memory->places, guard->places);
  guard->places = NULL;
  ebbL_let_go(L); /* now: what it closes may throw */
  if (guard->state == EBBL_CLOSED)
    return 0;
  return begin_close(L, guard, EBBL_CLOSING);
}
