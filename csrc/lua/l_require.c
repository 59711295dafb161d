/* SPDX-License-Identifier: MIT */
/* ebb.require: as require, but the module's chunk runs where it may await. A
   module that one task is loading is waited for by the others. */
#include "lua/l_coro.h"
#include "lua/l_op.h"

/* Upvalue 3: who waits for a module that is being loaded; any end of a load
   wakes them all, and they look again. User value 1: by name, the id of the
   task that is loading. */
typedef struct ebbL_loads {
  ebbL_header head;
  ebb_waitq waiters;
} ebbL_loads;

/* To be closed when the load has ended. User value 1: the ebbL_loads; 2: name
 */
typedef struct ebbL_load {
  ebbL_header head;
} ebbL_load;

static const ebbL_type loads_type = {"ebb.loads", NULL, NULL};
static const ebbL_type load_type = {"ebb.load", NULL, NULL};
static const ebb_wait_class load_wait = {"require", false, NULL};

enum { NAME = 1, LOADED, LOADS, LOAD, LOADER, DATA };

static int l_require(lua_State *L);

/* 0 where no task runs */
static lua_Integer task_id(ebbL_state *S)
{
  return S->current != NULL ? (lua_Integer)S->current->core.id : 0;
}

/* [-0, +1] The table of loads. */
static void push_loading(lua_State *L)
{
  lua_getiuservalue(L, LOADS, 1);
}

/* [-0, +2] The loader of the module and what goes with it: LOADER, DATA. */
static void push_loader(lua_State *L)
{
  enum { SEARCHERS = DATA + 1, WHY, FOUND, EXTRA };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "package");
  if (!lua_istable(L, -1) || lua_getfield(L, -1, "searchers") != LUA_TTABLE)
    ebbL_throw(L, "'package.searchers' must be a table");
  lua_pushliteral(L, "");
  for (lua_Integer i = 1;; i++) {
    if (lua_rawgeti(L, SEARCHERS, i) == LUA_TNIL)
      ebbL_throw(L, "module '%s' not found:%s", lua_tostring(L, NAME),
                 lua_tostring(L, WHY));
    lua_pushvalue(L, NAME);
    lua_call(L, 1, 2);
    if (lua_isfunction(L, FOUND))
      break;
    if (lua_isstring(L, FOUND)) {
      lua_pushfstring(L, "%s\n\t%s", lua_tostring(L, WHY),
                      lua_tostring(L, FOUND));
      lua_replace(L, WHY);
    }
    lua_settop(L, WHY);
  }
  lua_copy(L, FOUND, LOADER);
  lua_copy(L, EXTRA, DATA);
  lua_settop(L, DATA);
}

/* The loader has returned one value. */
static int loaded_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  int result = lua_gettop(L);
  if (!lua_isnil(L, result)) {
    lua_pushvalue(L, result);
    lua_setfield(L, LOADED, lua_tostring(L, NAME));
  }
  if (lua_getfield(L, LOADED, lua_tostring(L, NAME)) == LUA_TNIL) {
    lua_pushboolean(L, 1);
    lua_copy(L, -1, -2);
    lua_setfield(L, LOADED, lua_tostring(L, NAME));
  }
  lua_pushvalue(L, DATA);
  return 2; /* returning closes LOAD */
}

static int waited_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), waited_k, ctx);
  ebbL_check_woken(L, (ebbL_task *)ctx);
  lua_settop(L, NAME);
  return l_require(L);
}

/* Another task is loading it, or this one is in the middle of that. */
static int wait_for_load(lua_State *L, ebbL_state *S, lua_Integer loader_id)
{
  ebbL_loads *loads = lua_touserdata(L, LOADS);
  ebbL_task *task = S->current;
  if (loader_id == task_id(S))
    return ebbL_throw(L, "module '%s' requires itself: it is being loaded",
                      lua_tostring(L, NAME));
  lua_settop(L, NAME);
  task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_require);
  ebbL_check_waiting(L, task);
  ebb_wait_link(&task->core, 0, &load_wait, loads, &loads->waiters, 0);
  return ebbL_park(L, task, 1, waited_k, (lua_KContext)task);
}

static int l_require(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (lua_type(L, NAME) != LUA_TSTRING)
    return ebbL_typeerror(L, NAME, "string");
  lua_settop(L, NAME);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, LOADED, lua_tostring(L, NAME));
  if (lua_toboolean(L, -1))
    return 1;
  lua_settop(L, LOADED);
  lua_pushvalue(L, lua_upvalueindex(3));
  push_loading(L);
  if (lua_getfield(L, -1, lua_tostring(L, NAME)) != LUA_TNIL)
    return wait_for_load(L, S, lua_tointeger(L, -1));
  lua_settop(L, LOADS);
  ebbL_new(L, S, &load_type, sizeof(ebbL_load), 2);
  lua_pushvalue(L, LOADS);
  lua_setiuservalue(L, LOAD, 1);
  push_loading(L);
  lua_pushinteger(L, task_id(S));
  lua_setfield(L, -2, lua_tostring(L, NAME));
  lua_pop(L, 1);
  lua_pushvalue(L, NAME);
  lua_setiuservalue(L, LOAD, 2);
  lua_toclose(L, LOAD);
  push_loader(L);
  lua_pushvalue(L, LOADER);
  lua_pushvalue(L, NAME);
  lua_pushvalue(L, DATA);
  lua_callk(L, 2, 1, 0, loaded_k);
  return loaded_k(L, LUA_OK, 0);
}

static int load_close(lua_State *L)
{
  ebbL_check(L, 1, &load_type);
  lua_getiuservalue(L, 1, 1);
  ebbL_loads *loads = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, 1);
  lua_getiuservalue(L, 1, 2);
  if (loads == NULL || !lua_isstring(L, -1))
    return 0;
  lua_pushnil(L);
  lua_rawset(L, -3);
  ebb_wake_all(&loads->waiters, EBB_OK);
  return 0;
}

void ebbL_open_require(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", load_close}, {NULL, NULL}};
  ebbL_newtype(L, S, &loads_type, no_methods, NULL);
  ebbL_newtype(L, S, &load_type, no_methods, meta);
  lua_pop(L, 2);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  ebbL_loads *loads = ebbL_new(L, S, &loads_type, sizeof *loads, 1);
  ebb_list_init(&loads->waiters);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  lua_pushcclosure(L, l_require, 3);
  lua_setfield(L, -2, "require");
}
