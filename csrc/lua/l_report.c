/* SPDX-License-Identifier: MIT */
#include "lua/l_report.h"

#include "lua/l_region.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An error that nobody has taken is reported after this long. */
#define UNOBSERVED_NS EBB_NS_PER_S

static const char handler_key;
static const char no_trace_key; /* a string, so that pushing it cannot fail */

/* --- tracebacks --- */

/* The traceback of the last error that left a body of the task, by the
   addresses of two of the task's fields. */
static void *trace_error_key(ebbL_task *task)
{
  return &task->n_args;
}

static void *trace_text_key(ebbL_task *task)
{
  return &task->spawn_line;
}

/* [-0, +1] "file:line: in task…" of the place that spawned it, or "". */
static void push_spawned_at(lua_State *L, ebbL_task *task)
{
  ebbL_pushslots(L, task->S);
  lua_rawgeti(L, -1, task->slot);
  lua_remove(L, -2);
  if (task->handle != NULL) {
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_Debug ar;
  if (lua_isfunction(L, -1) && task->spawn_line > 0) {
    lua_getinfo(L, ">S", &ar);
    lua_pushfstring(L, "\n\t[spawned at %s:%d]", ar.short_src,
                    (int)task->spawn_line);
  } else {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  }
}

static int push_full_trace(lua_State *L)
{
  lua_State *at = lua_touserdata(L, 1);
  ebbL_task *task = lua_touserdata(L, 2);
  int level = (int)lua_tointeger(L, 3);
  luaL_traceback(L, at, NULL, level);
  push_spawned_at(L, task);
  lua_concat(L, 2);
  return 1;
}

static int remember_trace(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 2);
  ebbL_pusherrors(L);
  int errors = lua_gettop(L);
  lua_rawgetp(L, errors, trace_error_key(task));
  if (!lua_isnil(L, -1) && lua_rawequal(L, -1, 4))
    return 0; /* thrown on by an inner region: the first place counts */
  push_full_trace(L);
  lua_rawsetp(L, errors, trace_text_key(task));
  lua_pushvalue(L, 4);
  lua_rawsetp(L, errors, trace_error_key(task));
  return 0;
}

void ebbL_trace_foreign(lua_State *L, ebbL_task *task)
{
  int top = lua_gettop(L);
  luaL_checkstack(L, 12, NULL);
  lua_pushliteral(L, "\n\t[in another thread; here:]\n");
  lua_pushcfunction(L, push_full_trace);
  lua_pushlightuserdata(L, L);
  lua_pushlightuserdata(L, task);
  lua_pushinteger(L, 1);
  lua_call(L, 3, 1);
  lua_concat(L, 3);
  ebbL_pusherrors(L);
  lua_insert(L, -2);
  task->has_trace = true; /* first: what was kept is let go of if this fails */
  lua_rawsetp(L, top, trace_text_key(task));
  lua_pushvalue(L, top - 1);
  lua_rawsetp(L, top, trace_error_key(task));
  lua_settop(L, top - 1);
}

void ebbL_trace_drop(lua_State *L, ebbL_task *task)
{
  if (EBB_LIKELY(!task->has_trace))
    return;
  task->has_trace = false;
  ebbL_pusherrors(L);
  lua_pushnil(L);
  lua_rawsetp(L, -2, trace_error_key(task));
  lua_pushnil(L);
  lua_rawsetp(L, -2, trace_text_key(task));
  lua_pop(L, 1);
}

void ebbL_pushtrace(lua_State *L, ebbL_task *task, int error_idx)
{
  error_idx = lua_absindex(L, error_idx);
  if (task->has_trace) {
    ebbL_pusherrors(L);
    lua_rawgetp(L, -1, trace_error_key(task));
    bool same = lua_rawequal(L, -1, error_idx) || lua_isnil(L, -1);
    lua_pop(L, 1);
    lua_rawgetp(L, -1, trace_text_key(task));
    lua_remove(L, -2);
    if (same && lua_isstring(L, -1))
      return;
    lua_pop(L, 1);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &no_trace_key);
}

/* --- the message handler --- */

static int keep_first(lua_State *L)
{
  ebb_region *region = lua_touserdata(L, 1);
  ebbL_pusherrors(L);
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, &region->unwinding);
  return 0;
}

