/* SPDX-License-Identifier: MIT */
/* ebb.join_set: a scope that leaves what its children ended with to whoever
   asks for the next one. Handles of ended children stand in a list that needs
   no memory when a child ends; the set anchors them from their spawn on. */
#ifndef EBB_LUA_JOIN_SET_H
#define EBB_LUA_JOIN_SET_H

#include "lua/l_op.h"
#include "lua/l_scope.h"

extern const ebbL_opclass ebbL_join_set_class;

/* The child with the handle at handle_idx has ended. [no-raise] */
void ebbL_join_set_ended(lua_State *L, struct ebbL_join_set *set,
                         int handle_idx);
/* A child has left; who waits learns when it was the last. [no-raise] */
void ebbL_join_set_left(struct ebbL_join_set *set);

void ebbL_open_join_set(lua_State *L, ebbL_state *S);

#endif
