/* SPDX-License-Identifier: MIT */
/* A channel between threads: messages in a queue, and far waits (uv/far.h) of
   tasks of any runtime that want to send or to receive. Knows no Lua.

   Whoever takes or adds a message does so running, in its own thread and under
   the channel's lock; a parked task is only told that it is worth while to
   look, and looks in its own thread, between tasks. So a message is in exactly
   one place at any time: with its sender, in the queue, or with its receiver,
   however cancels, timeouts and other arms of a select come in between; and one
   who was told but left passes it on, so no wake-up is lost.

   There is room for `cap` messages, or for as many as there are tasks that wait
   to receive, if that is more: with cap 0 a send waits for a receiver. Should
   that receiver be cancelled at the same moment, the value stays in the channel
   for the next one. Messages are FIFO; so are waits, but a thread that is awake
   may be quicker than one that has to be woken.

   Counted; from malloc. O(1), closing O(waits). */
#ifndef EBB_UV_THREAD_CHAN_H
#define EBB_UV_THREAD_CHAN_H

#include "base/message.h"
#include "uv/far.h"

typedef struct ebb_thread_chan ebb_thread_chan;

/* NULL: no memory. cap UINT64_MAX: unbounded. */
ebb_thread_chan *ebb_thread_chan_new(uint64_t cap);
void ebb_thread_chan_retain(ebb_thread_chan *chan);
void ebb_thread_chan_release(ebb_thread_chan *chan);

/* Running tasks, any thread. EBB_OK: the message is the channel's; EBB_EAGAIN,
   EBB_ECLOSED: nothing has happened. */
int ebb_thread_chan_send(ebb_thread_chan *chan, ebb_message *message);
/* EBB_OK: *message is the caller's. */
int ebb_thread_chan_recv(ebb_thread_chan *chan, ebb_message **message);
/* It could not be used: it is the next to be received again. */
void ebb_thread_chan_unrecv(ebb_thread_chan *chan, ebb_message *message);
/* True when it was open. What is in it can still be received. */
bool ebb_thread_chan_close(ebb_thread_chan *chan);

typedef struct ebb_thread_chan_view {
  uint64_t cap, count;
  unsigned n_receivers, n_senders;
  bool is_closed;
} ebb_thread_chan_view;

void ebb_thread_chan_look(ebb_thread_chan *chan, ebb_thread_chan_view *view);

/* A task's wait to send or to receive. One that sends brings a message, which
   is the channel's once the task was woken with EBB_OK; one that receives has
   its own then. */
typedef struct ebb_chan_far {
  ebb_far far;
  ebb_message *message;
} ebb_chan_far;

/* NULL: no memory. It keeps the channel; a message left in it is freed with
   it. Released with ebb_far_release(&wait->far). */
ebb_chan_far *ebb_chan_far_new(ebb_thread_chan *chan, ebb_driver *driver);
/* Node i of the task waits; with a message it wants to send. Wakes with EBB_OK
   or EBB_ECLOSED. `slot` is the host's. */
void ebb_chan_far_link(ebb_task *task, uint32_t i, ebb_chan_far *wait,
                       uint32_t slot);

#endif
