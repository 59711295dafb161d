/* SPDX-License-Identifier: MIT */
/* box: a Lua value that is let go with its guard. The value is the box's own
   (user value 2), so a value that refers to its box makes no leak; the guard
   finds the userdata again through a table of all boxes with weak values. */
#include "lua/l_guard.h"

static const char boxes_key; /* registry: address of a box → the box, weak */

void ebbL_box_push(lua_State *L, const ebbL_box *box)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &boxes_key);
  lua_rawgetp(L, -1, box);
  lua_remove(L, -2);
}

/* g:box(v) → box */
int ebbL_guard_box(lua_State *L)
{
  ebbL_guard *guard = ebbL_checkguard(L, 1);
  ebbL_checkvalue(L, 2);
  lua_settop(L, 2);
  ebbL_box *box =
      ebbL_newlinked(L, guard->head.state, &ebbL_box_type, sizeof(*box), 2, 0);
  box->memory = guard->memory;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &boxes_key);
  lua_pushvalue(L, 3);
  lua_rawsetp(L, -2, box);
  lua_settop(L, 3);
  ebbL_checkguard(L, 1); /* a finaliser may have closed it meanwhile */
  ebb_guard_add(&guard->guard, &box->item, EBBL_ITEM_BOX);
  box->places = ebbL_places_new(L, box->memory);
  return 1;
}

void ebbL_box_free(lua_State *L, ebbL_box *box, int idx)
{
  ebb_guard_remove(&box->item);
  lua_pushnil(L);
  lua_setiuservalue(L, idx < 0 ? idx - 1 : idx, 2);
}

static ebbL_box *check_box(lua_State *L)
{
  ebbL_box *box = ebbL_check(L, 1, &ebbL_box_type);
  if (EBB_UNLIKELY(box->item.guard == NULL))
    ebbL_error(L, "EBB012", "used after it was freed: ebb.box%s",
               ebbL_places_push(L, box->places));
  return box;
}

static int l_box_get(lua_State *L)
{
  check_box(L);
  lua_getiuservalue(L, 1, 2);
  return 1;
}

/* box:set(v) → box */
static int l_box_set(lua_State *L)
{
  check_box(L);
  ebbL_checkvalue(L, 2);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, 2);
  return 1;
}

static int l_box_gc(lua_State *L)
{
  ebbL_box *box = ebbL_test(L, 1, &ebbL_box_type);
  if (box == NULL || box->memory == NULL || box->memory->is_closed)
    return 0;
  ebb_guard_remove(&box->item);
  ebb_slab_put(&box->memory->places, box->places);
  box->places = NULL;
  return ebbL_let_go(L);
}

static int l_box_tostring(lua_State *L)
{
  const ebbL_box *box = ebbL_check(L, 1, &ebbL_box_type);
  if (box->item.guard == NULL) {
    lua_pushliteral(L, "ebb.box: freed");
    return 1;
  }
  lua_getiuservalue(L, 1, 2);
  lua_pushfstring(L, "ebb.box: %s, live", luaL_typename(L, -1));
  return 1;
}

static const luaL_Reg box_methods[] = {
    {"get", l_box_get},
    {"set", l_box_set},
    {NULL, NULL},
};

static const luaL_Reg box_meta[] = {
    {"__gc", l_box_gc},
    {"__tostring", l_box_tostring},
    {NULL, NULL},
};

void ebbL_open_box(lua_State *L, ebbL_state *S)
{
  ebbL_newtype(L, S, &ebbL_box_type, box_methods, box_meta);
  lua_pop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &boxes_key) == LUA_TTABLE) {
    lua_pop(L, 1); /* the module is loaded again: keep what there is */
    return;
  }
  lua_pop(L, 1);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &boxes_key);
}
