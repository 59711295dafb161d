/* SPDX-License-Identifier: MIT */
/* Regions on the Lua side. The error object of a struck region is kept in the
   table of errors, by the region's address; a region's first error while it
   unwinds, by the address of its `unwinding` flag. Both go with the region. */
#include "lua/l_region.h"

#include "lua/l_op.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"

#include <string.h>

/* --- the cancel error --- */

typedef struct ebbL_cancel {
  ebbL_header head; /* user value 1: the reason */
} ebbL_cancel;

static const ebbL_type cancel_type = {"ebb.cancelled", NULL};

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

/* --- which struck region must be obeyed? --- */

/* ebb's own closers (their first upvalue tells) are not shielded. */
static bool is_own_closer(lua_State *L, ebbL_state *S, lua_Debug *ar)
{
  lua_getinfo(L, "f", ar);
  bool own = lua_iscfunction(L, -1);
  if (own) {
    own = lua_getupvalue(L, -1, 1) != NULL;
    if (own) {
      own = lua_touserdata(L, -1) == (void *)S;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return own;
}

/* A vararg function moves itself up the stack, above its arguments. */
static int vararg_shift(lua_State *L, lua_Debug *ar)
{
  int n = 0;
  lua_getinfo(L, "Su", ar);
  if (!ar->isvararg || strcmp(ar->what, "C") == 0)
    return 0;
  while (lua_getlocal(L, ar, -(n + 1)) != NULL) {
    lua_pop(L, 1);
    n++;
  }
  return ar->nparams + n + 1;
}

/* Is the call at `ar` a __close handler that the frame `caller` runs while an
   error unwinds it? A C function's callee starts right above what the caller
   keeps below it; a handler starts higher. */
static bool is_unwinding_handler(lua_State *L, ebbL_state *S, lua_Debug *ar,
                                 lua_Debug *caller, const ebb_region *region)
{
  int expected;
  lua_getinfo(L, "Sf", caller);
  lua_CFunction fn = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  if (fn == NULL)
    return false;
  if (region != NULL && region->frame == (void *)caller->i_ci)
    return region->unwinding ||
           (region->outer == NULL && ebbL_task_of(region->task)->closing_guard);
  if (fn == S->lua_pcall_fn)
    expected = 1;
  else if (fn == S->lua_xpcall_fn)
    expected = 3;
  else
    return false;
  if (lua_getlocal(L, caller, expected + vararg_shift(L, ar) + 1) == NULL)
    return false;
  lua_pop(L, 1);
  return true;
}

/* Is the call at `ar` (with its name) a cleanup of the user? */
static bool is_closer(lua_State *L, ebbL_state *S, lua_Debug *ar,
                      lua_Debug *caller, const ebb_region *region)
{
  bool closer = ar->namewhat != NULL && ar->name != NULL &&
                strcmp(ar->namewhat, "metamethod") == 0 &&
                strcmp(ar->name, "close") == 0;
  if (!closer)
    closer = is_unwinding_handler(L, S, ar, caller, region);
  return closer && !is_own_closer(L, S, ar);
}

enum { NOT_HIDDEN, HIDDEN_BY_CLEANUP, HIDDEN_BY_SHIELD };

/* Walks one coroutine's frames from the innermost outwards, until a running
   cleanup of the user, or a shield, hides what lies further out. */
static int walk_frames(lua_State *L, ebbL_state *S, ebb_region **region,
                       ebb_region **seen)
{
  lua_Debug ar, caller;
  if (!lua_checkstack(L, 4))
    return NOT_HIDDEN;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    if (*region != NULL && (*region)->frame == (void *)ar.i_ci) {
      ebb_region *at = *region;
      *region = at->outer;
      if (at->kind == EBB_REGION_SHIELD)
        return HIDDEN_BY_SHIELD;
      if (at->struck)
        *seen = at;
    }
    if (!lua_getstack(L, level + 1, &caller))
      break;
    lua_getinfo(L, "n", &ar);
    if (is_closer(L, S, &ar, &caller, *region))
      return HIDDEN_BY_CLEANUP;
  }
  return NOT_HIDDEN;
}

/* Is there a running cleanup anywhere in the task? A shield within one hides
   nothing once the cleanups are overdue. */
static bool in_cleanup(lua_State *L, ebbL_task *task)
{
  for (; L != NULL; L = L == task->co ? NULL : ebbL_coro_outer(task, L)) {
    lua_Debug ar, caller;
    ebb_region *region = task->core.region;
    for (int level = 0;
         lua_getstack(L, level, &ar) && lua_getstack(L, level + 1, &caller);
         level++) {
      if (region != NULL && region->frame == (void *)ar.i_ci)
        region = region->outer;
      lua_getinfo(L, "n", &ar);
      if (is_closer(L, task->S, &ar, &caller, region))
        return true;
    }
  }
  return false;
}

ebb_region *ebbL_visible(ebb_task *core)
{
  ebbL_task *task = ebbL_task_of(core);
  if (task->co == NULL)
    return ebb_region_visible(core);
  ebb_region *region = core->region, *seen = NULL;
  lua_State *L = task->L;
  bool ends = core->overdue && ebbL_rt_of(core->rt)->ending;
  if (ends) /* nothing protects it any more */
    return &core->base;
  while (L != NULL) {
    int hidden = walk_frames(L, task->S, &region, &seen);
    if (hidden == HIDDEN_BY_CLEANUP && core->overdue)
      return &core->base; /* its cleanups have had their time */
    if (hidden == HIDDEN_BY_SHIELD && core->overdue &&
        in_cleanup(task->L, task))
      return &core->base;
    if (hidden != NOT_HIDDEN)
      return seen;
    L = L == task->co ? NULL : ebbL_coro_outer(task, L);
  }
  /* the task's own region has no frame of its own until its body runs */
  for (; region != NULL; region = region->outer) {
    if (region->kind == EBB_REGION_SHIELD)
      return seen;
    if (region->struck)
      seen = region;
  }
  return seen;
}

ebb_region *ebbL_verdict(ebbL_task *task)
{
  return ebbL_visible(&task->core);
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
  uint64_t due_ns = rt->cleanup_timeout_ns > EBB_NEVER - rt->now_ns
                        ? EBB_NEVER
                        : rt->now_ns + rt->cleanup_timeout_ns;
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

int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = false;
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
                         uint64_t due_ns, double seconds)
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
  ebbL_pushafter(L, S, seconds);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 2);
  lua_remove(L, 1);
  return ebbL_await_timeout(L, task);
}

