/* SPDX-License-Identifier: MIT */
/* The handle of a task: results, join, cancel, and what can be seen of it. */
#include "lua/l_fence.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_task.h"

#include <string.h>

static const char names_key;

/* --- names --- */

static void push_name(lua_State *L, int handle_idx)
{
  handle_idx = lua_absindex(L, handle_idx);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_pushvalue(L, handle_idx);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

static void push_live_handle(lua_State *L, ebbL_task *task)
{
  ebbL_pushslots(L, task->S);
  lua_rawgeti(L, -1, task->slot);
  lua_remove(L, -2);
}

const char *ebbL_taskname(lua_State *L, ebbL_task *task)
{
  if (task->handle == NULL) {
    lua_pushnil(L);
    return NULL;
  }
  push_live_handle(L, task);
  push_name(L, -1);
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

const char *ebbL_tasklabel(lua_State *L, ebbL_task *task, int handle_idx)
{
  uint64_t id = 0;
  lua_pushnil(L);
  if (handle_idx != 0) {
    handle_idx = lua_absindex(L, handle_idx);
    id = ((ebbL_handle *)lua_touserdata(L, handle_idx))->id;
    push_name(L, handle_idx);
    lua_replace(L, -2);
  } else if (task != NULL) {
    id = task->core.id;
    if (task->handle != NULL) {
      push_live_handle(L, task);
      push_name(L, -1);
      lua_replace(L, -3);
      lua_pop(L, 1);
    }
  }
  if (lua_isstring(L, -1))
    lua_pushfstring(L, "%I \"%s\"", (LUAI_UACINT)id, lua_tostring(L, -1));
  else
    lua_pushfstring(L, "%I", (LUAI_UACINT)id);
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

/* --- handles from tasks --- */

void ebbL_pushhandle(lua_State *L, ebbL_task *task)
{
  if (task->handle == NULL) {
    ebbL_handle *handle =
        ebbL_new(L, task->S, &ebbL_task_type, sizeof *handle, 1);
    handle->task = task;
    handle->id = task->core.id;
    /* it was spawned without a handle: its failure is reported all the same */
    handle->is_late = true;
    task->handle = handle;
    ebbL_pushslots(L, task->S);
    lua_rawgeti(L, -1, task->slot); /* who spawned it */
    lua_setiuservalue(L, -3, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, task->slot);
    lua_pop(L, 1);
    return;
  }
  push_live_handle(L, task);
}

static int new_dead_handle(lua_State *L)
{
  ebbL_handle *handle =
      ebbL_new(L, lua_touserdata(L, 1), &ebbL_task_type, sizeof *handle, 1);
  handle->status = EBBL_FAILED;
  handle->is_taken = true;
  return 1;
}

void ebbL_newdeadhandle(lua_State *L, ebbL_state *S, uint64_t id)
{
  lua_pushcfunction(L, new_dead_handle);
  lua_pushlightuserdata(L, S);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushnil(L);
    return;
  }
  ((ebbL_handle *)lua_touserdata(L, -1))->id = id;
}

/* --- results --- */

static int cancelled_tostring(lua_State *L)
{
  lua_getfield(L, 1, "message");
  return 1;
}

/* The error of whoever awaits a task that was cancelled: an ordinary one. */
static void push_was_cancelled(lua_State *L, int idx)
{
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, idx);
  lua_setfield(L, -2, "cancelled_task");
  lua_getiuservalue(L, idx, 1);
  ebbL_pushreason(L, -1);
  lua_remove(L, -2);
  const char *label = ebbL_tasklabel(L, NULL, idx);
  const char *reason = luaL_tolstring(L, -2, NULL);
  if (strcmp(reason, "cancelled") == 0) /* none was given */
    lua_pushfstring(L, "task %s was cancelled", label);
  else
    lua_pushfstring(L, "task %s was cancelled (%s)", label, reason);
  lua_setfield(L, -5, "message");
  lua_pop(L, 2);
  lua_setfield(L, -2, "reason");
  if (luaL_newmetatable(L, "ebb.task_cancelled")) {
    lua_pushcfunction(L, cancelled_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "ebb.task_cancelled");
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

void ebbL_pusherror(lua_State *L, int idx)
{
  idx = lua_absindex(L, idx);
  ebbL_handle *handle = lua_touserdata(L, idx);
  if (handle->status == EBBL_CANCELLED) {
    push_was_cancelled(L, idx);
    return;
  }
  lua_getiuservalue(L, idx, 1);
  if (handle->kind == EBBL_RESULT_FAILURE) {
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
  }
}

static int push_values(lua_State *L, int idx)
{
  ebbL_handle *handle = lua_touserdata(L, idx);
  switch (handle->kind) {
  case EBBL_RESULT_ONE:
    lua_getiuservalue(L, idx, 1);
    return 1;
  case EBBL_RESULT_MANY: {
    lua_getiuservalue(L, idx, 1);
    lua_State *co = lua_tothread(L, -1);
    int n = lua_gettop(co) - EBBL_FENCE;
    if (n < 0) /* somebody has closed it */
      n = 0;
    luaL_checkstack(L, n + 4, "too many results");
    int at = lua_gettop(L);
    if (!lua_checkstack(co, 1))
      ebbL_nomem(L);
    for (int i = 1; i <= n; i++) {
      lua_pushvalue(co, EBBL_FENCE + i);
      lua_xmove(co, L, 1);
    }
    lua_remove(L, at);
    return n;
  }
  default:
    return 0;
  }
}

int ebbL_pushresults(lua_State *L, int idx)
{
  idx = lua_absindex(L, idx);
  ebbL_handle *handle = lua_touserdata(L, idx);
  if (EBB_LIKELY(handle->status == EBBL_DONE))
    return push_values(L, idx);
  ebbL_pusherror(L, idx);
  ebbL_taken(L, idx);
  return lua_error(L);
}

int ebbL_pushjoined(lua_State *L, int idx)
{
  idx = lua_absindex(L, idx);
  ebbL_handle *handle = lua_touserdata(L, idx);
  if (handle->status == EBBL_DONE) {
    lua_pushboolean(L, 1);
    return 1 + push_values(L, idx);
  }
  lua_pushboolean(L, 0);
  ebbL_pusherror(L, idx);
  ebbL_taken(L, idx);
  return 2;
}

/* --- waiting for a task's end --- */

const ebb_wait_class ebbL_join_class = {"task", false, NULL};

/* Would waiting for `target` close a circle of tasks that wait for each
   other's end? */
static void check_circle(lua_State *L, ebbL_task *task, ebbL_task *target)
{
  ebbL_task *at = target;
  for (int i = 0; i < 1000; i++) {
    if (at == task) {
      if (at == target)
        ebbL_error(L, "EBB044", "task %s awaits itself",
                   ebbL_tasklabel(L, task, 0));
      const char *a = ebbL_tasklabel(L, task, 0);
      const char *b = ebbL_tasklabel(L, target, 0);
      ebbL_error(L, "EBB044",
                 "deadlock: task %s awaits task %s, which awaits it", a, b);
    }
    if (at->core.state != EBB_TASK_PARKED || at->core.n_waits != 1 ||
        at->core.waits[0].cls != &ebbL_join_class)
      return;
    at = at->core.waits[0].source;
  }
}

static int await_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  ebbL_handle *handle = object;
  if (handle->task != NULL) {
    check_circle(L, task, handle->task);
    return EBBL_WAIT;
  }
  return ebbL_pushresults(L, at);
}

static void join_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_handle *handle = object;
  ebb_wait_link(&task->core, i, &ebbL_join_class, handle->task,
                &handle->task->core.joiners, (uint32_t)payload);
}

static int await_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)task, (void)object, (void)payload;
  return ebbL_pushresults(L, at);
}

