/* SPDX-License-Identifier: MIT */
/* Where a channel's buffered values lie. */
#include "lua/l_chan.h"

void ebbL_chan_put(ebbL_chan *chan, uint64_t slot, lua_State *from)
{
  lua_xmove(from, chan->store, 1);
  if (EBB_UNLIKELY(chan->in_table))
    lua_rawseti(chan->store, 1, (lua_Integer)slot + 1);
  else
    lua_replace(chan->store, (int)slot + 1);
}

void ebbL_chan_take(ebbL_chan *chan, uint64_t slot, lua_State *L)
{
  lua_State *store = chan->store;
  if (EBB_UNLIKELY(chan->in_table)) {
    lua_rawgeti(store, 1, (lua_Integer)slot + 1);
    lua_xmove(store, L, 1);
    lua_pushboolean(store, 0); /* present, so that a put never grows it */
    lua_rawseti(store, 1, (lua_Integer)slot + 1);
    return;
  }
  lua_pushvalue(store, (int)slot + 1);
  lua_xmove(store, L, 1);
  /* The collector must not see the old copy. */
  lua_pushboolean(store, 0);
  lua_replace(store, (int)slot + 1);
}

/* [-0, +1] A store of n slots, filled with false. */
static lua_State *new_store(lua_State *L, uint64_t n)
{
  lua_State *store = lua_newthread(L);
  lua_sethook(store, NULL, 0, 0);
  if (n > EBBL_STACK_SLOTS) {
    lua_createtable(L, (int)n, 0);
    for (uint64_t i = 1; i <= n; i++) {
      lua_pushboolean(L, 0);
      lua_rawseti(L, -2, (lua_Integer)i);
    }
    lua_xmove(L, store, 1);
    if (!lua_checkstack(store, 4))
      ebbL_nomem(L);
  } else {
    if (!lua_checkstack(store, (int)n + 4))
      ebbL_nomem(L);
    for (uint64_t i = 0; i < n; i++)
      lua_pushboolean(store, 0);
  }
  return store;
}

static void grow(lua_State *L, ebbL_chan *chan, int chan_idx, uint64_t wanted)
{
  uint64_t n = chan->core.n_slots * 2;
  uint64_t cap = chan->core.cap;
  if (n < 8)
    n = 8;
  if (cap != EBB_CHAN_UNBOUNDED && cap > 0 && (n > cap || cap <= 64))
    n = cap;
  if (n < wanted)
    n = wanted;
  if (n > INT32_MAX / 2)
    ebbL_throw(L, "too many values in the channel");
  luaL_checkstack(L, 6, NULL);
  chan_idx = lua_absindex(L, chan_idx);
  lua_State *store = new_store(L, n);
  ebbL_chan next = *chan;
  next.store = store;
  next.in_table = n > EBBL_STACK_SLOTS;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, chan_idx, 1);
  /* chan->store stays good until the copies are made: nothing allocates */
  for (uint64_t i = 0; i < chan->core.count; i++) {
    uint64_t from = chan->core.head + i;
    if (from >= chan->core.n_slots)
      from -= chan->core.n_slots;
    ebbL_chan_take(chan, from, L);
    ebbL_chan_put(&next, i, L);
  }
  chan->store = store;
  chan->in_table = next.in_table;
  ebb_chan_regrown(&chan->core, n);
  lua_pop(L, 1);
}

void ebbL_chan_room(lua_State *L, ebbL_chan *chan, int chan_idx)
{
  uint64_t wanted = chan->core.count + chan->core.reserved + 1;
  if (EBB_UNLIKELY(wanted > chan->core.n_slots))
    grow(L, chan, chan_idx, wanted);
}

int ebbL_chan_send(lua_State *L, ebbL_chan *chan, int idx)
{
  ebb_xfer xfer;
  int status = ebb_chan_send(&chan->core, &xfer);
  if (status != EBB_OK)
    return status;
  lua_pushvalue(L, idx);
  if (xfer.peer != NULL) {
    ebbL_task *receiver = ebbL_task_of(xfer.peer->task);
    lua_xmove(L, receiver->L, 1);
    receiver->n_args = 1;
  } else {
    ebbL_chan_put(chan, xfer.slot, L);
  }
  return EBB_OK;
}

/* A parked sender's value is on its own stack, which holds still until it is
   resumed. */
static void push_senders_value(const ebb_wait *wait)
{
  lua_pushvalue(ebbL_task_of(wait->task)->L, (int)wait->slot);
}

void ebbL_chan_refill(ebbL_chan *chan, const ebb_xfer *xfer)
{
  if (EBB_LIKELY(xfer->refill == NULL))
    return;
  push_senders_value(xfer->refill);
  ebbL_chan_put(chan, xfer->refill_slot, ebbL_task_of(xfer->refill->task)->L);
}

int ebbL_chan_recv(lua_State *L, ebbL_chan *chan)
{
  ebb_xfer xfer;
  int status = ebb_chan_recv(&chan->core, &xfer);
  if (status != EBB_OK)
    return status;
  if (xfer.peer != NULL) {
    lua_State *from = ebbL_task_of(xfer.peer->task)->L;
    push_senders_value(xfer.peer);
    lua_xmove(from, L, 1);
  } else {
    ebbL_chan_take(chan, xfer.slot, L);
    ebbL_chan_refill(chan, &xfer);
    /* after a burst the memory goes back */
    if (EBB_UNLIKELY(chan->in_table) && chan->core.count == 0 &&
        chan->core.reserved == 0 && chan->core.cap == EBB_CHAN_UNBOUNDED) {
      lua_settop(chan->store, 0);
      chan->in_table = false;
      ebb_chan_regrown(&chan->core, 0);
    }
  }
  return EBB_OK;
}
