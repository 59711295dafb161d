/* SPDX-License-Identifier: MIT */
/* Objects with a body: see ebbL_linked. */
#include <string.h>

#include "lua/l_join_set.h"
#include "lua/l_lock.h"
#include "lua/l_mem.h"
#include "lua/l_report.h"
#include "lua/l_token.h"

const ebbL_type ebbL_linked_types[EBBL_N_LINKED] = {
    [EBBL_LINKED_TOKEN] = {"ebb.token", &ebbL_token_class},
    [EBBL_LINKED_SCOPE] = {"ebb.scope", NULL},
    [EBBL_LINKED_JOIN_SET] = {"ebb.join_set", &ebbL_join_set_class},
    [EBBL_LINKED_RT] = {"ebb.runtime", NULL},
    [EBBL_LINKED_FAILURE] = {"ebb.failure", NULL},
    [EBBL_LINKED_BROADCASTSUB] = {"ebb.broadcastsub", &ebbL_broadcastsub_class},
    [EBBL_LINKED_LOCK] = {"ebb.lock", NULL},
    [EBBL_LINKED_MUTEX] = {"ebb.mutex", &ebbL_mutex_class},
    [EBBL_LINKED_RWLOCK] = {"ebb.rwlock", NULL},
    [EBBL_LINKED_GUARD] = {"ebb.guard", NULL},
    [EBBL_LINKED_BOX] = {"ebb.box", NULL},
    [EBBL_LINKED_BYTES] = {"ebb.bytes", NULL},
    [EBBL_LINKED_ARRAY] = {"ebb.array", NULL},
    [EBBL_LINKED_VEC] = {"ebb.vec", NULL},
    [EBBL_LINKED_BUFFER] = {"ebb.buffer", NULL},
};

/* --- memory --- */

/* What stands before a body that is too large for the slabs: 32 bytes. */
typedef struct large_body {
  ebb_list link;
  size_t n_bytes; /* of both */
  size_t unused;
} large_body;

void ebbL_linked_init(ebbL_state *S)
{
  ebb_list_init(&S->large_bodies);
  for (int i = 0; i < EBBL_BODY_CLASSES; i++)
    ebb_slab_init(&S->bodies[i], &S->alloc, ((size_t)i + 1) * 64);
}

static void free_large(ebbL_state *S, large_body *large)
{
  ebb_list_unlink(&large->link);
  ebb_alloc_put(&S->alloc, large, large->n_bytes);
}

void ebbL_linked_fini(ebbL_state *S)
{
  while (!ebb_list_is_empty(&S->large_bodies))
    free_large(S, ebb_container_of(S->large_bodies.next, large_body, link));
  for (int i = 0; i < EBBL_BODY_CLASSES; i++)
    ebb_slab_fini(&S->bodies[i]);
}

static bool is_large(size_t n_bytes)
{
  return n_bytes > EBBL_BODY_CLASSES * 64;
}

static void *new_body(lua_State *L, ebbL_state *S, size_t n_bytes)
{
  if (EBB_LIKELY(!is_large(n_bytes)))
    return ebbL_slab_get(L, &S->bodies[(n_bytes - 1) / 64]);
  large_body *large = ebbL_alloc(L, S, sizeof *large + n_bytes);
  large->n_bytes = sizeof *large + n_bytes;
  ebb_list_push_back(&S->large_bodies, &large->link);
  return large + 1;
}

static void free_body(ebbL_state *S, void *body, size_t n_bytes)
{
  if (EBB_LIKELY(!is_large(n_bytes)))
    ebb_slab_put(&S->bodies[(n_bytes - 1) / 64], body);
  else
    free_large(S, (large_body *)body - 1);
}

/* --- life --- */

void *ebbL_newlinked(lua_State *L, ebbL_state *S, const ebbL_type *type,
                     size_t n_bytes, int n_uservalues)
{
  size_t room = is_large(n_bytes) ? 0 : n_bytes;
  ebbL_linked *self = lua_newuserdatauv(L, sizeof *self + room, n_uservalues);
  ebbL_header *body = new_body(L, S, n_bytes);
  memset(body, 0, n_bytes);
  self->head = *body = (ebbL_header){type, S};
  self->body = body;
  self->n_bytes = (uint16_t)n_bytes;
  self->is_finalised = false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, type);
  lua_setmetatable(L, -2);
  return body;
}

/* Is it the collector that calls, and not somebody who got hold of __gc? */
static bool is_collecting(lua_State *L)
{
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50404
  return lua_gc(L, LUA_GCCOUNT) < 0; /* it takes no orders meanwhile */
#else
  lua_Debug ar;
  return lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) &&
         ar.name != NULL && strcmp(ar.name, "__gc") == 0 &&
         strcmp(ar.namewhat, "metamethod") == 0;
#endif
}

int ebbL_finalised(lua_State *L)
{
  static const ebbL_type gone_type = {"ebb.collected", NULL};
  ebbL_linked *self = lua_touserdata(L, 1);
  ebbL_state *S = self->head.state;
  if (self->body == self + 1 || S->closing || !is_collecting(L))
    return 0;
  if (!self->is_finalised) {
    self->is_finalised = true;
    if (lua_getmetatable(L, 1))
      lua_setmetatable(L, 1);
    return 0;
  }
  free_body(S, self->body, self->n_bytes);
  self->head.type = &gone_type;
  self->body = NULL;
  return 0;
}

/* Pointers from the body into itself (empty lists) go with it. */
static void move_body(void *to, const void *from, size_t n_bytes)
{
  memcpy(to, from, n_bytes);
  uintptr_t *words = to;
  for (size_t i = 0; i < n_bytes / sizeof *words; i++)
    if (words[i] - (uintptr_t)from < n_bytes)
      words[i] += (uintptr_t)to - (uintptr_t)from;
}

int ebbL_settled(lua_State *L)
{
  ebbL_linked *self = lua_touserdata(L, 1);
  ebbL_state *S = self->head.state;
  void *body = self->body;
  if (self->is_finalised || is_large(self->n_bytes))
    return ebbL_finalised(L);
  if (S->closing || !is_collecting(L))
    return 0;
  self->is_finalised = true;
  self->body = self + 1;
  move_body(self->body, body, self->n_bytes);
  free_body(S, body, self->n_bytes);
  return 0;
}
