/* SPDX-License-Identifier: MIT */
/* Reports of turns that take too long: ebb.debug.slow, and a runtime's slices
   that are only reported. */
#include "lua/l_preempt.h"

#include "lua/l_report.h"

static const char handler_key;

/* [light task, µs, light lua_State or nil] -> task, seconds, traceback */
static int push_slow(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 1);
  lua_Number seconds = lua_tonumber(L, 2) / 1e6;
  lua_settop(L, 0);
  ebbL_pushhandle(L, task);
  lua_pushnumber(L, seconds);
  ebbL_pushtraceback(L, task);
  return 3;
}

/* [task, seconds, traceback, handler or nil] */
static int call_handler(lua_State *L)
{
  if (!lua_isnil(L, 4)) {
    lua_insert(L, 1);
    lua_call(L, 3, 0);
    return 0;
  }
  const char *label = ebbL_tasklabel(L, NULL, 1);
  ebbL_warn(ebbL_state_find(L),
            "EBB023: task %s has not awaited anything for %.3f s\n%s", label,
            lua_tonumber(L, 2), lua_tostring(L, 3));
  return 0;
}

void ebbL_slow_report(lua_State *L, ebbL_task *task, unsigned ran_us)
{
  ebbL_state *S = task->S;
  if (!lua_checkstack(L, 12))
    return;
  int top = lua_gettop(L);
  lua_pushcfunction(L, call_handler);
  lua_pushcfunction(L, push_slow);
  lua_pushlightuserdata(L, task);
  lua_pushnumber(L, ran_us);
  if (lua_pcall(L, 2, 3, 0) == LUA_OK) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handler_key);
    /* whatever the handler does, it does not run as the task */
    ebbL_task *current = S->current;
    S->current = NULL;
    if (lua_pcall(L, 4, 0, 0) != LUA_OK)
      ebbL_warn(S, "the function of ebb.debug.slow failed: %s",
                lua_isstring(L, -1) ? lua_tostring(L, -1) : "(no message)");
    S->current = current;
  }
  lua_settop(L, top);
}

/* _slow(seconds, function or nil); 0 or nil: off. */
static int l_slow(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  unsigned us = 0;
  if (!lua_isnoneornil(L, 1)) {
    double seconds = ebbL_checkseconds(L, 1);
    us = seconds >= 3600 ? 3600000000u : (unsigned)(seconds * 1e6);
    if (seconds > 0 && us < 100)
      us = 100;
  }
  if (!lua_isnoneornil(L, 2))
    ebbL_checkcallable(L, 2);
  if (us != 0)
    ebbL_slice_start(L, S);
  lua_settop(L, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &handler_key);
  S->slice.slow_us = us;
  ebbL_slice_allow(S);
  return 0;
}

void ebbL_open_slow(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_slow", l_slow}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
