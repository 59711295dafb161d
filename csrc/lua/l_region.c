/* SPDX-License-Identifier: MIT */
/* Regions on the Lua side: opening, striking, throwing. The error object of a
   struck region is kept in the table of errors, by the region's address; a
   region's first error while it unwinds, by the address of its `unwinding`
   flag. Both go with the region. */
#include "lua/l_region.h"

#include "core/clock.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"

#include <string.h>

/* --- the cancel error --- */

typedef struct ebbL_cancel {
  ebbL_header head; /* user value 1: the reason */
} ebbL_cancel;

static const ebbL_type cancel_type = {"ebb.cancelled", NULL, NULL};

static int new_cancel(lua_State *L)
{
  ebbL_state *S = lua_touserdata(L, 1);
  ebbL_new(L, S, &cancel_type, sizeof(ebbL_cancel), 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void ebbL_pushcancel(lua_State *L, ebbL_state *S, int reason_idx)
{
  reason_idx = reason_idx != 0 ? lua_absindex(L, reason_idx) : 0;
  if (!lua_checkstack(L, 8)) {
    lua_pushnil(L);
    return;
  }
  lua_pushcfunction(L, new_cancel);
  lua_pushlightuserdata(L, S);
  if (reason_idx != 0 && !lua_isnoneornil(L, reason_idx))
    lua_pushvalue(L, reason_idx);
  else
    lua_pushnil(L);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

bool ebbL_is_cancel(lua_State *L, int idx)
{
  return ebbL_test(L, idx, &cancel_type) != NULL;
}

void ebbL_pushreason(lua_State *L, int idx)
{
  if (!ebbL_is_cancel(L, idx)) {
    lua_pushnil(L);
    return;
  }
  if (lua_getiuservalue(L, idx, 1) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushliteral(L, "cancelled");
  }
}

static int cancel_index(lua_State *L)
{
  const char *key = lua_tostring(L, 2);
  if (key != NULL && strcmp(key, "reason") == 0)
    ebbL_pushreason(L, 1);
  else
    lua_pushnil(L);
  return 1;
}

static int cancel_tostring(lua_State *L)
{
  ebbL_pushreason(L, 1);
  const char *reason = luaL_tolstring(L, -1, NULL);
  if (strcmp(reason, "cancelled") == 0 || strcmp(reason, "timeout") == 0)
    lua_pushstring(L, reason);
  else
    lua_pushfstring(L, "cancelled: %s", reason);
  return 1;
}

static int l_is_cancelled(lua_State *L)
{
  lua_pushboolean(L, ebbL_is_cancel(L, 1));
  return 1;
}

/* --- striking and throwing --- */

static int keep_error(lua_State *L)
{
  ebb_region *region = lua_touserdata(L, 1);
  ebbL_pusherrors(L);
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, region);
  region->has_error = true;
  return 0;
}

/* A task that is itself being ended shares its time with those it ends. */
static uint64_t ending_due(ebbL_state *S, ebb_task *task)
{
  ebb_rt *rt = task->rt;
  uint64_t now_ns = ebb_rt_refresh(rt);
  uint64_t due_ns = rt->cleanup_timeout_ns > EBB_NEVER - now_ns
                        ? EBB_NEVER
                        : now_ns + rt->cleanup_timeout_ns;
  if (S->current != NULL && S->current->core.cancel_asked &&
      S->current->core.rt == rt && S->current->core.ending_due_ns < due_ns &&
      task->scope != NULL)
    due_ns = S->current->core.ending_due_ns;
  return due_ns;
}

void ebbL_strike(lua_State *L, ebbL_state *S, ebb_region *region, int error_idx)
{
  error_idx = error_idx != 0 ? lua_absindex(L, error_idx) : 0;
  if (error_idx != 0 && !lua_isnil(L, error_idx) && !region->has_error &&
      lua_checkstack(L, 6)) {
    lua_pushcfunction(L, keep_error);
    lua_pushlightuserdata(L, region);
    lua_pushvalue(L, error_idx);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
      lua_pop(L, 1); /* struck without the reason */
  }
  if (region->kind == EBB_REGION_TASK)
    ebb_task_cancel_by(region->task, ending_due(S, region->task));
  else
    ebb_region_strike(region, false);
  if (region->task->state == EBB_TASK_RUNNING)
    ebbL_slice_pending(ebbL_task_of(region->task));
}

void ebbL_pushregionerror(lua_State *L, ebbL_task *task, ebb_region *region)
{
  luaL_checkstack(L, 8, NULL);
  ebbL_pusherrors(L);
  if (region->has_error) {
    lua_rawgetp(L, -1, region);
    lua_remove(L, -2);
    return;
  }
  if (region->outer == NULL && ebbL_is_over(task)) {
    ebbL_preempt_pusherror(L, task);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, region);
    region->has_error = true;
    lua_remove(L, -2);
    return;
  }
  if (region->kind == EBB_REGION_DEADLINE)
    lua_pushliteral(L, "timeout");
  else
    lua_pushnil(L);
  ebbL_new(L, task->S, &cancel_type, sizeof(ebbL_cancel), 1);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, -3, region);
  region->has_error = true;
  lua_remove(L, -2);
}