int ebbL_msgh(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  ebbL_task *task = S != NULL ? S->current : NULL;
  if (task == NULL || !lua_checkstack(L, 12))
    return 1;
  ebb_region *region = task->core.region;
  lua_settop(L, 1);
  bool cancel = ebbL_is_cancel(L, 1);
  if (!cancel) {
    task->has_trace = true;
    lua_pushcfunction(L, remember_trace);
    lua_pushlightuserdata(L, L);
    lua_pushlightuserdata(L, task);
    lua_pushinteger(L, 1);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK)
      lua_pop(L, 1);
  }
  if (!region->unwinding) {
    region->unwinding = true;
    lua_pushcfunction(L, keep_first);
    lua_pushlightuserdata(L, region);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
      lua_pop(L, 1);
      region->unwinding = cancel; /* a cancel is kept by its region as well */
    }
    return 1;
  }
  /* a cleanup failed while the first error unwinds: the first one stays */
  ebbL_pusherrors(L);
  lua_rawgetp(L, -1, &region->unwinding);
  for (ebb_region *at = region; at != NULL && lua_isnil(L, -1); at = at->outer)
    if (at->has_error) { /* there was no memory to keep it twice */
      lua_pop(L, 1);
      lua_rawgetp(L, -1, at);
    }
  if (!cancel) {
    ebbL_pushtrace(L, task, 1);
    int top = lua_gettop(L);
    int handle_idx = 0;
    if (task->handle != NULL) {
      ebbL_pushhandle(L, task);
      handle_idx = lua_gettop(L);
    }
    ebbL_report(L, S, ebbL_rt_of(task->core.rt), handle_idx, 1, top);
    lua_settop(L, top - 1);
  }
  return 1;
}

/* --- reporting --- */

void ebbL_warn(ebbL_state *S, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  if (S != NULL && S->log != NULL) {
    char message[2048]; /* longer ones are cut */
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    S->log(S->log_ud, message);
    return;
  }
  fprintf(stderr, "ebb: ");
  vfprintf(stderr, fmt, args);
  fprintf(stderr, "\n");
  fflush(stderr);
  va_end(args);
}

/* [handle or nil, error, traceback, handler or nil] */
static int report_protected(lua_State *L)
{
  lua_settop(L, 4);
  if (!lua_isnil(L, 4)) {
    lua_pushvalue(L, 4);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_call(L, 3, 0);
    return 0;
  }
  const char *label = "";
  ebbL_handle *handle = ebbL_test(L, 1, &ebbL_task_type);
  if (handle != NULL)
    label = ebbL_tasklabel(L, NULL, 1);
  const char *message = luaL_tolstring(L, 2, NULL);
  const char *traceback = lua_tostring(L, 3);
  ebbL_warn(ebbL_state_find(L),
            "EBB021: task %s failed and nobody took its error: %s%s%s", label,
            message, traceback != NULL ? "\n" : "",
            traceback != NULL ? traceback : "");
  return 0;
}

static void push_or_nil(lua_State *L, int idx)
{
  if (idx != 0)
    lua_pushvalue(L, idx);
  else
    lua_pushnil(L);
}

/* [-0, +4] */
static void push_report(lua_State *L, int handle_idx, int error_idx,
                        int traceback_idx)
{
  lua_pushcfunction(L, report_protected);
  push_or_nil(L, handle_idx);
  push_or_nil(L, error_idx);
  push_or_nil(L, traceback_idx);
}

void ebbL_report(lua_State *L, ebbL_state *S, ebbL_rt *rt, int handle_idx,
                 int error_idx, int traceback_idx)
{
  if (!lua_checkstack(L, 12))
    return;
  int top = lua_gettop(L);
  push_report(L, handle_idx, error_idx, traceback_idx);
  ebbL_rt_pushhandler(L, rt);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handler_key);
  }
  /* whatever the handler does, it does not run as the failed task */
  ebbL_task *current = S->current;
  S->current = NULL;
  ebbL_rt *driving = S->driving;
  if (driving == NULL)
    S->driving = rt;
  if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
    ebbL_warn(S, "the handler of on_task_error failed: %s",
              lua_isstring(L, -1) ? lua_tostring(L, -1) : "(no message)");
    lua_settop(L, top); /* what it was to tell is told without it */
    push_report(L, handle_idx, error_idx, traceback_idx);
    lua_pushnil(L);
    (void)lua_pcall(L, 4, 0, 0);
  }
  S->driving = driving;
  S->current = current;
  lua_settop(L, top);
}

/* [failure…]: error and traceback of a failure are its user values. */
static void report_failure(lua_State *L, ebbL_failure *failure, int idx,
                           int handle_idx)
{
  ebbL_rt *rt = failure->rt;
  ebb_list_unlink(&failure->link);
  if (!lua_checkstack(L, 6))
    return;
  lua_getiuservalue(L, idx, 1);
  lua_getiuservalue(L, idx, 2);
  int top = lua_gettop(L);
  ebbL_report(L, failure->head.state, rt, handle_idx, top - 1, top);
  lua_settop(L, top - 2);
}

static int failure_gc(lua_State *L)
{
  ebbL_failure *failure = ebbL_test(L, 1, &ebbL_failure_type);
  if (failure == NULL)
    return 0;
  if (ebb_list_is_linked(&failure->link)) {
    ebbL_newdeadhandle(L, failure->head.state, failure->id);
    report_failure(L, failure, 1, lua_gettop(L));
  }
  return ebbL_let_go(L);
}

