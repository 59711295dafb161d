/* SPDX-License-Identifier: MIT */
/* Objects of two userdata: see ebbL_linked. */
#include <string.h>

#include "lua/l_clock.h"
#include "lua/l_join_set.h"
#include "lua/l_mem.h"
#include "lua/l_report.h"
#include "lua/l_scope.h"
#include "lua/l_sync.h"
#include "lua/l_token.h"

/* clang-format off */
#define TYPES {                                                                \
    [EBBL_LINKED_TOKEN] = {"ebb.token", &ebbL_token_class, NULL},                    \
    [EBBL_LINKED_SCOPE] = {"ebb.scope", NULL, NULL},                                 \
    [EBBL_LINKED_JOIN_SET] = {"ebb.join_set", &ebbL_join_set_class, NULL},           \
    [EBBL_LINKED_RT] = {"ebb.runtime", NULL, NULL},                                  \
    [EBBL_LINKED_FAILURE] = {"ebb.failure", NULL, NULL},                             \
    [EBBL_LINKED_BROADCASTSUB] =                                               \
        {"ebb.broadcastsub", &ebbL_broadcastsub_class, NULL},                        \
    [EBBL_LINKED_CLOCK] = {"ebb.clock", NULL, NULL},                                 \
    [EBBL_LINKED_GUARD] = {"ebb.guard", NULL, NULL},                                 \
    [EBBL_LINKED_BOX] = {"ebb.box", NULL, NULL},                                     \
    [EBBL_LINKED_REGISTRY] = {"ebb.registry", NULL, NULL},                           \
}
/* clang-format on */

const ebbL_type ebbL_linked_types[EBBL_N_LINKED] = TYPES;

const ebbL_type ebbL_body_types[EBBL_N_LINKED] = TYPES;

static const ebbL_type *body_type_of(const ebbL_type *type)
{
  return type->owning != NULL ? &type->owning->body
                              : &ebbL_body_types[type - ebbL_linked_types];
}

void *ebbL_newlinked(lua_State *L, ebbL_state *S, const ebbL_type *type,
                     size_t n_bytes, int n_uservalues, int n)
{
  if (EBB_UNLIKELY(S->closing) && type->owning != NULL)
    ebbL_error(L, "EBB052", "the state is closing");
  luaL_checkstack(L, 6, NULL);
  ebbL_header *body = lua_newuserdatauv(L, n_bytes, n);
  memset(body, 0, n_bytes);
  *body = (ebbL_header){body_type_of(type), S};
  lua_insert(L, -1 - n);
  while (n > 0) {
    lua_setiuservalue(L, -1 - n, n);
    n--;
  }
  ebbL_linked *self = lua_newuserdatauv(L, sizeof *self, n_uservalues + 1);
  *self = (ebbL_linked){.head = {type, S}, .body = body};
  if (EBB_LIKELY(!S->closing)) {
    ebbL_slots_reserve(L, S, 0, 1); /* last: finalisers may take slots */
    self->anchor = ebbL_slots_pop(S, 0);
    ebbL_pushslots(L, S);
    lua_pushvalue(L, -3);
    lua_rawseti(L, -2, self->anchor);
    lua_pop(L, 1);
  }
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, n_uservalues + 1);
  ebbL_pushmeta(L, S, type);
  lua_setmetatable(L, -2);
  return body;
}

int ebbL_let_go(lua_State *L)
{
  ebbL_linked *self = lua_touserdata(L, 1);
  ebbL_state *S = self->head.state;
  uint32_t anchor = self->anchor;
  self->anchor = 0;
  if (anchor != 0 && !S->closing)
    ebbL_slots_give(L, S, EBBL_SLOTS, anchor, 0);
  return 0;
}

int ebbL_owner_gc(lua_State *L)
{
  ebbL_header *header = ebbL_object(L, 1);
  if (header == NULL || header->state != ebbL_S(L) ||
      header->type->owning == NULL || ebbL_is_body(header))
    return 0;
  header->type->owning->fini(((ebbL_linked *)header)->body);
  return ebbL_let_go(L);
}

void ebbL_fini_owners(lua_State *L, ebbL_state *S)
{
  ebbL_pushslots(L, S);
  for (lua_Integer i = 1; i <= S->n_slots && lua_istable(L, -1); i++) {
    lua_rawgeti(L, -1, i);
    ebbL_header *body = ebbL_object(L, -1);
    if (body != NULL && body->state == S && ebbL_is_owned(body->type))
      body->type->owning->fini(body);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}
