/* SPDX-License-Identifier: MIT */
/* ebb.h: scopes, the lives of a game's entities. */
#include "lua/api_scope.h"

#include <stdlib.h>

#include "ebb.h"

/* An ebb_scope. */
typedef struct host_scope {
  ebbL_host_rt *host;
  ebbL_scope *scope; /* NULL: the runtime is closed */
  uint32_t slot;
  bool has_slot;
  ebb_list all;
} host_scope;

static host_scope *scope_of(struct ebb_scope *scope)
{
  return (host_scope *)(void *)scope;
}

static void give_slot(host_scope *self)
{
  if (self->has_slot)
    ebbL_host_give_slot(self->host, self->slot);
  self->has_slot = false;
}

void ebbL_host_scopes_closed(ebbL_host_rt *host, bool keeps_slots)
{
  while (!ebb_list_is_empty(&host->scopes)) {
    host_scope *self = ebb_container_of(host->scopes.next, host_scope, all);
    ebb_list_unlink(&self->all);
    self->scope = NULL;
    if (keeps_slots)
      give_slot(self);
  }
}

static int new_protected(lua_State *L, void *ud)
{
  host_scope *self = ud;
  ebbL_state *S = self->host->S;
  self->slot = ebbL_slots_take(L, S, 0);
  self->has_slot = true;
  ebbL_scope *scope = ebbL_scope_new(L, S);
  scope->rt = self->host->rt;
  scope->isolate = true; /* nobody waits who could be told of a failure */
  ebbL_pushslots(L, S);
  lua_insert(L, -2);
  lua_rawseti(L, -2, self->slot);
  self->scope = scope;
  return 0;
}

struct ebb_scope *ebb_scope_new(ebb_runtime *runtime)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  if (host->rt == NULL || host->S->closing)
    return NULL;
  host_scope *self = calloc(1, sizeof *self);
  if (self == NULL)
    return NULL;
  self->host = host;
  if (ebbL_host_call(host->L, host->S, 0, 0, new_protected, self) < 0) {
    give_slot(self);
    free(self);
    return NULL;
  }
  ebb_list_push_back(&host->scopes, &self->all);
  host->n_refs++;
  return (struct ebb_scope *)(void *)self;
}

struct ebb_task *ebb_scope_spawn(struct ebb_scope *scope, lua_State *L,
                                 int n_args)
{
  host_scope *self = scope_of(scope);
  if (self->scope == NULL || self->scope->ended) {
    lua_settop(L, lua_gettop(L) - n_args - 1);
    return NULL;
  }
  return ebbL_host_spawn(self->host, self->scope, L, n_args);
}

size_t ebb_scope_count(const struct ebb_scope *scope)
{
  const host_scope *self = (const host_scope *)(const void *)scope;
  return self->scope != NULL ? self->scope->core.n_children : 0;
}

static int cancel_protected(lua_State *L, void *ud)
{
  host_scope *self = ud;
  lua_pushliteral(L, "the scope was cancelled by its host");
  ebbL_scope_cancel_children(L, self->scope, lua_gettop(L));
  return 0;
}

/* Out of memory for the reason: without one. */
static int cancel_plainly(lua_State *L, void *ud)
{
  host_scope *self = ud;
  ebb_list_foreach_safe(node, &self->scope->core.children)
    ebbL_cancel_task(L, ebbL_task_of(ebb_container_of(node, ebb_task, sibling)),
                     0);
  return 0;
}

int ebb_scope_cancel(struct ebb_scope *scope)
{
  host_scope *self = scope_of(scope);
  ebbL_host_rt *host = self->host;
  if (self->scope == NULL)
    return 0;
  self->scope->cancelled = true;
  int status = ebbL_host_call(host->L, host->S, 0, 0, cancel_protected, self);
  if (status == EBB_ENOMEM)
    status = ebbL_host_call(host->L, host->S, 0, 0, cancel_plainly, self);
  return status < 0 ? status : 0;
}

void ebb_scope_release(struct ebb_scope *scope)
{
  host_scope *self = scope_of(scope);
  if (self == NULL)
    return;
  if (self->scope != NULL) {
    ebb_scope_cancel(scope);
    ebb_list_unlink(&self->all);
    give_slot(self);
  }
  ebbL_host_release(self->host);
  free(self);
}
