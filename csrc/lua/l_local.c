/* SPDX-License-Identifier: MIT */
#include "lua/l_local.h"

typedef struct ebbL_local {
  ebbL_header head; /* user value 1: the default */
} ebbL_local;

static const ebbL_type local_type = {"ebb.task_local", NULL, NULL};

static ebbL_local *check_local(lua_State *L)
{
  return ebbL_check(L, 1, &local_type);
}

static int l_task_local(lua_State *L)
{
  lua_settop(L, 1);
  ebbL_new(L, ebbL_S(L), &local_type, sizeof(ebbL_local), 1);
  lua_insert(L, 1);
  lua_setiuservalue(L, 1, 1);
  return 1;
}

/* [-0, +1] The value that was set, or nil. */
static void push_value(lua_State *L, const ebbL_local *self)
{
  ebbL_task *task = ebbL_locals_giver(ebbL_S(L));
  if (task->locals == 0) {
    lua_pushnil(L);
    return;
  }
  lua_rawgeti(L, EBBL_SLOTS, task->locals);
  lua_rawgetp(L, -1, self);
  lua_remove(L, -2);
}

/* [-1, +0, raises] The value on top is the task's from now on; nil: none. */
static void set_value(lua_State *L, ebbL_local *self)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_locals_giver(S);
  int value = lua_gettop(L);
  if (task->locals == 0 && lua_isnil(L, value)) {
    lua_pop(L, 1);
    return;
  }
  lua_newtable(L);
  if (task->locals != 0) {
    lua_rawgeti(L, EBBL_SLOTS, task->locals);
    for (lua_pushnil(L); lua_next(L, value + 2);) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, value + 1);
    }
    lua_pop(L, 1);
  }
  /* two entries: the value by the key's address, and what keeps the key alive
     as long as that is there */
  lua_pushvalue(L, value);
  lua_rawsetp(L, value + 1, self);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, value);
  if (!lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_rawset(L, value + 1);
  lua_settop(L, value + 1);
  ebbL_slots_reserve(L, S, 0, 1);
  if (task->locals == 0)
    task->locals = ebbL_slots_pop(S, 0);
  lua_rawseti(L, EBBL_SLOTS, task->locals);
  lua_pop(L, 1);
}

static int l_local_get(lua_State *L)
{
  ebbL_local *self = check_local(L);
  push_value(L, self);
  if (lua_isnil(L, -1))
    lua_getiuservalue(L, 1, 1);
  return 1;
}

static int l_local_set(lua_State *L)
{
  ebbL_local *self = check_local(L);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  set_value(L, self);
  return 0;
}

/* _task_local_peek(key): what was set, without the default. */
static int l_task_local_peek(lua_State *L)
{
  push_value(L, check_local(L));
  return 1;
}

static int local_tostring(lua_State *L)
{
  ebbL_local *self = check_local(L);
  push_value(L, self);
  if (lua_isnil(L, -1))
    lua_getiuservalue(L, 1, 1);
  lua_pushfstring(L, "ebb.task_local: %s", luaL_tolstring(L, -1, NULL));
  return 1;
}

void ebbL_open_local(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_task_local", l_task_local},
                                   {"_task_local_peek", l_task_local_peek},
                                   {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"get", l_local_get}, {"set", l_local_set}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", local_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &local_type, methods, meta);
  lua_getfield(L, -1, "__index"); /* gets its method `with` from Lua */
  lua_setfield(L, -3, "_task_local_methods");
  lua_pop(L, 1);
}
