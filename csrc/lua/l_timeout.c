/* SPDX-License-Identifier: MIT */
/* Regions that a function opens around another: timeout, shield. */
#include "lua/l_op.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_time.h"

/* --- timeout --- */

static void deadline_fire(ebb_timer *timer)
{
  ebbL_body *body = ebb_container_of(timer, ebbL_body, timer);
  ebb_region_strike(&body->region, true);
}

static int timeout_k(lua_State *L, int status, lua_KContext ctx)
{
  ebbL_body *body = (ebbL_body *)ctx;
  if (ebbL_body_ended(L, status, body)) {
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    lua_pushvalue(L, 2); /* the number as it was given */
    return 3;
  }
  return lua_gettop(L) - 2;
}

/* [s, fn, args…]: the body runs in the calling task, under a deadline. */
static int timeout_body(lua_State *L, ebbL_task *task, uint64_t due_ns)
{
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, 1);
  ebbL_body *body = ebbL_body_open(L, task, EBB_REGION_DEADLINE, 2);
  ebb_timer_init(&body->timer, deadline_fire);
  ebb_timer_arm(&task->core.rt->timers, &body->timer, due_ns);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1,
                          (lua_KContext)body, timeout_k);
  return timeout_k(L, status, (lua_KContext)body);
}

/* [s or t, fn or op, args…] */
static int timeout_until(lua_State *L, ebbL_task *task, lua_CFunction fn,
                         uint64_t due_ns)
{
  if (!ebbL_isop(L, 2))
    return timeout_body(L, task, due_ns);
  ebbL_state *S = task->S;
  lua_settop(L, 2);
  if (ebbL_has_functions(L, 2)) { /* they are under the deadline too */
    ebbL_pushawait(L, S);
    lua_insert(L, 2);
    return timeout_body(L, task, due_ns);
  }
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  ebbL_pushat(L, S, due_ns);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 2);
  lua_remove(L, 1);
  return ebbL_await_timeout(L, task);
}

static ebbL_task *check_timeout(lua_State *L, double *number)
{
  *number = ebbL_checkseconds(L, 1);
  if (!ebbL_isop(L, 2))
    ebbL_checkcallable_as(L, 2, "function or operation");
  return ebbL_self(L, ebbL_S(L));
}

static int l_timeout(lua_State *L)
{
  double seconds;
  ebbL_task *task = check_timeout(L, &seconds);
  if (task == NULL)
    return ebbL_drive(L, ebbL_S(L), l_timeout);
  uint64_t now_ns = ebb_rt_refresh(task->core.rt);
  return timeout_until(L, task, l_timeout, ebb_due_in(now_ns, seconds));
}

static int l_timeout_at(lua_State *L)
{
  double at;
  ebbL_task *task = check_timeout(L, &at);
  if (task == NULL)
    return ebbL_drive(L, ebbL_S(L), l_timeout_at);
  return timeout_until(L, task, l_timeout_at, ebbL_due_at(at));
}

static int l_deadline(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  uint64_t due_ns = EBB_NEVER;
  ebb_region *region = S->current != NULL ? S->current->core.region : NULL;
  if (region != NULL && region->outer != NULL) {
    const ebb_region *hidden = ebbL_hidden(S->current);
    for (; region != NULL && region != hidden; region = region->outer) {
      ebbL_body *body = ebb_container_of(region, ebbL_body, region);
      if (region->kind == EBB_REGION_DEADLINE && body->owner == NULL &&
          body->timer.due_ns < due_ns)
        due_ns = body->timer.due_ns;
    }
  }
  if (due_ns == EBB_NEVER)
    lua_pushnil(L);
  else
    lua_pushnumber(L, (double)due_ns / 1e9);
  return 1;
}

/* --- shield --- */

static int shield_k(lua_State *L, int status, lua_KContext ctx)
{
  ebbL_body_ended(L, status, (ebbL_body *)ctx);
  return lua_gettop(L) - 2;
}

static int l_shield(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_checkcallable(L, 1);
  ebbL_task *task = S->current;
  if (task == NULL && S->driving == NULL)
    return ebbL_drive(L, S, l_shield);
  task = ebbL_self(L, S);
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, 1);
  lua_pushboolean(L, 0);
  lua_insert(L, 2);
  ebbL_body *body = ebbL_body_open(L, task, EBB_REGION_SHIELD, 2);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1,
                          (lua_KContext)body, shield_k);
  return shield_k(L, status, (lua_KContext)body);
}

void ebbL_open_timeout(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"timeout", l_timeout},
                                   {"timeout_at", l_timeout_at},
                                   {"deadline", l_deadline},
                                   {"shield", l_shield},
                                   {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
