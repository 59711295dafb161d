/* SPDX-License-Identifier: MIT */
/* ebb.thread.channel in Lua: any number of handles, in any number of states, to
   one channel. */
#ifndef EBB_LUA_THREAD_CHAN_H
#define EBB_LUA_THREAD_CHAN_H

#include "lua/l_state.h"
#include "uv/thread_chan.h"

typedef struct ebbL_thread_chan {
  ebbL_header head;
  ebb_thread_chan *core;
} ebbL_thread_chan;

extern const ebbL_type ebbL_thread_chan_type;

/* [-0, +1, raises] A handle to the channel, which it keeps. */
void ebbL_thread_chan_push(lua_State *L, ebbL_state *S, ebb_thread_chan *chan);
/* For what is attached to a message. */
void ebbL_thread_chan_drop(void *chan);

/* Adds `channel` to the table on top. */
void ebbL_open_thread_chan(lua_State *L, ebbL_state *S);

#endif
