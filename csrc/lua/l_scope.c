/* SPDX-License-Identifier: MIT */
#include "lua/l_scope.h"

#include "lua/l_op.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"

/* Who closes: the function form, s:wait(), s:close(), or leaving the block. */
enum { MODE_NONE, MODE_BODY, MODE_WAIT, MODE_CLOSE, MODE_LEAVE };
enum { PHASE_WAIT, PHASE_DEFERS, PHASE_DONE };

#define CANCEL_ERROR 1
#define DEFERS       2

/* --- closing --- */

static int scope_k(lua_State *L, int status, lua_KContext at);
static int defer_k(lua_State *L, int status, lua_KContext ctx);

/* Something struck while the scope waits: the children are asked to end, for
   the same reason, and the wait goes on for their cleanups. */
static void struck_while_waiting(lua_State *L, ebbL_scope *scope,
                                 ebbL_task *task)
{
  ebb_region *region = ebbL_verdict(task);
  scope->hard = scope->struck = true;
  int error_idx = 0;
  if (region != NULL) {
    ebbL_pushregionerror(L, task, region);
    error_idx = lua_gettop(L);
  }
  ebbL_scope_strike_children(L, scope, error_idx);
  if (error_idx != 0)
    lua_pop(L, 1);
}

static int park_for_children(lua_State *L, ebbL_scope *scope, ebbL_task *task,
                             int at)
{
  task->core.uninterruptible = scope->hard;
  ebb_wait_link(&task->core, 0, &ebb_scope_class, scope, &scope->core.waiters,
                0);
  return ebbL_park(L, task, 1, scope_k, at);
}

/* Pushes the newest defer and removes it from the list; false when none. */
static bool pop_defer(lua_State *L, int at)
{
  if (lua_getiuservalue(L, at, DEFERS) != LUA_TTABLE) {
    lua_pop(L, 1);
    return false;
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  if (n == 0) {
    lua_pop(L, 1);
    return false;
  }
  lua_rawgeti(L, -1, n);
  lua_pushnil(L);
  lua_rawseti(L, -3, n);
  lua_remove(L, -2);
  return true;
}

/* A defer is the user's cleanup: shielded. Stack: …, body, msgh, fn. */
static int run_defer(lua_State *L, ebbL_task *task, int at)
{
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, -2);
  int msgh = lua_gettop(L) - 1;
  ebbL_body *body = ebbL_body_open(L, task, EBB_REGION_SHIELD, msgh);
  body->region.cleanup = true;
  lua_pushlightuserdata(L, body);
  lua_insert(L, msgh);
  int status = lua_pcallk(L, 0, 0, msgh + 1, at, defer_k);
  return defer_k(L, status, at);
}

static int close_scope(lua_State *L, ebbL_scope *scope, int at);

static int defer_k(lua_State *L, int status, lua_KContext at)
{
  ebbL_scope *scope = ebbL_touserdata(L, (int)at);
  ebbL_task *task = scope->head.state->current;
  bool failed = status != LUA_OK && status != LUA_YIELD;
  ebbL_body *body = lua_touserdata(L, failed ? -3 : -2);
  ebbL_body_close(L, task, body);
  if (failed) {
    if (!scope->failed && !scope->body_failed)
      ebbL_scope_record(L, scope, -1);
    else
      ebbL_scope_report_child(L, task, lua_gettop(L), 0);
  }
  lua_pop(L, failed ? 3 : 2);
  return close_scope(L, scope, (int)at);
}

static int scope_done(lua_State *L, ebbL_scope *scope, int at);

/* Drives the closing on; `at` is the scope's stack index. [yields] */
static int close_scope(lua_State *L, ebbL_scope *scope, int at)
{
  ebbL_task *task = scope->head.state->current;
  luaL_checkstack(L, 16, NULL);
  if (scope->phase == PHASE_WAIT) {
    if (scope->core.n_children > 0) {
      if (!scope->hard && task->core.n_struck > 0 && ebbL_verdict(task) != NULL)
        struck_while_waiting(L, scope, task);
      return park_for_children(L, scope, task, at);
    }
    scope->phase = PHASE_DEFERS;
  }
  if (scope->phase == PHASE_DEFERS) {
    if (scope->mode != MODE_WAIT && pop_defer(L, at))
      return run_defer(L, task, at);
    scope->phase = PHASE_DONE;
  }
  return scope_done(L, scope, at);
}

