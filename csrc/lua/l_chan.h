/* SPDX-License-Identifier: MIT */
/* Channels in Lua: the core's channel decides, this moves the values. A parked
   sender's value stays on its own stack; a receiver's is pushed there; buffered
   ones lie in the store. */
#ifndef EBB_LUA_CHAN_H
#define EBB_LUA_CHAN_H

#include "lua/l_op.h"
#include "sync/chan.h"

typedef struct ebbL_chan {
  ebbL_header head; /* user value 1: the store, once there is one */
  ebb_chan core;
  /* A private coroutine: up to EBBL_STACK_SLOTS values lie on its stack, more
     in a table that is its only value. NULL until something is buffered. */
  lua_State *store;
  bool in_table;
  uint32_t n_handles; /* counted senders alive */
} ebbL_chan;

#define EBBL_STACK_SLOTS 1024

extern const ebbL_type ebbL_chan_type, ebbL_permit_type, ebbL_sender_type;
extern const ebbL_opclass ebbL_recv_class;

/* [raises] Room for one more value besides those and the permits; chan_idx is
   the channel's stack index. */
void ebbL_chan_room(lua_State *L, ebbL_chan *chan, int chan_idx);
/* [-1, +0, no-raise] Puts the value on top of `from` into the slot. */
void ebbL_chan_put(ebbL_chan *chan, uint64_t slot, lua_State *from);
/* [-0, +1, no-raise] Pushes the slot's value on L and clears the slot. */
void ebbL_chan_take(ebbL_chan *chan, uint64_t slot, lua_State *L);

/* [no-raise] The value at idx of L is sent; EBB_OK, EBB_EAGAIN, EBB_ECLOSED.
   There must be room. */
int ebbL_chan_send(lua_State *L, ebbL_chan *chan, int idx);
/* [-0, +1 if EBB_OK, no-raise] */
int ebbL_chan_recv(lua_State *L, ebbL_chan *chan);
/* Moves the value of a sender that has been let in to its slot. */
void ebbL_chan_refill(ebbL_chan *chan, const ebb_xfer *xfer);

/* The channel behind the argument: a channel or a counted sender. Its index is
   then *chan_idx (a sender's channel is pushed). [raises] */
ebbL_chan *ebbL_checkchan(lua_State *L, int arg, int *chan_idx);
/* What is to be sent is at 2, and not nil. [raises] */
void ebbL_chan_checkvalue(lua_State *L);

int ebbL_chan_send_op(lua_State *L);
int ebbL_chan_recv_op(lua_State *L);
int ebbL_chan_reserve_op(lua_State *L);
int ebbL_chan_reserve(lua_State *L);
int ebbL_chan_send_many(lua_State *L);
int ebbL_chan_recv_many(lua_State *L);

void ebbL_open_chan(lua_State *L, ebbL_state *S);
void ebbL_open_permit(lua_State *L, ebbL_state *S);

#endif