static int join_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  ebbL_handle *handle = object;
  if (handle->task != NULL) {
    check_circle(L, task, handle->task);
    return EBBL_WAIT;
  }
  return ebbL_pushjoined(L, at);
}

static int join_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)task, (void)object, (void)payload;
  return ebbL_pushjoined(L, at);
}

static const ebbL_opclass await_class = {"task",    await_attempt, NULL,
                                         join_link, await_settle,  0};
static const ebbL_opclass join_class = {"task",    join_attempt, NULL,
                                        join_link, join_settle,  0};

/* task:join_op(): the same on an explicit op, whose target is the handle. */
static int join_op_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  ebbL_handle *handle = ((ebbL_op *)object)->target;
  if (handle->task != NULL) {
    check_circle(L, task, handle->task);
    return EBBL_WAIT;
  }
  lua_getiuservalue(L, at, 1);
  return ebbL_pushjoined(L, -1);
}

static void join_op_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  join_link(task, i, ((ebbL_op *)object)->target, payload);
}

static int join_op_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)task, (void)object, (void)payload;
  lua_getiuservalue(L, at, 1);
  return ebbL_pushjoined(L, -1);
}

static const ebbL_opclass join_op_class = {"task join",  join_op_attempt, NULL,
                                           join_op_link, join_op_settle,  0};