void ebbL_report_due(lua_State *L, ebbL_rt *rt, bool all)
{
  while (!ebb_list_is_empty(&rt->unobserved)) {
    ebbL_failure *failure =
        ebb_container_of(rt->unobserved.next, ebbL_failure, link);
    if (!all && ebb_driver_clock(NULL) < failure->failed_ns + UNOBSERVED_NS)
      return;
    if (!lua_checkstack(L, 8))
      return;
    int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_failure_type);
    lua_getfield(L, -1, "objects");
    lua_rawgetp(L, -1, failure);
    ebb_list_unlink(&failure->link);
    if (lua_isnil(L, -1)) {
      /* it is being collected: its finaliser, to come, reports it */
      ebb_list_push_back(&rt->dying, &failure->link);
    } else {
      lua_rawgetp(L, top + 2, &failure->id); /* its handle, while it lives */
      if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        ebbL_newdeadhandle(L, failure->head.state, failure->id);
      }
      report_failure(L, failure, top + 3, top + 4);
    }
    lua_settop(L, top);
  }
}

void ebbL_taken(lua_State *L, int idx)
{
  ebbL_handle *handle = lua_touserdata(L, idx);
  handle->is_taken = true;
  if (handle->kind != EBBL_RESULT_FAILURE)
    return;
  lua_getiuservalue(L, idx, 1);
  ebbL_failure *failure = ebbL_touserdata(L, -1);
  ebb_list_unlink(&failure->link);
  lua_pop(L, 1);
}

/* --- a task has failed --- */

/* [error, traceback, light task, handle] -> failure */
static int new_failure(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 3);
  ebbL_state *S = task->S;
  ebbL_pushrt(L, ebbL_rt_of(task->core.rt));
  ebbL_failure *failure =
      ebbL_newlinked(L, S, &ebbL_failure_type, sizeof *failure, 2, 1);
  ebb_list_init(&failure->link);
  failure->rt = ebbL_rt_of(task->core.rt);
  failure->id = task->core.id;
  failure->failed_ns = ebb_driver_clock(NULL);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ebbL_failure_type);
  lua_getfield(L, -1, "objects");
  lua_pushvalue(L, -3);
  lua_rawsetp(L, -2, failure);
  lua_pushvalue(L, 4);
  lua_rawsetp(L, -2, &failure->id);
  lua_pop(L, 2);
  return 1;
}

void ebbL_failed(lua_State *L, ebbL_task *task, bool owned)
{
  ebbL_state *S = task->S;
  ebbL_rt *rt = ebbL_rt_of(task->core.rt);
  int error_idx = lua_gettop(L);
  if (!lua_checkstack(L, 12)) {
    lua_pop(L, 1);
    return;
  }
  ebbL_pushtrace(L, task, error_idx);
  int trace_idx = error_idx + 1;
  ebbL_handle *handle = task->handle;
  if (handle == NULL) {
    ebbL_newdeadhandle(L, S, task->core.id);
    ebbL_report(L, S, rt, trace_idx + 1, error_idx, trace_idx);
    lua_settop(L, error_idx - 1);
    return;
  }
  ebbL_pushhandle(L, task);
  int handle_idx = trace_idx + 1;
  lua_pushcfunction(L, new_failure);
  lua_pushvalue(L, error_idx);
  lua_pushvalue(L, trace_idx);
  lua_pushlightuserdata(L, task);
  lua_pushvalue(L, handle_idx);
  if (lua_pcall(L, 4, 1, 0) == LUA_OK) {
    ebbL_failure *failure = ebbL_touserdata(L, -1);
    handle->kind = EBBL_RESULT_FAILURE;
    lua_setiuservalue(L, handle_idx, 1);
    if (!owned && handle->is_late)
      ebbL_report(L, S, rt, handle_idx, error_idx, trace_idx);
    else if (!owned)
      ebb_list_push_back(&rt->unobserved, &failure->link);
  } else {
    lua_pop(L, 1);
    handle->kind = EBBL_RESULT_ERROR;
    lua_pushvalue(L, error_idx);
    lua_setiuservalue(L, handle_idx, 1);
    if (!owned)
      ebbL_report(L, S, rt, handle_idx, error_idx, trace_idx);
  }
  lua_settop(L, error_idx - 1);
}

/* --- the API --- */

static int l_on_task_error(lua_State *L)
{
  if (!lua_isnoneornil(L, 1))
    ebbL_checkcallable(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &handler_key);
  return 0;
}

void ebbL_open_report(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"on_task_error", l_on_task_error},
                                   {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", failure_gc}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  lua_pushliteral(L, "stack traceback: (not available)");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &no_trace_key);
  ebbL_newtype(L, S, &ebbL_failure_type, NULL, meta);
  /* the living ones, by address, so that they can be found from C */
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "objects");
  lua_pop(L, 1);
}
