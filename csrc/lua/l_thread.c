/* SPDX-License-Identifier: MIT */
/* ebb.thread.spawn: a thread with a state and a runtime of its own. Its handle
   is the op of its join, for any number of tasks of any runtime of the state.
   Detached as tasks are: nobody has to join, but an error that nobody took is
   reported when the handle goes. */
#include "lua/l_threads.h"

#include "lua/l_clone.h"
#include "lua/l_fs.h"
#include "lua/l_op.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_sync.h"

typedef struct thread {
  ebbL_header head; /* user value 1: the reason it was cancelled for */
  ebbL_crew *crew;  /* NULL once collected */
  ebbL_job *job;
  uint64_t id;
} thread;

/* A join's wait, while it lasts. */
typedef struct joining {
  ebbL_header head;
  ebb_far *far;
} joining;

static const ebbL_opclass join_class;
static void thread_fini(void *object);
static void joining_fini(void *object);
EBBL_OWNING_TYPE(thread_type, "ebb.thread.handle", &join_class, thread_fini);
EBBL_OWNING_TYPE(joining_type, "ebb.thread.joining", NULL, joining_fini);

/* Its job is NULL in the last finalisers of a state. */
static thread *check_thread(lua_State *L)
{
  return ebbL_check(L, 1, &thread_type);
}

static bool has_ended(const thread *self)
{
  return self->job == NULL || ebb_job_has_ended(&self->job->core);
}

/* --- its error ------------------------------------------------------------ */

/* [-0, +1] "thread 3 was cancelled (reason)" if that is how it ended. */
static bool push_cancelled(lua_State *L, thread *self, int at)
{
  if (!self->job->is_cancel_asked || !self->job->is_cancelled)
    return false;
  lua_getiuservalue(L, at, 1);
  if (lua_isnil(L, -1))
    lua_pushfstring(L, "thread %I was cancelled", (LUAI_UACINT)self->id);
  else
    lua_pushfstring(L, "thread %I was cancelled (%s)", (LUAI_UACINT)self->id,
                    luaL_tolstring(L, -1, NULL));
  return true;
}

/* [-0, +2] The error of a thread that failed, and its traceback. */
static void push_error(lua_State *L, thread *self, int at)
{
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (push_cancelled(L, self, at)) {
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    lua_pushliteral(L, "");
  } else if (self->job->outcome == EBBL_JOB_FAILED) {
    ebbL_clone_read(L, self->job->result);
    lua_settop(L, top + 2);
  } else {
    lua_pushstring(L, self->job->outcome == EBBL_JOB_DROPPED
                          ? "the thread never ran"
                          : "not enough memory");
    lua_pushliteral(L, "");
  }
}

/* --- join ----------------------------------------------------------------- */

/* [-0, +n] */
static int push_joined(lua_State *L, thread *self, int at)
{
  if (EBB_UNLIKELY(self->job == NULL)) {
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "closed");
    return 2;
  }
  if (self->job->outcome == EBBL_JOB_RETURNED) {
    lua_pushboolean(L, 1);
    return 1 + ebbL_clone_read(L, self->job->result);
  }
  lua_pushboolean(L, 0);
  push_error(L, self, at);
  lua_pop(L, 1);
  self->crew->is_taken = true;
  return 2;
}

static int join_at(lua_State *L, void *object, int at)
{
  ebbL_pushtarget(L, object, at);
  int target = lua_gettop(L);
  int n = push_joined(L, ebbL_target(object), target);
  lua_remove(L, target);
  return n;
}

static int join_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  const thread *self = ebbL_target(object);
  return has_ended(self) ? join_at(L, object, at) : EBBL_WAIT;
}

static void join_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  const thread *self = ebbL_target(object);
  ebb_driver *driver = ebbL_rt_driver(L, ebbL_rt_of(task->core.rt));
  joining *wait = ebbL_newlinked(L, task->S, &joining_type, sizeof *wait, 0, 0);
  wait->far = ebb_job_far(&self->job->core, driver);
  if (wait->far == NULL)
    ebbL_nomem(L);
}

static void join_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  joining *wait = ebbL_touserdata(task->L, payload);
  ebb_job_link(&task->core, i, wait->far, false);
  task->core.waits[i].slot = (uint32_t)payload;
}

static int join_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)task, (void)payload;
  return join_at(L, object, at);
}

static const ebbL_opclass join_class = {.name = "thread",
                                        .attempt = join_attempt,
                                        .prepare = join_prepare,
                                        .link = join_link,
                                        .settle = join_settle,
                                        .flags = EBBL_ENLISTS};

static void joining_fini(void *object)
{
  joining *wait = object;
  ebb_far *far = wait->far;
  wait->far = NULL;
  if (far != NULL)
    ebb_far_release(far);
}

static int l_join(lua_State *L)
{
  thread *self = check_thread(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &join_class, self, l_join);
}

