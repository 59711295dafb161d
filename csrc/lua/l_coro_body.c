/* SPDX-License-Identifier: MIT */
/* What runs inside the coroutines of ebb.coroutine: the body's frame, and
   coroutine.yield. */
#include "lua/l_coro_drive.h"
#include "lua/l_region.h"
#include "lua/l_report.h"

const char ebbL_coro_refuse = 0, ebbL_coro_kill = 0;

/* A cancel that unwinds the body stays what it is when a cleanup fails on the
   way: that error is reported instead. The cancel is kept in the table of
   errors, by the coroutine's address. */
int ebbL_coro_msgh(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  if (S == NULL || S->current == NULL || !lua_checkstack(L, 12))
    return 1;
  lua_settop(L, 1);
  ebbL_pusherrors(L);
  lua_rawgetp(L, 2, L);
  if (ebbL_is_cancel(L, 1)) {
    if (lua_isnil(L, 3)) {
      lua_pushvalue(L, 1);
      lua_rawsetp(L, 2, L);
    }
    lua_settop(L, 1);
  } else if (lua_isnil(L, 3)) {
    lua_settop(L, 1);
  } else {
    ebbL_pushhandle(L, S->current);
    luaL_traceback(L, L, NULL, 1);
    ebbL_report(L, S, ebbL_rt_of(S->current->core.rt), 4, 1, 5);
    lua_settop(L, 3);
  }
  return 1;
}

static int body_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  if (EBB_LIKELY(lua_toboolean(L, 1)))
    return lua_gettop(L) - 1;
  lua_settop(L, 2);
  if (ebbL_is_cancel(L, 2)) {
    ebbL_pusherrors(L);
    lua_pushnil(L);
    lua_rawsetp(L, -2, L);
    lua_settop(L, 2);
  }
  return lua_error(L);
}

/* (xpcall, function, ebbL_coro_msgh, arguments…): what a coroutine runs */
int ebbL_coro_body(lua_State *L)
{
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, body_k);
  return body_k(L, LUA_OK, 0);
}

static int refuse(lua_State *L)
{
  return ebbL_error(L, "EBB051",
                    "cannot yield out of a timeout, scope, shield or token "
                    "that was opened in this coroutine");
}

static int yield_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  if (EBB_UNLIKELY(lua_islightuserdata(L, 1))) {
    const void *key = lua_touserdata(L, 1);
    if (key == &ebbL_coro_refuse)
      return refuse(L);
    if (key == &ebbL_coro_kill) {
      lua_pushnil(L); /* as for close: no error */
      return lua_error(L);
    }
  }
  return lua_gettop(L);
}

int ebbL_coro_yield(lua_State *L)
{
  ebbL_task *task = ebbL_S(L)->current;
  if (EBB_UNLIKELY(task != NULL && task->co == L && task->L == L))
    return ebbL_error(L, "EBB054",
                      "a task called coroutine.yield outside of a coroutine of "
                      "its own; use ebb.yield() to give way");
  return lua_yieldk(L, lua_gettop(L), 0, yield_k);
}

void ebbL_coro_refuse_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  refuse(L);
}