const ebbL_type ebbL_task_type = {"ebb.task", &await_class, NULL};

static ebbL_handle *check_handle(lua_State *L)
{
  return ebbL_check(L, 1, &ebbL_task_type);
}

static int l_task_await(lua_State *L)
{
  return ebbL_perform(L, &await_class, check_handle(L), l_task_await);
}

static int l_task_join(lua_State *L)
{
  return ebbL_perform(L, &join_class, check_handle(L), l_task_join);
}

static int l_task_join_op(lua_State *L)
{
  check_handle(L);
  ebbL_newop(L, ebbL_S(L), &join_op_class, 1, 0);
  return 1;
}

/* --- the rest --- */

static int l_task_cancel(lua_State *L)
{
  ebbL_handle *handle = check_handle(L);
  ebbL_task *task = handle->task;
  if (task == NULL || task->outcome != EBBL_ALIVE) {
    lua_pushboolean(L, 0);
    return 1;
  }
  ebbL_cancel_task(L, task, lua_isnoneornil(L, 2) ? 0 : 2);
  lua_pushboolean(L, 1);
  return 1;
}

void ebbL_cancel_task(lua_State *L, ebbL_task *task, int reason_idx)
{
  if (task->core.cancel_asked)
    return;
  int top = lua_gettop(L);
  if (reason_idx != 0)
    ebbL_pushcancel(L, task->S, reason_idx);
  ebb_rt_refresh(task->core.rt);
  ebbL_strike(L, task->S, &task->core.base, reason_idx != 0 ? top + 1 : 0);
  lua_settop(L, top);
}

static const char *status_word(const ebbL_handle *handle)
{
  static const char *const words[] = {"waiting", "done", "failed", "cancelled"};
  if (handle->task == NULL)
    return words[handle->status];
  switch (handle->task->core.state) {
  case EBB_TASK_READY:
    return "ready";
  case EBB_TASK_RUNNING:
    return "running";
  default:
    return "waiting";
  }
}

static int l_task_status(lua_State *L)
{
  lua_pushstring(L, status_word(check_handle(L)));
  return 1;
}

static int l_task_finished(lua_State *L)
{
  lua_pushboolean(L, check_handle(L)->task == NULL);
  return 1;
}

static int l_task_id(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_handle(L)->id);
  return 1;
}

#define NAME_MAX_BYTES 80