static int scope_k(lua_State *L, int status, lua_KContext at)
{
  (void)status;
  ebbL_scope *scope = ebbL_touserdata(L, (int)at);
  EBBL_OWN_RESUME(L, scope->head.state, scope_k, at);
  ebbL_task *task = scope->head.state->current;
  task->core.uninterruptible = false;
  if (task->core.status == EBB_ECANCELLED && !scope->hard)
    struck_while_waiting(L, scope, task);
  return close_scope(L, scope, (int)at);
}

static int push_cancelled(lua_State *L, int at)
{
  lua_pushnil(L);
  lua_pushliteral(L, "cancelled");
  lua_getiuservalue(L, at, CANCEL_ERROR);
  ebbL_pushreason(L, -1);
  lua_remove(L, -2);
  return 3;
}

/* Everything has ended. Body form: [msgh, scope, results…] or an error on
   top. */
static int scope_done(lua_State *L, ebbL_scope *scope, int at)
{
  ebbL_task *task = scope->head.state->current;
  int mode = scope->mode;
  bool was_cancelled = scope->cancelled, struck = scope->struck;
  scope->mode = MODE_NONE;
  scope->hard = scope->struck = scope->cancelled = false;
  if (mode != MODE_WAIT)
    scope->ended = true;
  if (scope->failed) {
    ebbL_scope_take_failure(L, scope);
    if (mode == MODE_CLOSE || scope->body_failed) {
      /* the block's own error goes on; this one is reported */
      ebbL_report(L, task->S, ebbL_rt_of(task->core.rt), 0, lua_gettop(L), 0);
      lua_pop(L, 1);
    } else {
      return lua_error(L);
    }
  }
  if (mode == MODE_BODY) {
    if (scope->body_failed) /* not the region's own: on the top */
      return lua_error(L);
    if (struck)
      ebbL_check_waiting(L, task);
    if (scope->body_cancelled)
      return push_cancelled(L, at);
    return lua_gettop(L) - at;
  }
  if (struck)
    ebbL_check_waiting(L, task);
  if (mode == MODE_WAIT) {
    if (was_cancelled)
      return push_cancelled(L, at);
    lua_pushboolean(L, 1);
    return 1;
  }
  return 0;
}

/* --- the function form --- */

static int body_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)ctx;
  ebbL_scope *scope = ebbL_touserdata(L, 2);
  ebbL_task *task = scope->head.state->current;
  ebbL_body *body = scope->body;
  bool error = status != LUA_OK && status != LUA_YIELD;
  bool own = error && ebbL_is_error_of(L, task->S, -1, &body->region);
  scope->body = NULL;
  ebbL_body_close(L, task, body);
  scope->mode = MODE_BODY;
  scope->phase = PHASE_WAIT;
  scope->body_cancelled = own;
  if (error && !own) {
    int error_idx = lua_gettop(L);
    if (ebbL_is_cancel(L, error_idx)) {
      /* an outer region ends: the children end for the same reason */
      scope->hard = true;
      scope->body_failed = !scope->failed;
      ebbL_scope_strike_children(L, scope, error_idx);
    } else {
      if (!scope->failed)
        ebbL_scope_record(L, scope, error_idx);
      else if (!ebbL_scope_is_first_failure(L, scope, error_idx)) {
        ebbL_pushtrace(L, task, error_idx);
        ebbL_report(L, task->S, ebbL_rt_of(task->core.rt), 0, error_idx,
                    error_idx + 1);
        lua_pop(L, 1);
      }
      ebbL_scope_cancel_for(L, scope, "the scope's body failed");
    }
  }
  return close_scope(L, scope, 2);
}

