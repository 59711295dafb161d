/* SPDX-License-Identifier: MIT */
#include "lua/l_endpoint.h"

#include <string.h>

int ebbL_pushendpoint(lua_State *L, const ebb_endpoint *of)
{
  char text[EBB_ENDPOINT_TEXT];
  size_t n_text;
  int port = ebb_endpoint_name(of, text, &n_text);
  lua_pushlstring(L, text, n_text);
  if (port < 0)
    return 1;
  lua_pushinteger(L, port);
  return 2;
}

const char *ebbL_checkhost(lua_State *L, int arg)
{
  size_t n_bytes;
  if (EBB_UNLIKELY(lua_type(L, arg) != LUA_TSTRING))
    ebbL_typeerror(L, arg, "string");
  const char *host = lua_tolstring(L, arg, &n_bytes);
  if (EBB_UNLIKELY(strlen(host) != n_bytes))
    ebbL_argerror(L, arg, "host without zeros expected");
  return host;
}

bool ebbL_checkendpoint(lua_State *L, int arg, ebb_endpoint *to)
{
  const char *host = ebbL_checkhost(L, arg);
  int port = (int)ebbL_checkinteger(L, arg + 1, 0, 65535);
  return ebb_endpoint_ip(host, port, to);
}

int ebbL_checksocketpath(lua_State *L, int arg, ebb_endpoint *to)
{
  size_t n_bytes;
  if (EBB_UNLIKELY(lua_type(L, arg) != LUA_TSTRING))
    ebbL_typeerror(L, arg, "string");
  const char *path = lua_tolstring(L, arg, &n_bytes);
  if (n_bytes > 0 && path[0] != 0 && strlen(path) != n_bytes)
    ebbL_argerror(L, arg, "path without zeros expected");
  return ebb_endpoint_path(path, n_bytes, to);
}
