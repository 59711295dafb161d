/* SPDX-License-Identifier: MIT */
/* ebb.h: tasks as a C host has them. */
#include "lua/api.h"

#include <stdlib.h>

#include "ebb.h"
#include "lua/api_scope.h"
#include "lua/l_report.h"

static ebbL_hosted *hosted_of(ebb_task *task)
{
  return (ebbL_hosted *)(void *)task;
}

/* Lets go of the handle. [no-raise] */
static void detach(ebbL_hosted *self)
{
  ebbL_host_rt *host = self->host;
  if (self->handle == NULL)
    return;
  self->handle->hosted = NULL;
  self->handle = NULL;
  ebb_list_unlink(&self->all);
  ebbL_host_give_slot(host, self->slot);
}

static void destroy(ebbL_hosted *self)
{
  ebbL_host_rt *host = self->host;
  if (host->rt != NULL)
    detach(self);
  free(self);
  ebbL_host_release(host);
}

/* --- the end of a task --- */

void ebbL_hosted_ended(ebbL_hosted *self, int status)
{
  self->status = (uint8_t)status;
  if (self->on_done != NULL)
    ebb_list_push_back(&self->host->ended, &self->link);
}

void ebbL_host_callbacks(ebbL_host_rt *host)
{
  ebb_list now;
  ebb_list_init(&now);
  ebb_list_splice(&now, &host->ended);
  while (!ebb_list_is_empty(&now)) {
    ebbL_hosted *self = ebb_container_of(now.next, ebbL_hosted, link);
    ebb_list_unlink(&self->link);
    ebb_done_fn on_done = self->on_done;
    self->on_done = NULL;
    self->in_callback = true;
    on_done((ebb_task *)(void *)self, self->status, self->ud);
    self->in_callback = false;
    if (self->is_released && self->on_done == NULL)
      destroy(self);
  }
}

/* --- spawning --- */

typedef struct spawning {
  ebbL_host_rt *host;
  ebbL_scope *scope;
  ebbL_hosted *self;
  bool has_slot;
} spawning;

/* [fn, args…] */
static int spawn_protected(lua_State *L, void *ud)
{
  spawning *spawn = ud;
  ebbL_hosted *self = spawn->self;
  ebbL_host_rt *host = spawn->host;
  ebbL_state *S = host->S;
  ebbL_checkcallable(L, 1);
  self->slot = ebbL_slots_take(L, S, 0);
  spawn->has_slot = true;
  ebbL_task *task =
      ebbL_spawn(L, S, host->rt, lua_gettop(L) - 1, true, spawn->scope);
  /* nothing fails any more */
  self->handle = lua_touserdata(L, -1);
  self->handle->hosted = self;
  ebbL_pushslots(L, S);
  lua_insert(L, -2);
  lua_rawseti(L, -2, self->slot);
  ebb_list_push_back(&host->hosted, &self->all);
  if (spawn->scope != NULL && ebbL_host_scope_refuses(spawn->scope))
    ebbL_cancel_task(L, task, 0);
  return 0;
}

ebb_task *ebbL_host_spawn(ebbL_host_rt *host, ebbL_scope *scope, lua_State *L,
                          int n_args)
{
  spawning spawn = {.host = host, .scope = scope};
  int base = lua_gettop(L) - n_args - 1;
  if (host->rt == NULL || host->rt->closed || host->rt->shutting_down ||
      host->S->closing)
    goto failed;
  spawn.self = calloc(1, sizeof *spawn.self);
  if (spawn.self == NULL)
    goto failed;
  spawn.self->host = host;
  if (ebbL_host_call(L, host->S, n_args + 1, 0, spawn_protected, &spawn) >= 0) {
    host->n_refs++;
    return (ebb_task *)(void *)spawn.self;
  }
  if (spawn.has_slot)
    ebbL_host_give_slot(host, spawn.self->slot);
  free(spawn.self);
  return NULL;

failed:
  lua_settop(L, base);
  return NULL;
}

ebb_task *ebb_spawn(ebb_runtime *runtime, lua_State *L, int n_args)
{
  return ebbL_host_spawn((ebbL_host_rt *)runtime, NULL, L, n_args);
}

/* --- what can be done with one --- */

int ebb_task_status(const ebb_task *task)
{
  return ((const ebbL_hosted *)(const void *)task)->status;
}

uint64_t ebb_task_id(const ebb_task *task)
{
  const ebbL_hosted *self = (const ebbL_hosted *)(const void *)task;
  return self->handle != NULL ? self->handle->id : 0;
}

typedef struct cancelling {
  ebbL_hosted *self;
  const char *reason;
} cancelling;

static int cancel_protected(lua_State *L, void *ud)
{
  cancelling *cancel = ud;
  if (cancel->reason != NULL)
    lua_pushstring(L, cancel->reason);
  if (cancel->self->handle->task != NULL)
    ebbL_cancel_task(L, cancel->self->handle->task,
                     cancel->reason != NULL ? lua_gettop(L) : 0);
  return 0;
}

int ebb_task_cancel(ebb_task *task, const char *reason)
{
  ebbL_hosted *self = hosted_of(task);
  ebbL_host_rt *host = self->host;
  if (self->handle == NULL || self->handle->task == NULL)
    return 0;
  cancelling cancel = {self, reason};
  int status =
      ebbL_host_call(host->L, host->S, 0, 0, cancel_protected, &cancel);
  if (status == EBB_ENOMEM && reason != NULL) { /* then without the reason */
    cancel.reason = NULL;
    status = ebbL_host_call(host->L, host->S, 0, 0, cancel_protected, &cancel);
  }
  return status < 0 ? status : 1;
}

int ebb_task_on_done(ebb_task *task, ebb_done_fn fn, void *ud)
{
  ebbL_hosted *self = hosted_of(task);
  if (self->on_done != NULL)
    return EBB_EBUSY;
  if (fn == NULL)
    return EBB_EINVAL;
  self->on_done = fn;
  self->ud = ud;
  if (self->status != EBBL_ALIVE)
    ebb_list_push_back(&self->host->ended, &self->link);
  return 0;
}

static int results_protected(lua_State *L, void *ud)
{
  ebbL_hosted *self = ud;
  ebbL_pushslots(L, self->host->S);
  lua_rawgeti(L, -1, self->slot);
  int n = ebbL_pushjoined(L, lua_gettop(L));
  return n - 1; /* without its true or false */
}

int ebb_task_results(ebb_task *task, lua_State *L)
{
  ebbL_hosted *self = hosted_of(task);
  if (self->status == EBBL_ALIVE)
    return EBB_EAGAIN;
  if (self->handle == NULL)
    return EBB_ECLOSED;
  return ebbL_host_call(L, self->host->S, 0, LUA_MULTRET, results_protected,
                        self);
}

void ebb_task_release(ebb_task *task)
{
  ebbL_hosted *self = hosted_of(task);
  if (self == NULL)
    return;
  if (self->on_done != NULL || self->in_callback)
    self->is_released = true; /* goes when it has been called */
  else
    destroy(self);
}