ebbL_scope *ebbL_scope_new(lua_State *L, ebbL_state *S)
{
  ebbL_scope *scope =
      ebbL_newlinked(L, S, &ebbL_scope_type, sizeof *scope, 2, 0);
  ebb_scope_init(&scope->core);
  scope->rt = ebbL_current_rt(L, S);
  scope->of_cleanup = scope->rt->ending;
  return scope;
}

static int scope_function(lua_State *L, ebbL_state *S, lua_CFunction fn)
{
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, fn);
  lua_settop(L, 1);
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, 1);
  ebbL_scope *scope = ebbL_scope_new(L, S);
  lua_insert(L, 2);
  lua_pushvalue(L, 2);
  scope->body = ebbL_body_open(L, task, EBB_REGION_SCOPE, 2);
  scope->body->owner = scope;
  int status = lua_pcallk(L, 1, LUA_MULTRET, 1, 0, body_k);
  return body_k(L, status, 0);
}

static int l_scope(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  bool is_callable = luaL_getmetafield(L, 1, "__call") != LUA_TNIL;
  lua_settop(L, 1);
  if (lua_isnil(L, 1) || (lua_istable(L, 1) && !is_callable)) {
    static const char *const options[] = {"isolate", "collect", NULL};
    if (lua_istable(L, 1))
      ebbL_checkkeys(L, 1, options);
    ebbL_scope *scope = ebbL_scope_new(L, S);
    if (lua_istable(L, 1)) {
      lua_getfield(L, 1, "isolate");
      scope->isolate = lua_toboolean(L, -1);
      lua_getfield(L, 1, "collect");
      scope->collect = lua_toboolean(L, -1);
      lua_pop(L, 2);
    }
    return 1;
  }
  ebbL_checkcallable_as(L, 1, "function or table of options");
  return scope_function(L, S, l_scope);
}

static void report_failure(lua_State *L, ebbL_scope *scope);

/* --- methods --- */

static ebbL_scope *check_scope(lua_State *L)
{
  return ebbL_check(L, 1, &ebbL_scope_type);
}

/* What is asked to end takes no new work: the child never runs. */
static void end_if_late(lua_State *L, const ebbL_scope *scope, ebbL_task *task)
{
  if (scope->failed || scope->cancelled || scope->hard || scope->closing)
    ebbL_cancel_task(L, task, 0);
}

static int l_scope_spawn(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_state *S = scope->head.state;
  ebbL_checkcallable(L, 2);
  if (scope->ended)
    ebbL_throw(L, "cannot spawn in a scope that has ended");
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebbL_rt_accepts(L, rt);
  ebbL_task *task = ebbL_spawn(L, S, rt, lua_gettop(L) - 2, true, scope);
  end_if_late(L, scope, task);
  return 1;
}

/* _spawn_beside(fn, …): a child of the scope whose child the running task is,
   if there is one that takes such children; else detached. */
static int l_spawn_beside(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_scope *scope = S->current != NULL ? S->current->scope : NULL;
  ebbL_checkcallable(L, 1);
  if (scope != NULL && (scope->collect || scope->ended))
    scope = NULL;
  ebbL_rt *rt = ebbL_current_rt(L, S);
  ebbL_rt_accepts(L, rt);
  ebbL_task *task = ebbL_spawn(L, S, rt, lua_gettop(L) - 1, true, scope);
  if (scope != NULL)
    end_if_late(L, scope, task);
  return 1;
}

static int l_scope_cancel(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_state *S = scope->head.state;
  lua_settop(L, 2);
  if (scope->ended || scope->cancelled) {
    lua_pushboolean(L, 0);
    return 1;
  }
  ebbL_pushcancel(L, S, 2);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 1, CANCEL_ERROR);
  scope->cancelled = true;
  ebbL_scope_strike_children(L, scope, 3);
  if (scope->body != NULL)
    ebbL_strike(L, S, &scope->body->region, 3);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_scope_defer(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_checkcallable(L, 2);
  if (scope->ended)
    ebbL_throw(L, "cannot defer in a scope that has ended");
  if (lua_getiuservalue(L, 1, DEFERS) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, DEFERS);
  }
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  return 0;
}