static ebbL_task *check_timeout(lua_State *L, double *number)
{
  *number = ebbL_checkseconds(L, 1);
  if (!ebbL_isop(L, 2))
    ebbL_checkcallable(L, 2);
  return ebbL_self(L, ebbL_S(L));
}

static int l_timeout(lua_State *L)
{
  double seconds;
  ebbL_task *task = check_timeout(L, &seconds);
  if (task == NULL)
    return ebbL_drive(L, ebbL_S(L), l_timeout);
  uint64_t now_ns = ebb_rt_refresh(task->core.rt);
  return timeout_until(L, task, l_timeout, ebb_due_in(now_ns, seconds),
                       seconds);
}

static int l_timeout_at(lua_State *L)
{
  double at;
  ebbL_task *task = check_timeout(L, &at);
  if (task == NULL)
    return ebbL_drive(L, ebbL_S(L), l_timeout_at);
  double seconds = at - (double)ebb_rt_refresh(task->core.rt) / 1e9;
  return timeout_until(L, task, l_timeout_at, ebb_due_in(0, at),
                       seconds > 0 ? seconds : 0);
}

static int l_deadline(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  uint64_t due_ns = EBB_NEVER;
  if (S->current != NULL) {
    for (ebb_region *region = S->current->core.region; region != NULL;
         region = region->outer) {
      if (region->kind == EBB_REGION_SHIELD)
        break;
      ebbL_body *body = ebb_container_of(region, ebbL_body, region);
      if (region->kind == EBB_REGION_DEADLINE && body->timer.due_ns < due_ns)
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

void ebbL_open_region(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"timeout", l_timeout},           {"timeout_at", l_timeout_at},
      {"deadline", l_deadline},         {"shield", l_shield},
      {"is_cancelled", l_is_cancelled}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", cancel_index}, {"__tostring", cancel_tostring}, {NULL, NULL}};
  if (S->regions.alloc == NULL)
    ebb_slab_init(&S->regions, &S->alloc, sizeof(ebbL_body));
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &cancel_type, NULL, meta);
  lua_pop(L, 1);
}
