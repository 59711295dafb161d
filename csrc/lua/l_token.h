/* SPDX-License-Identifier: MIT */
/* Cancellation tokens. */
#ifndef EBB_LUA_TOKEN_H
#define EBB_LUA_TOKEN_H

#include "lua/l_op.h"
#include "sync/token.h"

/* User value 1: the parent, which lives as long as its children; 2: the cancel
   error, if this is the token that cancel was called on. */
typedef struct ebbL_token {
  ebbL_header head;
  ebb_token token;
  ebb_list runs;             /* of ebbL_body: what tok:run runs now */
  struct ebbL_token *source; /* the ancestor (or itself) that was cancelled */
  bool closed;
} ebbL_token;

#define ebbL_token_type (ebbL_linked_types[EBBL_LINKED_TOKEN])
extern const ebbL_opclass ebbL_token_class;

/* [-0, +1] Why the cancelled token at idx was cancelled. */
void ebbL_token_pushreason(lua_State *L, int idx);

/* [-0, +0, raises] Adds ebb.token to the table on top. */
void ebbL_open_token(lua_State *L, ebbL_state *S);

#endif
