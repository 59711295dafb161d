/* SPDX-License-Identifier: MIT */
/* ebb.h: promises, which any thread may settle.

   A promise is C memory, counted: one reference is the userdata's that Lua
   waits for, one the host's, one that of the letter that brings the news to the
   runtime's thread. Who settles it only notes what to push and posts; the
   values are made by the first task that takes them, in its own coroutine, and
   kept for the others in the userdata.

   The lock guards `state` and what belongs to it. The rest is the runtime's
   thread's. The link in rt->promises is there while the runtime counts it as
   something to come. */
#include "lua/api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lua/l_op.h"
#include "lua/l_sync.h"
#include "lua/l_time.h"
#include "sync/promise.h"
#include "uv/remote.h"

#include "ebb.h"

enum { PENDING, SETTLED, PUSHED, ABANDONED };

typedef struct host_promise {
  ebb_letter letter;
  atomic_uint n_refs;
  pthread_mutex_t lock;
  int state;
  bool is_rejected;
  ebb_push_fn push; /* with drop and ud: while SETTLED */
  void (*drop)(void *ud);
  void *ud;
  void (*on_abandon)(void *ud);
  void *abandon_ud;
  ebb_remote *remote;
  /* the runtime's thread */
  ebb_promise core;
  ebbL_rt *rt; /* NULL: it counts no more */
  ebb_list link;
} host_promise;

/* User values: 1 the runtime, 2 the values: a table with n. */
typedef struct promise_object {
  ebbL_header head;
  host_promise *promise;
} promise_object;

static const ebbL_opclass promise_class;
static void promise_fini(void *object);
EBBL_OWNING_TYPE(promise_type, "ebb.promise", &promise_class, promise_fini);

static host_promise *promise_of(ebb_promise *promise)
{
  return (host_promise *)(void *)promise;
}

static void unref(host_promise *self)
{
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  ebb__remote_release(self->remote);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

/* Its runtime is kept waiting for it no more. */
static void uncount(host_promise *self)
{
  if (self->rt == NULL)
    return;
  if (self->rt->driver != NULL)
    ebb_driver_end(self->rt->driver, false);
  ebb_list_unlink(&self->link);
  self->rt = NULL;
}

/* Nobody will take what it brings. In the runtime's thread. */
static void abandon(host_promise *self)
{
  void (*call)(void *) = NULL, *ud = NULL;
  pthread_mutex_lock(&self->lock);
  if (self->state == PENDING) {
    call = self->on_abandon;
    ud = self->abandon_ud;
  } else if (self->state == SETTLED) {
    call = self->drop;
    ud = self->ud;
  }
  self->state = ABANDONED;
  pthread_mutex_unlock(&self->lock);
  if (call != NULL)
    call(ud);
}

void ebbL_promises_abandon(ebbL_rt *rt)
{
  while (!ebb_list_is_empty(&rt->promises)) {
    host_promise *self =
        ebb_container_of(rt->promises.next, host_promise, link);
    uncount(self);
    abandon(self);
    ebb_promise_settle(&self->core, true);
  }
}

/* --- settling, from any thread --- */

static void arrive(ebb_letter *letter)
{
  host_promise *self = ebb_container_of(letter, host_promise, letter);
  uncount(self);
  ebb_promise_settle(&self->core, false);
  unref(self);
}

static int settle(ebb_promise *promise, ebb_push_fn push,
                  void (*drop)(void *ud), void *ud, bool is_rejected)
{
  host_promise *self = promise_of(promise);
  pthread_mutex_lock(&self->lock);
  bool accepted = self->state == PENDING;
  if (accepted) {
    self->state = SETTLED;
    self->push = push;
    self->drop = drop;
    self->ud = ud;
    self->is_rejected = is_rejected;
    self->letter.run = arrive;
    accepted = ebb_remote_post(self->remote, &self->letter);
    if (!accepted)
      self->state = ABANDONED;
  }
  pthread_mutex_unlock(&self->lock);
  if (accepted)
    return 1; /* the reference is the letter's */
  if (drop != NULL)
    drop(ud);
  unref(self);
  return 0;
}

int ebb_promise_resolve(ebb_promise *promise, ebb_push_fn push,
                        void (*drop)(void *ud), void *ud)
{
  return settle(promise, push, drop, ud, false);
}

int ebb_promise_reject(ebb_promise *promise, ebb_push_fn push,
                       void (*drop)(void *ud), void *ud)
{
  return settle(promise, push, drop, ud, true);
}

void ebb_promise_retain(ebb_promise *promise)
{
  atomic_fetch_add_explicit(&promise_of(promise)->n_refs, 1,
                            memory_order_relaxed);
}

void ebb_promise_release(ebb_promise *promise)
{
  if (promise != NULL)
    unref(promise_of(promise));
}

int ebb_promise_on_abandon(ebb_promise *promise, void (*fn)(void *ud), void *ud)
{
  host_promise *self = promise_of(promise);
  pthread_mutex_lock(&self->lock);
  bool is_late = self->state == ABANDONED;
  self->on_abandon = fn;
  self->abandon_ud = ud;
  pthread_mutex_unlock(&self->lock);
  return is_late ? EBB_ECLOSED : 0;
}

/* --- what Lua waits for --- */

typedef struct pushing {
  ebb_push_fn push;
  void *ud;
} pushing;

static int push_protected(lua_State *L)
{
  pushing *it = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return it->push(L, it->ud);
}

/* [-0, +1] Calls the pusher, once: {n = count, values…}, or the error that it
   threw, which is then what all get. [raises] out of memory, before. */
static void make_values(lua_State *L, promise_object *object, int at)
{
  host_promise *self = object->promise;
  luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
  lua_createtable(L, 1, 1);
  int values = lua_gettop(L);
  lua_pushinteger(L, 1);
  lua_setfield(L, values, "n");
  lua_pushliteral(L, "not enough memory"); /* until the values are there */
  lua_rawseti(L, values, 1);
  pthread_mutex_lock(&self->lock);
  bool is_mine = self->state == SETTLED;
  pushing it = {self->push, self->ud};
  void (*drop)(void *) = self->drop;
  if (is_mine)
    self->state = PUSHED;
  pthread_mutex_unlock(&self->lock);
  if (!is_mine) {
    lua_pop(L, 1);
    lua_getiuservalue(L, at, 2);
    return;
  }
  lua_pushvalue(L, values);
  lua_setiuservalue(L, at, 2);
  bool is_rejected = self->is_rejected;
  self->is_rejected = true;
  int status = LUA_OK;
  if (it.push != NULL) {
    lua_pushcfunction(L, push_protected);
    lua_pushlightuserdata(L, &it);
    status = lua_pcall(L, 1, LUA_MULTRET, 0);
  }
  if (drop != NULL)
    drop(it.ud);
  if (status != LUA_OK) {
    lua_rawseti(L, values, 1);
    return;
  }
  int n = lua_gettop(L) - values;
  for (int i = n; i >= 1; i--)
    lua_rawseti(L, values, i);
  lua_pushinteger(L, n);
  lua_setfield(L, values, "n");
  self->is_rejected = is_rejected;
}

static int take(lua_State *L, promise_object *object, int at)
{
  if (object->promise->core.abandoned)
    return ebbL_pushoutcome(L, "closed");
  if (lua_getiuservalue(L, at, 2) != LUA_TTABLE) {
    lua_pop(L, 1);
    make_values(L, object, at);
  }
  int values = lua_gettop(L);
  if (!lua_istable(L, values))
    return ebbL_pushoutcome(L, "closed");
  lua_getfield(L, values, "n");
  int n = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  luaL_checkstack(L, n + 1, "too many values");
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, values, i);
  lua_remove(L, values);
  if (!object->promise->is_rejected)
    return n;
  if (n == 0)
    lua_pushnil(L);
  lua_settop(L, values); /* the first is the error */
  return lua_error(L);
}