static int l_join_op(lua_State *L)
{
  check_thread(L);
  ebbL_newop(L, ebbL_S(L), &join_class, 1, 0);
  return 1;
}

/* --- the rest ------------------------------------------------------------- */

/* t:cancel([reason]) */
static int l_cancel(lua_State *L)
{
  thread *self = check_thread(L);
  lua_settop(L, 2);
  bool is_new = self->job != NULL && ebbL_job_cancel(self->job);
  if (is_new)
    lua_setiuservalue(L, 1, 1);
  lua_pushboolean(L, is_new);
  return 1;
}

static const char *status_of(const thread *self)
{
  if (!has_ended(self))
    return "running";
  if (self->job == NULL)
    return "closed";
  if (self->job->outcome == EBBL_JOB_RETURNED)
    return "done";
  return self->job->is_cancelled ? "cancelled" : "failed";
}

static int l_status(lua_State *L)
{
  lua_pushstring(L, status_of(check_thread(L)));
  return 1;
}

static int l_id(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_thread(L)->id);
  return 1;
}

static int l_traceback(lua_State *L)
{
  thread *self = check_thread(L);
  if (!has_ended(self) || self->job == NULL ||
      self->job->outcome != EBBL_JOB_FAILED) {
    lua_pushliteral(L, "");
    return 1;
  }
  push_error(L, self, 1);
  return 1;
}

static int thread_tostring(lua_State *L)
{
  thread *self = check_thread(L);
  lua_pushfstring(L, "ebb.thread: %I %s", (LUAI_UACINT)self->id,
                  status_of(self));
  return 1;
}

/* [job] → error, traceback */
static int read_failure(lua_State *L)
{
  return ebbL_clone_read(L, ((ebbL_job *)lua_touserdata(L, 1))->result);
}

void ebbL_thread_report(lua_State *L, ebbL_state *S, ebbL_crew *crew)
{
  ebbL_job *job = crew->thread;
  if (job == NULL || crew->is_taken || !ebb_job_has_ended(&job->core) ||
      job->outcome != EBBL_JOB_FAILED || job->is_cancelled ||
      !lua_checkstack(L, 16))
    return;
  crew->is_taken = true;
  int top = lua_gettop(L);
  lua_pushcfunction(L, read_failure);
  lua_pushlightuserdata(L, job);
  if (lua_pcall(L, 1, 2, 0) == LUA_OK)
    ebbL_report(L, S, NULL, 0, top + 1, top + 2);
  lua_settop(L, top);
}

/* The crew is the state's, and ends with it. */
static void thread_fini(void *object)
{
  thread *self = object;
  ebbL_job *job = self->job;
  self->crew = NULL;
  self->job = NULL;
  if (job != NULL)
    ebb_job_release(&job->core);
}

static int thread_gc(lua_State *L)
{
  thread *self = ebbL_test(L, 1, &thread_type);
  if (self == NULL)
    return 0;
  if (self->crew != NULL) {
    ebbL_thread_report(L, self->head.state, self->crew);
    self->crew->is_orphan = true;
  }
  return ebbL_owner_gc(L);
}

/* ebb.thread.spawn(fn, ...) → thread */
static int l_spawn(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_check_job(L, 1);
  int n = lua_gettop(L);
  ebbL_threads *threads = ebbL_threads_of(L, S);
  luaL_checkstack(L, 8, NULL);
  thread *self = ebbL_newlinked(L, S, &thread_type, sizeof *self, 1, 0);
  int at = lua_gettop(L);
  self->crew = ebbL_crew_new(L, S, 1, 0);
  ebbL_jobbox *box = ebbL_jobbox_new(L, S, self->crew->core, true, 1, n);
  int error = ebb_job_add(&box->job->core);
  if (error != 0)
    return ebbL_pushuverror(L, error);
  ebbL_clone_sent(L, -1);
  self->id = ++threads->last_id;
  self->job = box->job;
  self->crew->thread = box->job;
  ebb_job_retain(&box->job->core);
  ebb_job_retain(&box->job->core);
  ebbL_jobbox_drop(box);
  lua_settop(L, at);
  return 1;
}

void ebbL_open_thread(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg internal[] = {{"spawn", l_spawn}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"join", l_join},     {"join_op", l_join_op}, {"cancel", l_cancel},
      {"status", l_status}, {"id", l_id},           {"traceback", l_traceback},
      {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", thread_gc}, {"__tostring", thread_tostring}, {NULL, NULL}};
  static const luaL_Reg joining_meta[] = {{"__gc", ebbL_owner_gc},
                                          {NULL, NULL}};
  ebbL_newtype(L, S, &joining_type, NULL, joining_meta);
  lua_pop(L, 1);
  ebbL_newoptype(L, S, &thread_type, methods, meta);
  lua_getfield(L, -1, "_thread");
  ebbL_setfuncs(L, S, internal);
  lua_pop(L, 1);
}
