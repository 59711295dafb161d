/* SPDX-License-Identifier: MIT */
/* Says of a value that cannot be copied to a thread which one it is: the path
   to it, as it is written in Lua. */
#include "lua/l_clone.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* [-1, +1] The key on top as it is written after a value. */
static void push_key(lua_State *L)
{
  char text[48];
  size_t n_bytes;
  const char *name;
  switch (lua_type(L, -1)) {
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1))
      lua_pushfstring(L, "[%I]", (LUAI_UACINT)lua_tointeger(L, -1));
    else {
      snprintf(text, sizeof text, "[%.17g]", lua_tonumber(L, -1));
      lua_pushstring(L, text);
    }
    break;
  case LUA_TSTRING: {
    name = lua_tolstring(L, -1, &n_bytes);
    bool is_name = n_bytes > 0 && n_bytes <= 60 && !isdigit((int)*name);
    for (size_t i = 0; i < n_bytes && is_name; i++)
      is_name = isalnum((unsigned char)name[i]) || name[i] == '_';
    if (is_name)
      lua_pushfstring(L, ".%s", name);
    else
      lua_pushfstring(L, "[\"%s\"]", name);
    break;
  }
  case LUA_TBOOLEAN:
    lua_pushstring(L, lua_toboolean(L, -1) ? "[true]" : "[false]");
    break;
  default:
    lua_pushfstring(L, "[%s]", ebbL_typename(L, -1));
    lua_remove(L, -2);
    break;
  }
  lua_remove(L, -2);
}

/* [-0, +1 if true] How the object at `owner` leads to the one at idx. */
static bool push_step(lua_State *L, int owner, int idx)
{
  if (lua_isfunction(L, owner)) {
    const char *name;
    for (int i = 1; (name = lua_getupvalue(L, owner, i)) != NULL; i++) {
      bool found = lua_rawequal(L, -1, idx);
      lua_pop(L, 1);
      if (found) {
        lua_pushfstring(L, " upvalue '%s':", name);
        return true;
      }
    }
    return false;
  }
  if (!lua_istable(L, owner))
    return false;
  lua_pushnil(L);
  while (lua_next(L, owner)) {
    if (lua_rawequal(L, -1, idx)) {
      lua_pop(L, 1);
      push_key(L);
      return true;
    }
    if (lua_rawequal(L, -2, idx)) {
      lua_pop(L, 2);
      lua_pushliteral(L, " key:");
      return true;
    }
    lua_pop(L, 1);
  }
  if (lua_getmetatable(L, owner)) {
    bool found = lua_rawequal(L, -1, idx);
    lua_pop(L, 1);
    if (found) {
      lua_pushliteral(L, " metatable:");
      return true;
    }
  }
  return false;
}

/* [-0, +1 if true] "argument 2:" if the object at idx is one of the values. */
static bool push_root(const ebbL_writer *self, int idx)
{
  lua_State *L = self->L;
  const ebbL_label *label = self->label;
  for (int i = 0; i < self->n; i++) {
    if (!lua_rawequal(L, self->first + i, idx))
      continue;
    int number = label->first != NULL ? i : i + 1;
    if (number == 0)
      lua_pushfstring(L, "%s:", label->first);
    else
      lua_pushfstring(L, "%s %d:", label->name, number);
    return true;
  }
  return false;
}

/* It is looked for from the values on, among the objects met so far, back to a
   value. */
int ebbL_clone_refuse(const ebbL_writer *self, int idx, const char *what)
{
  lua_State *L = self->L;
  luaL_checkstack(L, 16, NULL);
  lua_pushstring(L, what);
  lua_pushliteral(L, ""); /* the path from here on */
  lua_pushvalue(L, idx);  /* what leads there */
  int path = lua_gettop(L) - 1, at = path + 1;
  for (int depth = 0; depth < 1000; depth++) {
    bool found = push_root(self, at);
    if (!found && self->objects != 0) {
      for (lua_Integer i = 1; i <= self->n_objects && !found; i++) {
        lua_rawgeti(L, self->objects, i);
        found = push_step(L, at + 1, at);
        lua_settop(L, found ? at + 2 : at);
      }
      if (!found)
        break;
      lua_pushvalue(L, path); /* [path, at, owner, step, path] */
      lua_concat(L, 2);
      lua_replace(L, path);
      lua_replace(L, at);
      continue;
    }
    if (!found)
      break;
    /* "argument 2:", path */
    if (*lua_tostring(L, path) != 0 && *lua_tostring(L, path) != ' ') {
      lua_pushliteral(L, " ");
      lua_pushvalue(L, path);
      if (lua_tostring(L, path)[lua_rawlen(L, path) - 1] != ':')
        lua_pushliteral(L, ":");
      else
        lua_pushliteral(L, "");
      lua_concat(L, 4);
    } else {
      lua_pushvalue(L, path);
      lua_concat(L, 2);
    }
    lua_replace(L, path);
    break;
  }
  return ebbL_error(L, "EBB071", "cannot be copied to a thread: %s %s",
                    lua_tostring(L, path), lua_tostring(L, path - 1));
}

int ebbL_clone_refuse_userdata(const ebbL_writer *self, int idx)
{
  lua_State *L = self->L;
  const char *name = ebbL_typename(L, idx);
  return ebbL_clone_refuse(self, idx,
                           strcmp(name, "userdata") == 0
                               ? name
                               : lua_pushfstring(L, "userdata (%s)", name));
}