static int promise_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  promise_object *self = object;
  if (self->promise == NULL) /* in a later finaliser */
    return ebbL_pushoutcome(L, "closed");
  return self->promise->core.settled ? take(L, self, at) : EBBL_WAIT;
}

static void promise_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  host_promise *self = ((promise_object *)object)->promise;
  ebb_wait_link(&task->core, i, &ebb_promise_class, self, &self->core.waiters,
                (uint32_t)payload);
}

static int promise_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)task, (void)payload;
  return take(L, object, at);
}

static const ebbL_opclass promise_class = {.name = "promise",
                                           .attempt = promise_attempt,
                                           .link = promise_link,
                                           .settle = promise_settle};

static void promise_fini(void *body)
{
  promise_object *object = body;
  host_promise *self = object->promise;
  if (self == NULL)
    return;
  /* when the state closes, tasks may still wait: they do no more */
  uncount(self);
  abandon(self);
  ebb_promise_settle(&self->core, true);
  object->promise = NULL;
  unref(self);
}

static int promise_tostring(lua_State *L)
{
  promise_object *object = ebbL_check(L, 1, &promise_type);
  const char *word = "closed";
  if (object->promise != NULL && !object->promise->core.settled)
    word = "waiting";
  else if (object->promise != NULL && !object->promise->core.abandoned)
    word = object->promise->is_rejected ? "rejected" : "resolved";
  lua_pushfstring(L, "ebb.promise: %s", word);
  return 1;
}

/* --- making one --- */

static int new_protected(lua_State *L, void *ud)
{
  host_promise *self = ud;
  ebbL_state *S = ebbL_S(L);
  promise_object *object =
      ebbL_newlinked(L, S, &promise_type, sizeof *object, 2, 0);
  int at = lua_gettop(L);
  ebbL_rt *rt = ebbL_current_rt(L, S);
  if (rt->closed || rt->shutting_down || S->closing)
    ebbL_error(L, "EBB052", "this runtime is shut down");
  ebb_driver *driver = ebbL_rt_driver(L, rt);
  ebb_remote *remote = ebb_remote_of(driver);
  if (remote == NULL)
    ebbL_nomem(L);
  ebbL_pushrt(L, rt);
  lua_setiuservalue(L, at, 1);
  /* nothing fails any more */
  ebb__remote_retain(remote);
  self->remote = remote;
  self->rt = rt;
  ebb_list_push_back(&rt->promises, &self->link);
  ebb_driver_begin(driver, false);
  object->promise = self;
  return 1;
}

ebb_promise *ebb_promise_new(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  host_promise *self = S != NULL ? calloc(1, sizeof *self) : NULL;
  if (self == NULL)
    return NULL;
  if (pthread_mutex_init(&self->lock, NULL) != 0) {
    free(self);
    return NULL;
  }
  atomic_init(&self->n_refs, 2); /* of Lua and of the caller */
  ebb_promise_init(&self->core);
  if (ebbL_host_call(L, S, 0, 1, new_protected, self) == 1)
    return (ebb_promise *)(void *)self;
  pthread_mutex_destroy(&self->lock);
  free(self);
  return NULL;
}

void ebbL_open_host_promise(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", ebbL_owner_gc}, {"__tostring", promise_tostring}, {NULL, NULL}};
  ebbL_newoptype(L, S, &promise_type, no_methods, meta);
}
