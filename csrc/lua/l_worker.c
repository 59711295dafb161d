/* SPDX-License-Identifier: MIT */
#include "lua/l_worker.h"

#include "lua/l_clone.h"
#include "lua/l_region.h"
#include "lua/l_rt.h"

#include <stdlib.h>
#include <string.h>

#include <lualib.h>

/* csrc/lua/l_ebb.c */
EBB_EXPORT int luaopen_ebb_core(lua_State *L);

typedef struct worker {
  lua_State *L;
  ebbL_paths *paths; /* those that L goes by */
} worker;

/* Registry: the traceback of the last error. */
static const char trace_key;

/* --- a worker's state ----------------------------------------------------- */

static int set_up(lua_State *L)
{
  luaL_openlibs(L);
  lua_pushboolean(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ebbL_worker_key);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_ebb_core);
  lua_setfield(L, -2, "ebb.core");
  return 0;
}

static void *open_worker(void *ud)
{
  (void)ud;
  worker *self = calloc(1, sizeof *self);
  if (self == NULL)
    return NULL;
  self->L = luaL_newstate();
  if (self->L == NULL) {
    free(self);
    return NULL;
  }
  lua_pushcfunction(self->L, set_up);
  if (lua_pcall(self->L, 0, 0, 0) != LUA_OK) {
    lua_close(self->L);
    free(self);
    return NULL;
  }
  return self;
}

static void close_worker(void *arg)
{
  worker *self = arg;
  lua_close(self->L);
  ebbL_paths_release(self->paths);
  free(self);
}

/* --- running -------------------------------------------------------------- */

static int keep_trace(lua_State *L)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &trace_key) != LUA_TNIL)
    return 0; /* thrown on: the first place counts */
  luaL_traceback(L, L, NULL, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &trace_key);
  return 0;
}

/* The message handler: the error as it is, its traceback aside. */
static int on_error(lua_State *L)
{
  if (!lua_checkstack(L, 4))
    return 1;
  lua_pushcfunction(L, keep_trace);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  return 1;
}

/* [-0, +0] A function given by its name, "module:function", is found. */
static void find_named(lua_State *L, int idx)
{
  if (lua_type(L, idx) != LUA_TSTRING)
    return;
  const char *name = lua_tostring(L, idx), *colon = strrchr(name, ':');
  lua_getglobal(L, "require");
  lua_pushlstring(L, name, colon != NULL ? (size_t)(colon - name) : 0);
  lua_call(L, 1, 1);
  if (lua_istable(L, -1) && colon != NULL)
    lua_getfield(L, -1, colon + 1);
  else
    lua_pushnil(L);
  if (lua_isnil(L, -1))
    ebbL_error(L, "EBB073", "there is no function '%s' in this thread", name);
  lua_replace(L, idx);
  lua_pop(L, 1);
}

/* Under the lock, who wants to cancel it learns where to. Without a task: it
   has ended. Returns whether somebody wants to. */
static bool set_main(ebbL_job *job, ebb_task *main, ebb_remote *inner)
{
  ebb_job_lock(&job->core);
  ebb_remote *old = job->inner;
  job->main = main;
  job->inner = inner;
  bool asked = job->is_cancel_asked;
  ebb_job_unlock(&job->core);
  if (inner != NULL)
    ebb__remote_retain(inner);
  if (old != NULL)
    ebb__remote_release(old);
  if (main != NULL && asked)
    ebb_task_ask_cancel(main);
  return asked;
}

/* [true, results…] or [false, error] */
static int thread_main_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  ebbL_job *job = (ebbL_job *)ctx;
  bool ok = lua_toboolean(L, 1);
  ebbL_state *S = ebbL_S(L);
  bool asked = set_main(job, NULL, NULL);
  job->is_cancelled =
      !ok && asked && ebbL_is_error_of(L, S, 2, &S->current->core.base);
  lua_remove(L, 1);
  return ok ? lua_gettop(L) : lua_error(L);
}

/* [job, function, arguments…] in the main task of the thread's runtime. Under
   the base library's xpcall, through which cleanups are known to run. */
static int thread_main(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_job *job = lua_touserdata(L, 1);
  ebbL_task *task = S->current;
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  ebb_remote *remote = ebb_remote_of(driver);
  if (remote == NULL)
    ebbL_nomem(L);
  luaL_checkstack(L, 4, NULL);
  lua_pushcfunction(L, S->lua_xpcall_fn);
  lua_replace(L, 1);
  lua_pushcfunction(L, on_error);
  lua_insert(L, 3);
  set_main(job, &task->core, remote);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, (lua_KContext)job,
            thread_main_k);
  return thread_main_k(L, LUA_OK, (lua_KContext)job);
}

