/* SPDX-License-Identifier: MIT */
/* What no scheduler for Lua can beat: the bare lua_resume loop. A Lua module
   with switch(n, n_coroutines) and restart(n), both giving seconds of CPU. */
#include <lauxlib.h>
#include <lua.h>
#include <time.h>

static double cpu_s(void)
{
  return (double)clock() / CLOCKS_PER_SEC;
}

static int resume(lua_State *co, lua_State *from, int n_args)
{
#if LUA_VERSION_NUM >= 504
  int n_results;
  int status = lua_resume(co, from, n_args, &n_results);
  if (status == LUA_YIELD)
    lua_pop(co, n_results);
  return status;
#else
  return lua_resume(co, from, n_args);
#endif
}

static int l_yield(lua_State *L)
{
  return lua_yield(L, 0);
}

/* n switches to Lua functions that call a yielding C function in a loop, round
   robin among n_coroutines. */
static int l_switch(lua_State *L)
{
  lua_Integer n = luaL_checkinteger(L, 1);
  int n_coroutines = (int)luaL_checkinteger(L, 2);
  lua_settop(L, 2);
  luaL_checkstack(L, n_coroutines + 4, NULL);
  if (luaL_loadstring(L, "local yield = ... while true do yield() end"))
    return lua_error(L);
  for (int i = 0; i < n_coroutines; i++) {
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 3);
    lua_pushcfunction(L, l_yield);
    lua_xmove(L, co, 2);
    if (resume(co, L, 1) != LUA_YIELD)
      return luaL_error(L, "cannot start");
  }
  double started_s = cpu_s();
  for (lua_Integer done = 0; done < n;) {
    for (int i = 0; i < n_coroutines && done < n; i++, done++) {
      if (resume(lua_tothread(L, 4 + i), L, 0) != LUA_YIELD)
        return luaL_error(L, "cannot go on");
    }
  }
  lua_pushnumber(L, cpu_s() - started_s);
  return 1;
}

/* n runs of an empty Lua function, each on the same finished coroutine. */
static int l_restart(lua_State *L)
{
  lua_Integer n = luaL_checkinteger(L, 1);
  if (luaL_loadstring(L, "return function() end"))
    return lua_error(L);
  lua_call(L, 0, 1);
  lua_State *co = lua_newthread(L);
  double started_s = cpu_s();
  for (lua_Integer i = 0; i < n; i++) {
    lua_pushvalue(L, -2);
    lua_xmove(L, co, 1);
    if (resume(co, L, 0) != LUA_OK)
      return luaL_error(L, "cannot run");
    lua_settop(co, 0);
  }
  lua_pushnumber(L, cpu_s() - started_s);
  return 1;
}

int luaopen_limit(lua_State *L);
__attribute__((visibility("default"))) int luaopen_limit(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"switch", l_switch},
      {"restart", l_restart},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
