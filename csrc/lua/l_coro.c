/* SPDX-License-Identifier: MIT */
/* ebb.coroutine: the library coroutine, but that awaits pass to the task (see
   l_coro_drive.c), and that what is to be closed may await. An error leaves
   wrap unchanged: no position is put before it. */
#include "lua/l_coro_drive.h"

#include <string.h>

static const ebbL_type coros_type = {"ebb.coroutines", NULL, NULL};

static const char *const state_names[] = {"suspended", "running", "normal",
                                          "dead"};

static lua_State *check_coroutine(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  if (co == NULL)
    ebbL_typeerror(L, 1, "coroutine");
  return co;
}

static int l_coro_resume(lua_State *L)
{
  check_coroutine(L);
  return ebbL_coro_drive(L, EBBL_CO_RESUME);
}

/* The function that wrap gives; upvalue 4 is the coroutine. */
static int l_coro_step(lua_State *L)
{
  lua_pushvalue(L, lua_upvalueindex(4));
  lua_insert(L, 1);
  return ebbL_coro_drive(L, EBBL_CO_WRAP);
}

static int l_coro_close(lua_State *L)
{
  lua_State *co = check_coroutine(L);
  int state = ebbL_coro_state(L, ebbL_S(L), co);
  if (state != EBBL_CO_DEAD && state != EBBL_CO_SUSPENDED)
    return ebbL_throw(L, "cannot close a %s coroutine", state_names[state]);
  lua_settop(L, 1);
  return ebbL_coro_unwind(L);
}

static int l_coro_create(lua_State *L)
{
  if (!lua_isfunction(L, 1))
    return ebbL_typeerror(L, 1, "function");
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int l_coro_wrap(lua_State *L)
{
  l_coro_create(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_pushvalue(L, -4);
  lua_pushcclosure(L, l_coro_step, 4);
  return 1;
}

static int l_coro_status(lua_State *L)
{
  lua_State *co = check_coroutine(L);
  lua_pushstring(L, state_names[ebbL_coro_state(L, ebbL_S(L), co)]);
  return 1;
}

static int l_coro_isyieldable(lua_State *L)
{
  lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, lua_isyieldable(co));
  return 1;
}

static int l_coro_running(lua_State *L)
{
  ebbL_task *task = ebbL_S(L)->current;
  if (task != NULL && task->co == L)
    task->is_known = true; /* no other task will be given the coroutine */
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

/* The functions take the place of those in the global table coroutine; upvalue
   4 is ebb's table. */
static int l_coro_install(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "coroutine") != LUA_TTABLE)
    return ebbL_throw(L, "there is no library coroutine");
  int target = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(4))) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2); /* key, key, value */
    if (strcmp(lua_tostring(L, -2), "install") != 0)
      lua_rawset(L, target);
    else
      lua_pop(L, 2);
  }
  return 0;
}

static void set_functions(lua_State *L, ebbL_state *S, const luaL_Reg *funcs)
{
  for (; funcs->name != NULL; funcs++) {
    lua_pushlightuserdata(L, S);
    ebbL_pushslots(L, S);
    lua_pushvalue(L, -3); /* the ebbL_coros */
    lua_pushcclosure(L, funcs->func, 3);
    lua_setfield(L, -3, funcs->name);
  }
}

void ebbL_open_coro(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"create", l_coro_create},
      {"wrap", l_coro_wrap},
      {"resume", l_coro_resume},
      {"yield", ebbL_coro_yield},
      {"status", l_coro_status},
      {"isyieldable", l_coro_isyieldable},
      {"close", l_coro_close},
      {"running", l_coro_running},
      {NULL, NULL},
  };
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  ebbL_newtype(L, S, &coros_type, no_methods, NULL);
  lua_pop(L, 1);
  lua_newtable(L);
  ebbL_new(L, S, &coros_type, sizeof(ebbL_coros), 0);
  set_functions(L, S, funcs);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_pushvalue(L, -3);
  lua_pushvalue(L, -5);
  lua_pushcclosure(L, l_coro_install, 4);
  lua_setfield(L, -3, "install");
  lua_pop(L, 1);
  lua_setfield(L, -2, "coroutine");
  ebbL_open_require(L, S);
}