/* [-0, +2] ebb.run and thread_main */
static void push_run(lua_State *L)
{
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ebb");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "run");
  lua_replace(L, -2);
  ebbL_pushfunction(L, ebbL_state_find(L), thread_main);
}

/* [worker, job] Everything that may raise. */
static int run_protected(lua_State *L)
{
  static const ebbL_label label = {"result", NULL};
  worker *self = lua_touserdata(L, 1);
  ebbL_job *job = lua_touserdata(L, 2);
  if (self->paths != job->paths) {
    ebbL_paths_apply(L, job->paths);
    ebbL_paths_release(self->paths);
    ebbL_paths_retain(self->paths = job->paths);
  }
  lua_settop(L, 0);
  if (job->is_thread) {
    push_run(L);
    lua_pushlightuserdata(L, job);
  }
  int fn = lua_gettop(L) + 1;
  int n = ebbL_clone_read(L, job->args);
  ebb_message_clear(job->args);
  if (n < 1) /* never */
    lua_pushnil(L);
  find_named(L, fn);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  int n_results = lua_gettop(L);
  ebbL_clone_write(L, job->result, 1, n_results, &label);
  ebbL_clone_sent(L, -1);
  job->outcome = EBBL_JOB_RETURNED;
  return 0;
}

/* [error, job] → what is left of the error is in the message: itself, or if it
   cannot be copied what tostring makes of it. */
static int write_error(lua_State *L)
{
  static const ebbL_label label = {"traceback", "error"};
  ebbL_job *job = lua_touserdata(L, 2);
  bool as_text = lua_toboolean(L, 3);
  ebb_message_clear(job->result);
  lua_settop(L, 1);
  if (as_text) {
    luaL_tolstring(L, 1, NULL);
    lua_replace(L, 1);
  }
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &trace_key) != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  }
  ebbL_clone_write(L, job->result, 1, 2, &label);
  ebbL_clone_sent(L, -1);
  job->outcome = EBBL_JOB_FAILED;
  return 0;
}

static void run(ebb_job *core, void *arg)
{
  worker *self = arg;
  ebbL_job *job = ebbL_job_of(core);
  job->outcome = EBBL_JOB_NO_MEMORY;
  if (self == NULL)
    return;
  lua_State *L = self->L;
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &trace_key);
  lua_pushcfunction(L, on_error);
  lua_pushcfunction(L, run_protected);
  lua_pushlightuserdata(L, self);
  lua_pushlightuserdata(L, job);
  if (lua_pcall(L, 2, 0, 1) == LUA_OK)
    return;
  lua_pushcfunction(L, write_error);
  lua_pushvalue(L, 2);
  lua_pushlightuserdata(L, job);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK)
    return;
  lua_settop(L, 2);
  lua_pushcfunction(L, write_error);
  lua_pushvalue(L, 2);
  lua_pushlightuserdata(L, job);
  lua_pushboolean(L, 1);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK)
    job->outcome = EBBL_JOB_NO_MEMORY;
  lua_settop(L, 0);
}

/* --- jobs ----------------------------------------------------------------- */

static void destroy(ebb_job *core)
{
  ebbL_job *job = ebbL_job_of(core);
  ebb_message_free(job->args);
  ebb_message_free(job->result);
  ebbL_paths_release(job->paths);
  free(job);
}

const ebb_trade ebbL_trade = {open_worker, close_worker, run, destroy, NULL};

/* In the thread that is to end. */
static void on_cancel(ebb_letter *post)
{
  ebbL_job *job = ebb_container_of(post, ebbL_job, cancel);
  if (job->main != NULL)
    ebb_task_ask_cancel(job->main);
  ebb_job_release(&job->core);
}

ebbL_job *ebbL_job_new(ebb_crew *crew, ebbL_paths *paths, bool is_thread)
{
  ebbL_job *job = calloc(1, sizeof *job);
  if (job == NULL)
    return NULL;
  job->args = ebb_message_new();
  job->result = ebb_message_new();
  if (job->args == NULL || job->result == NULL) {
    ebb_message_free(job->args);
    ebb_message_free(job->result);
    free(job);
    return NULL;
  }
  ebb_job_init(&job->core, crew);
  ebbL_paths_retain(job->paths = paths);
  job->is_thread = is_thread;
  job->cancel.run = on_cancel;
  return job;
}

bool ebbL_job_cancel(ebbL_job *job)
{
  ebb_job_lock(&job->core);
  bool is_new = !job->is_cancel_asked && job->core.state != EBB_JOB_ENDED;
  job->is_cancel_asked = job->is_cancel_asked || is_new;
  bool posts = is_new && job->inner != NULL;
  if (posts) {
    ebb_job_retain(&job->core);
    posts = ebb_remote_post(job->inner, &job->cancel);
    if (!posts)
      ebb_job_release(&job->core); /* the caller has one */
  }
  ebb_job_unlock(&job->core);
  return is_new;
}
