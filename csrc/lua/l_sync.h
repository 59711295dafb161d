/* SPDX-License-Identifier: MIT */
/* What the bindings of channels and locks share: one op class serves the
   primitive itself and the explicit op made on it. */
#ifndef EBB_LUA_SYNC_H
#define EBB_LUA_SYNC_H

#include "lua/l_op.h"

/* The primitive behind what an op class is called with. [no-raise] */
static inline void *ebbL_target(void *object)
{
  ebbL_header *header = object;
  return header->type == &ebbL_op_type ? ((ebbL_op *)object)->target : object;
}

/* [-0, +1, no-raise] Its userdata. */
static inline void ebbL_pushtarget(lua_State *L, void *object, int at)
{
  if (((ebbL_header *)object)->type == &ebbL_op_type)
    lua_getiuservalue(L, at, 1);
  else
    lua_pushvalue(L, at);
}

/* The explicit op at index 1 if it is of this class, else NULL: methods that
   perform an op of their own run again after a forced yield. [no-raise] */
static inline ebbL_op *ebbL_ownop(lua_State *L, const ebbL_opclass *cls)
{
  ebbL_op *op = ebbL_test(L, 1, &ebbL_op_type);
  return op != NULL && op->cls == cls ? op : NULL;
}

/* [-0, +0, raises] A new type with the methods of ops besides its own. */
static inline void ebbL_newoptype(lua_State *L, ebbL_state *S,
                                  const ebbL_type *type,
                                  const luaL_Reg *methods, const luaL_Reg *meta)
{
  ebbL_newtype(L, S, type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}

extern const ebbL_opclass ebbL_broadcastsub_class; /* of subscriptions */

/* How many wait, for tostring. O(n) */
static inline lua_Integer ebbL_count(const ebb_waitq *queue)
{
  lua_Integer n = 0;
  ebb_list_foreach(node, queue)
    n++;
  return n;
}

/* [-0, +1 or +2] true, or nil, word */
static inline int ebbL_pushtrue(lua_State *L, int status)
{
  if (status != EBB_OK)
    return ebbL_pushoutcome(L, ebb_err_word(status));
  lua_pushboolean(L, 1);
  return 1;
}

/* Each registers what it has in the table on top. [raises] */
void ebbL_open_sem(lua_State *L, ebbL_state *S);
void ebbL_open_notify(lua_State *L, ebbL_state *S);
void ebbL_open_oneshot(lua_State *L, ebbL_state *S);
void ebbL_open_watch(lua_State *L, ebbL_state *S);
void ebbL_open_broadcast(lua_State *L, ebbL_state *S);
void ebbL_open_barrier(lua_State *L, ebbL_state *S);
void ebbL_open_once(lua_State *L, ebbL_state *S);
#endif