/* A task that catches its cancel and awaits again, in a loop whose awaits give
   others their turn (the end of a scope), never computes for long. After so
   many times it has to leave at the first instruction of its next turn. */
#define TOLD_ENOUGH 1000

int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = false;
  if (region->kind == EBB_REGION_TASK && ++task->n_told >= TOLD_ENOUGH) {
    task->n_told = TOLD_ENOUGH;
    task->forced = task->unusual = true;
  }
  ebbL_slice_pending(task);
  ebbL_pushregionerror(L, task, region);
  return lua_error(L);
}

bool ebbL_is_error_of(lua_State *L, ebbL_state *S, int idx,
                      const ebb_region *region)
{
  (void)S;
  if (!region->has_error || !ebbL_is_cancel(L, idx) || !lua_checkstack(L, 4))
    return false;
  idx = lua_absindex(L, idx);
  ebbL_pusherrors(L);
  lua_rawgetp(L, -1, region);
  bool same = lua_rawequal(L, -1, idx);
  lua_pop(L, 2);
  return same;
}

void ebbL_region_enter(lua_State *L, ebb_region *region, int n_below)
{
  lua_Debug ar;
  region->n_below = (uint16_t)n_below;
  region->frame = lua_getstack(L, 0, &ar) ? (void *)ar.i_ci : NULL;
}

static void forget_errors(lua_State *L, ebb_region *region)
{
  if (EBB_LIKELY(!region->has_error && !region->unwinding))
    return;
  ebbL_pusherrors(L);
  lua_pushnil(L);
  lua_rawsetp(L, -2, region);
  lua_pushnil(L);
  lua_rawsetp(L, -2, &region->unwinding);
  lua_pop(L, 1);
  region->has_error = region->unwinding = false;
}

void ebbL_region_leave(lua_State *L, ebbL_state *S, ebb_region *region)
{
  (void)S;
  forget_errors(L, region);
  ebb_region_close(region);
}

/* --- bodies --- */

ebbL_body *ebbL_body_open(lua_State *L, ebbL_task *task, int kind, int n_below)
{
  ebbL_state *S = task->S;
  ebbL_body *body = ebbL_slab_get(L, &S->regions);
  body->owner = NULL;
  ebb_list_init(&body->link);
  ebb_timer_init(&body->timer, NULL);
  ebb_region_open(&body->region, &task->core, kind);
  ebbL_region_enter(L, &body->region, n_below);
  return body;
}

void ebbL_body_close(lua_State *L, ebbL_task *task, ebbL_body *body)
{
  if (body->region.kind == EBB_REGION_DEADLINE && body->owner != NULL)
    ebb_clock_disarm(body->owner, &body->timer);
  else
    ebb_timer_disarm(&task->core.rt->timers, &body->timer);
  ebb_list_unlink(&body->link);
  ebbL_region_leave(L, task->S, &body->region);
  ebb_slab_put(&task->S->regions, body);
}

void ebbL_regions_drop(lua_State *L, ebbL_task *task)
{
  while (task->core.region != &task->core.base) {
    ebb_region *region = task->core.region;
    ebbL_body *body = ebb_container_of(region, ebbL_body, region);
    if (region->kind == EBB_REGION_SCOPE && body->owner != NULL)
      ebbL_scope_body_gone(body->owner);
    ebbL_body_close(L, task, body);
  }
}

/* The body under [msgh, …] has ended with `status`. Pops it from the regions;
   returns true when its error is the region's own (the error is then left on
   the top for its reason), false when results are to be returned; rethrows
   any other error. */
bool ebbL_body_ended(lua_State *L, int status, ebbL_body *body)
{
  ebbL_task *task = ebbL_task_of(body->region.task);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  bool own = failed && ebbL_is_error_of(L, task->S, -1, &body->region);
  ebbL_body_close(L, task, body);
  if (failed && !own)
    lua_error(L);
  return own;
}

void ebbL_open_region(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"is_cancelled", l_is_cancelled},
                                   {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", cancel_index}, {"__tostring", cancel_tostring}, {NULL, NULL}};
  if (S->regions.alloc == NULL)
    ebb_slab_init(&S->regions, &S->alloc, sizeof(ebbL_body));
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &cancel_type, NULL, meta);
  lua_pop(L, 1);
}
