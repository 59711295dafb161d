/* SPDX-License-Identifier: MIT */
/* What a loaded module is or has travels by name. To find that out means to
   look through all modules, so what was found is kept, by the value: for a
   function its name or its code. When package.loaded has changed, all that is
   forgotten. */
#include "lua/l_clone.h"

#include <string.h>

/* Registry: a list of the two tables, and what package.loaded looked like. */
static const char cache_key;

enum { MODULES = 1, FUNCTIONS, PRINT };

#define NAMED 'N' /* then module, 0, field */
#define CODE  'C' /* then the code */

static void push_loaded(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

/* [-0, +1] */
static void push_cache(lua_State *L, int which)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
  lua_rawgeti(L, -1, which);
  lua_remove(L, -2);
}

static void set_weak_table(lua_State *L, int cache, int which)
{
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawseti(L, cache, which);
}

/* How many modules there are, and which. */
static lua_Integer print_of(lua_State *L, int loaded)
{
  lua_Unsigned print = 0;
  lua_pushnil(L);
  while (lua_next(L, loaded)) {
    print = print * 3 + ((lua_Unsigned)(uintptr_t)lua_topointer(L, -1) | 1);
    lua_pop(L, 1);
  }
  return (lua_Integer)print;
}

void ebbL_names_refresh(lua_State *L)
{
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  push_loaded(L);
  lua_Integer print = print_of(L, top + 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TTABLE) {
    lua_rawgeti(L, -1, PRINT);
    bool same = lua_tointeger(L, -1) == print && lua_isinteger(L, -1);
    lua_pop(L, 1);
    if (same) {
      lua_settop(L, top);
      return;
    }
  }
  lua_settop(L, top + 1);
  lua_createtable(L, 3, 0);
  set_weak_table(L, top + 2, MODULES);
  set_weak_table(L, top + 2, FUNCTIONS);
  lua_rawgeti(L, top + 2, MODULES);
  lua_pushnil(L);
  while (lua_next(L, top + 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1)) {
      lua_pushvalue(L, -2);
      lua_rawset(L, top + 3); /* modules[module] = name */
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pushinteger(L, print);
  lua_rawseti(L, top + 2, PRINT);
  lua_settop(L, top + 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
  lua_settop(L, top);
}

bool ebbL_names_module(lua_State *L, int idx)
{
  idx = lua_absindex(L, idx);
  push_cache(L, MODULES);
  lua_pushvalue(L, idx);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (lua_isstring(L, -1))
    return true;
  lua_pop(L, 1);
  return false;
}

/* [-0, +2 if true] Module and field; the globals are a module whose Lua
   functions nobody else has. */
static bool search(lua_State *L, int idx)
{
  int top = lua_gettop(L);
  bool is_lua = !lua_iscfunction(L, idx);
  push_loaded(L);
  lua_pushnil(L);
  while (lua_next(L, top + 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1) &&
        !(is_lua && strcmp(lua_tostring(L, -2), LUA_GNAME) == 0) &&
        strcmp(lua_tostring(L, -2), "ebb.core") != 0) {
      lua_pushnil(L);
      while (lua_next(L, top + 3)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, idx)) {
          lua_pop(L, 1);
          lua_pushvalue(L, top + 2);
          lua_insert(L, -2); /* [loaded, name, module, name, field] */
          lua_replace(L, top + 2);
          lua_replace(L, top + 1);
          lua_settop(L, top + 2);
          return true;
        }
        lua_pop(L, 1);
      }
    }
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  return false;
}

static int write_code(lua_State *L, const void *bytes, size_t n, void *ud)
{
  (void)L;
  return !ebb_message_put(ud, bytes, n);
}

/* [-0, +1] 'C' and the code of the function. */
static void push_code(lua_State *L, int idx, ebb_message *scratch)
{
  size_t n_before = scratch->n_bytes;
  bool ok = ebb_message_put_byte(scratch, CODE);
  lua_pushvalue(L, idx);
  if (!ok || lua_dump(L, write_code, scratch, 0) != 0) {
    scratch->n_bytes = n_before;
    ebbL_nomem(L);
  }
  lua_pop(L, 1);
  size_t n = scratch->n_bytes - n_before;
  scratch->n_bytes = n_before; /* the bytes are still there */
  lua_pushlstring(L, (char *)scratch->bytes + n_before, n);
}

/* [-1, +2 or +1] What is kept becomes the results. */
static int push_found(lua_State *L)
{
  size_t n;
  const char *text = lua_tolstring(L, -1, &n);
  if (*text == CODE) {
    lua_pushlstring(L, text + 1, n - 1);
    lua_remove(L, -2);
    return 1;
  }
  size_t n_module = strlen(text + 1);
  lua_pushlstring(L, text + 1, n_module);
  lua_pushlstring(L, text + n_module + 2, n - n_module - 2);
  lua_remove(L, -3);
  return 2;
}

/* Is the name on top still that of the value at idx? */
static bool is_right(lua_State *L, int idx)
{
  const char *text = lua_tostring(L, -1);
  if (*text == CODE)
    return true;
  int top = lua_gettop(L);
  push_loaded(L);
  lua_pushvalue(L, top);
  push_found(L); /* [loaded, module, field] */
  lua_pushvalue(L, top + 2);
  bool right = lua_rawget(L, top + 1) == LUA_TTABLE;
  if (right) {
    lua_pushvalue(L, top + 3);
    lua_rawget(L, -2);
    right = lua_rawequal(L, -1, idx);
  }
  lua_settop(L, top);
  return right;
}

int ebbL_names_find(lua_State *L, int idx, ebb_message *scratch)
{
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 12, NULL);
  push_cache(L, FUNCTIONS);
  int cache = lua_gettop(L);
  lua_pushvalue(L, idx);
  if (lua_rawget(L, cache) == LUA_TSTRING && is_right(L, idx)) {
    lua_remove(L, cache);
    return push_found(L);
  }
  lua_settop(L, cache);
  lua_pushvalue(L, idx);
  if (search(L, idx)) {
    lua_pushfstring(L, "%c%s", NAMED, lua_tostring(L, -2));
    lua_pushlstring(L, "", 1);
    lua_pushvalue(L, -3);
    lua_concat(L, 3);
    lua_replace(L, -3);
    lua_pop(L, 1);
  } else if (lua_istable(L, idx)) {
    lua_pushfstring(L, "%c", CODE);
  } else if (lua_iscfunction(L, idx)) {
    lua_settop(L, cache - 1);
    return 0;
  } else {
    push_code(L, idx, scratch);
  }
  lua_pushvalue(L, -1);
  lua_insert(L, cache + 1); /* [cache, found, key, found] */
  lua_rawset(L, cache);
  lua_remove(L, cache);
  return push_found(L);
}