static int begin_close(lua_State *L, ebbL_scope *scope, int mode)
{
  if (scope->mode != MODE_NONE || scope->body != NULL)
    ebbL_throw(L, "somebody waits for this scope already");
  scope->mode = (uint8_t)mode;
  scope->phase = PHASE_WAIT;
  lua_settop(L, 1);
  return close_scope(L, scope, 1);
}

int ebbL_scope_wait(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_state *S = scope->head.state;
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, ebbL_scope_wait);
  ebbL_check_struck(L, task);
  return begin_close(L, scope, MODE_WAIT);
}

int ebbL_scope_close(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_state *S = scope->head.state;
  if (scope->ended || scope->mode != MODE_NONE || scope->body != NULL) {
    if (!scope->ended)
      ebbL_scope_cancel_for(L, scope, "the scope was closed");
    return 0;
  }
  ebbL_scope_cancel_told(L, scope, "the scope was closed");
  scope->closing = true;
  if (S->current == NULL) {
    if (!scope->cancelled)
      lua_setiuservalue(L, 1, CANCEL_ERROR); /* for who waits later */
    scope->cancelled = true;
    report_failure(L, scope);
    scope->isolate = true; /* later failures are reported as they come */
    return 0;
  }
  ebbL_self(L, S);
  return begin_close(L, scope, MODE_CLOSE);
}

/* [scope, err]: leaving the block waits; leaving it by an error cancels. */
static int scope_leave(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  ebbL_state *S = scope->head.state;
  if (scope->ended || scope->body != NULL || scope->mode != MODE_NONE)
    return 0;
  bool failed = !lua_isnoneornil(L, 2);
  if (failed) {
    if (ebbL_is_cancel(L, 2))
      ebbL_scope_strike_children(L, scope, 2);
    else
      ebbL_scope_cancel_for(L, scope, "the scope's block failed");
  }
  if (S->current == NULL) {
    ebbL_scope_cancel_for(L, scope, "the scope was left outside of a task");
    return 0;
  }
  ebbL_self(L, S);
  scope->body_failed = failed;
  scope->hard = failed;
  return begin_close(L, scope, MODE_LEAVE);
}

/* Nobody will be thrown the scope's first failure: it is reported. */
static void report_failure(lua_State *L, ebbL_scope *scope)
{
  if (!scope->failed || !lua_checkstack(L, 8))
    return;
  ebbL_scope_take_failure(L, scope);
  ebbL_report(L, scope->head.state, scope->rt, 0, lua_gettop(L), 0);
  lua_pop(L, 1);
}

static int scope_gc(lua_State *L)
{
  ebbL_scope *scope = ebbL_test(L, 1, &ebbL_scope_type);
  if (scope == NULL)
    return 0;
  if (scope->ended)
    return ebbL_let_go(L);
  scope->ended = true;
  report_failure(L, scope);
  ebb_list *children = &scope->core.children;
  while (!ebb_list_is_empty(children)) {
    ebb_task *child = ebb_container_of(children->next, ebb_task, sibling);
    ebb_list_unlink(&child->sibling);
    child->scope = NULL;
    ebbL_task *task = ebbL_task_of(child);
    task->scope = NULL;
    if (task->handle != NULL)
      task->handle->is_owned = false;
    ebb_task_ask_cancel(child);
  }
  return ebbL_let_go(L);
}

static int scope_tostring(lua_State *L)
{
  ebbL_scope *scope = check_scope(L);
  lua_pushfstring(L, "ebb.scope: %s, %d task(s)",
                  scope->ended       ? "ended"
                  : scope->failed    ? "failed"
                  : scope->cancelled ? "cancelled"
                                     : "open",
                  (int)scope->core.n_children);
  return 1;
}

void ebbL_open_scope(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"scope", l_scope}, {"_spawn_beside", l_spawn_beside}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"spawn", l_scope_spawn},    {"cancel", l_scope_cancel},
      {"defer", l_scope_defer},    {"wait", ebbL_scope_wait},
      {"close", ebbL_scope_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", scope_leave},
                                  {"__gc", scope_gc},
                                  {"__tostring", scope_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_scope_type, methods, meta);
  lua_pop(L, 1);
}