void ebbL_setname(lua_State *L, int handle_idx, int name_idx)
{
  size_t n_bytes;
  handle_idx = lua_absindex(L, handle_idx);
  const char *name = lua_tolstring(L, name_idx, &n_bytes);
  if (n_bytes > NAME_MAX_BYTES)
    n_bytes = NAME_MAX_BYTES;
  lua_pushlstring(L, name, n_bytes);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_pushvalue(L, handle_idx);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

static int l_task_name(lua_State *L)
{
  check_handle(L);
  if (!lua_isnone(L, 2)) {
    if (lua_type(L, 2) != LUA_TSTRING)
      ebbL_typeerror(L, 2, "string");
    ebbL_setname(L, 1, 2);
  }
  push_name(L, 1);
  return 1;
}

const char *ebbL_pushwaits(lua_State *L, ebbL_task *task)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (uint32_t i = 0; i < task->core.n_waits; i++) {
    if (i == 8) {
      luaL_addstring(&b, ", …");
      break;
    }
    if (i > 0)
      luaL_addstring(&b, ", ");
    luaL_addstring(&b, task->core.waits[i].cls->name);
  }
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

static int l_task_waiting_on(lua_State *L)
{
  ebbL_handle *handle = check_handle(L);
  if (handle->task == NULL || handle->task->core.state != EBB_TASK_PARKED)
    lua_pushnil(L);
  else
    ebbL_pushwaits(L, handle->task);
  return 1;
}

/* task:stats() → {bytes_allocated =, memory =, memory_quota =}: the first is
   nil, as are the others, where ebb's allocator is not there to count. */
static int l_task_stats(lua_State *L)
{
  ebbL_handle *handle = check_handle(L);
  ebbL_state *S = handle->head.state;
  const ebbL_task *task = handle->task;
  lua_createtable(L, 0, 3);
  if (S->heap == NULL)
    return 1;
  uint64_t allocated = task != NULL ? task->allocated : handle->allocated;
  if (task != NULL && task == S->current)
    allocated += *S->meter - S->metered;
  lua_pushinteger(L, (lua_Integer)allocated);
  lua_setfield(L, -2, "bytes_allocated");
  const ebb_heap_account *memory =
      task != NULL ? ebbL_quota_memory(task->account) : NULL;
  if (memory != NULL) {
    lua_pushinteger(L, (lua_Integer)ebb_heap_account_live(memory));
    lua_setfield(L, -2, "memory");
    lua_pushinteger(L, (lua_Integer)ebb_heap_account_quota(memory));
    lua_setfield(L, -2, "memory_quota");
  }
  return 1;
}

void ebbL_pushplace(lua_State *L, ebbL_task *task)
{
  lua_Debug ar;
  lua_State *at = task->L;
  if (at == NULL) {
    lua_pushliteral(L, "not started");
    return;
  }
  for (int level = 0; lua_getstack(at, level, &ar); level++) {
    lua_getinfo(at, "Sl", &ar);
    if (ar.currentline > 0) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "?");
}

void ebbL_pushtraceback(lua_State *L, ebbL_task *task)
{
  if (task->L == NULL)
    lua_pushliteral(L, "stack traceback: (not started)");
  else
    luaL_traceback(L, task->L, NULL, 0);
}

static int l_task_traceback(lua_State *L)
{
  ebbL_handle *handle = check_handle(L);
  if (handle->task != NULL) {
    ebbL_pushtraceback(L, handle->task);
  } else if (handle->kind == EBBL_RESULT_FAILURE) {
    lua_getiuservalue(L, 1, 1);
    lua_getiuservalue(L, -1, 2);
  } else {
    lua_pushliteral(L, "stack traceback: (ended)");
  }
  return 1;
}

static int task_tostring(lua_State *L)
{
  ebbL_handle *handle = check_handle(L);
  const char *label = ebbL_tasklabel(L, NULL, 1);
  const char *status = status_word(handle);
  if (handle->task != NULL && handle->task->core.state == EBB_TASK_PARKED)
    lua_pushfstring(L, "ebb.task: %s %s (%s)", label, status,
                    ebbL_pushwaits(L, handle->task));
  else
    lua_pushfstring(L, "ebb.task: %s %s", label, status);
  return 1;
}

void ebbL_open_handle(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {{"join", l_task_join},
                                     {"join_op", l_task_join_op},
                                     {"cancel", l_task_cancel},
                                     {"status", l_task_status},
                                     {"finished", l_task_finished},
                                     {"name", l_task_name},
                                     {"id", l_task_id},
                                     {"traceback", l_task_traceback},
                                     {"waiting_on", l_task_waiting_on},
                                     {"stats", l_task_stats},
                                     {NULL, NULL}};
  static const luaL_Reg await[] = {{"await", l_task_await}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", task_tostring}, {NULL, NULL}};
  ebbL_newtype(L, S, &ebbL_task_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  ebbL_setfuncs(L, S, await);
  lua_pop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}
