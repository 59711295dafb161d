/* SPDX-License-Identifier: MIT */
#include "lua/l_luv.h"

#include "lua/l_report.h"
#include "lua/l_rt_options.h"

#include <string.h>

enum { POLL = 2, KICK, DRIVEN, DETACH }; /* user values of the runtime */

void ebbL_option_loop(lua_State *L, ebbL_rt *rt)
{
  if (lua_type(L, -1) != LUA_TSTRING || strcmp(lua_tostring(L, -1), "luv") != 0)
    ebbL_option_error(L, "loop", "\"luv\"");
  if (rt->is_virtual)
    ebbL_argerror(L, 1, "option 'loop': luv's loop has no virtual clock");
  ebb_driver *driver = ebbL_rt_driver(L, rt);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ebb.luv");
  lua_call(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_pushinteger(L, ebb_driver_fd(driver));
  lua_call(L, 2, 5);
  rt->luv_fd = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  lua_setiuservalue(L, 2, DETACH);
  lua_setiuservalue(L, 2, DRIVEN);
  lua_setiuservalue(L, 2, KICK);
  lua_setiuservalue(L, 2, POLL);
  rt->with_luv = true;
}

/* [-0, +1] False (and nil) when the state closes and has finalised it. */
static bool push(lua_State *L, ebbL_rt *rt, int function)
{
  ebbL_pushrt(L, rt);
  if (lua_isnil(L, -1))
    return false;
  lua_getiuservalue(L, -1, function);
  lua_remove(L, -2);
  return true;
}

/* [-n_args, +n] Out of memory or not, the stack has n more. */
static bool call(lua_State *L, ebbL_rt *rt, int function, int n_args, int n)
{
  if (EBB_UNLIKELY(!push(L, rt, function))) {
    lua_settop(L, lua_gettop(L) - 1 - n_args + n);
    return false;
  }
  lua_insert(L, -n_args - 1);
  if (EBB_LIKELY(lua_pcall(L, n_args, n, 0) == LUA_OK))
    return true;
  const char *message = lua_tostring(L, -1);
  ebbL_warn(rt->head.state, "luv: %s", message != NULL ? message : "?");
  lua_settop(L, lua_gettop(L) - 1 + n);
  return false;
}

bool ebbL_luv_poll(lua_State *L, ebbL_rt *rt, uint64_t *due_ns)
{
  *due_ns = EBB_NEVER;
  bool is_alive = call(L, rt, POLL, 0, 2) && lua_toboolean(L, -2);
  if (is_alive && lua_isnumber(L, -1))
    *due_ns = ebb_due_in(ebb_driver_clock(NULL), lua_tonumber(L, -1));
  lua_pop(L, 2);
  return is_alive;
}

void ebbL_luv_kick(lua_State *L, ebbL_rt *rt)
{
  if (lua_checkstack(L, 4))
    call(L, rt, KICK, 0, 0);
}

void ebbL_luv_driven(lua_State *L, ebbL_rt *rt, bool begins)
{
  if (!begins)
    ebb_driver_unwatch(rt->driver);
  lua_pushboolean(L, begins);
  lua_pushboolean(L, rt->core.n_alive > 0);
  call(L, rt, DRIVEN, 2, 0);
  if (begins)
    ebb_driver_watch(rt->driver, rt->luv_fd); /* else only timers wake it */
}

void ebbL_luv_detach(lua_State *L, ebbL_rt *rt)
{
  if (lua_checkstack(L, 4))
    call(L, rt, DETACH, 0, 0);
}
