/* SPDX-License-Identifier: MIT */
/* ebb.blocking: a call of a function in another thread. While it runs the task
   that waits has one value on its stack: the userdata that owns the job, so
   that this is let go however the call ends. */
#include "lua/l_threads.h"

#include "lua/l_clone.h"
#include "lua/l_fs.h"
#include "lua/l_op.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"

#include <errno.h>
#include <string.h>

/* --- jobs ----------------------------------------------------------------- */

void ebbL_jobbox_drop(void *object)
{
  ebbL_jobbox *box = object;
  ebb_far *far = box->far;
  ebbL_job *job = box->job;
  box->far = NULL;
  box->job = NULL;
  if (far != NULL)
    ebb_far_release(far);
  if (job != NULL)
    ebb_job_release(&job->core);
}

EBBL_OWNING_TYPE(jobbox_type, "ebb.job", NULL, ebbL_jobbox_drop);

ebbL_jobbox *ebbL_jobbox_new(lua_State *L, ebbL_state *S, ebb_crew *crew,
                             bool is_thread, int first, int n)
{
  static const ebbL_label label = {"argument", "function"};
  ebbL_threads *threads = ebbL_threads_of(L, S);
  luaL_checkstack(L, 8, NULL);
  ebbL_paths_refresh(L, &threads->paths);
  ebbL_jobbox *box = ebbL_newlinked(L, S, &jobbox_type, sizeof *box, 0, 0);
  box->job = ebbL_job_new(crew, threads->paths, is_thread);
  if (box->job == NULL)
    ebbL_nomem(L);
  ebbL_clone_write(L, box->job->args, first, n, &label);
  return box;
}

int ebbL_job_results(lua_State *L, ebbL_job *job, ebbL_task *task)
{
  int top = lua_gettop(L);
  switch (job->outcome) {
  case EBBL_JOB_RETURNED:
    return ebbL_clone_read(L, job->result);
  case EBBL_JOB_FAILED:
    ebbL_clone_read(L, job->result);
    lua_settop(L, top + 2);
    if (task != NULL && lua_isstring(L, -1))
      ebbL_trace_foreign(L, task);
    lua_settop(L, top + 1);
    return lua_error(L);
  case EBBL_JOB_NO_MEMORY:
    return ebbL_nomem(L);
  default:
    return ebbL_error(L, "EBB072", "the pool was closed before the call began");
  }
}

/* --- calls ---------------------------------------------------------------- */

#define BOX 1

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ebbL_S(L), call_k, ctx);
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_check_woken(L, task);
  ebbL_jobbox *box = ebbL_touserdata(L, BOX);
  if (EBB_UNLIKELY(box->job == NULL)) /* the state closes: finalised already */
    return 0;
  int n = ebbL_job_results(L, box->job, task);
  ebbL_jobbox_drop(box);
  return n;
}

void ebbL_check_job(lua_State *L, int arg)
{
  if (lua_type(L, arg) == LUA_TSTRING) {
    const char *name = lua_tostring(L, arg), *colon = strrchr(name, ':');
    if (colon == NULL || colon == name || colon[1] == 0)
      ebbL_argerror(L, arg, "function or \"module:function\" expected");
    return;
  }
  ebbL_checkcallable(L, arg);
}

int ebbL_job_call(lua_State *L, ebbL_task *task, ebb_crew *crew, int first)
{
  ebbL_state *S = task->S;
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  int n = lua_gettop(L) - first + 1;
  ebbL_jobbox *box = ebbL_jobbox_new(L, S, crew, false, first, n);
  box->far = ebb_job_far(&box->job->core, driver);
  if (box->far == NULL)
    ebbL_nomem(L);
  int error = ebb_job_add(&box->job->core);
  if (error == -ECANCELED)
    return ebbL_error(L, "EBB072", "this pool is closed");
  if (error != 0)
    return ebbL_pushuverror(L, error);
  ebbL_clone_sent(L, -1);
  lua_pop(L, 1);
  lua_replace(L, BOX);
  lua_settop(L, BOX);
  ebb_job_link(&task->core, 0, box->far, true);
  return ebbL_park(L, task, 1, call_k, 0);
}

static ebb_crew *blocking_crew(lua_State *L, ebbL_state *S)
{
  ebbL_threads *threads = ebbL_threads_of(L, S);
  if (threads->blocking == NULL)
    threads->blocking =
        ebbL_crew_new(L, S, EBBL_BLOCKING_MAX, EBBL_BLOCKING_KEEP_S);
  return threads->blocking->core;
}

static int l_blocking(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_check_job(L, 1);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_blocking);
  ebbL_check_waiting(L, task);
  return ebbL_job_call(L, task, blocking_crew(L, S), 1);
}

void ebbL_open_blocking(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"blocking", l_blocking}, {NULL, NULL}};
  static const luaL_Reg box_meta[] = {{"__gc", ebbL_owner_gc}, {NULL, NULL}};
  ebbL_newtype(L, S, &jobbox_type, NULL, box_meta);
  lua_pop(L, 1);
  ebbL_setfuncs(L, S, funcs);
}
