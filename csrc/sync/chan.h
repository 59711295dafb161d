/* SPDX-License-Identifier: MIT */
/* Channel: who sends to whom and through which slot. The values themselves are
   the host's: an operation that succeeds says in an ebb_xfer what the host has
   to move, before anything else happens.

   Many producers, many consumers, FIFO on both sides. cap 0 is a rendezvous,
   EBB_CHAN_UNBOUNDED never makes a sender wait. A permit holds one slot.
   Slots form a ring of n_slots places that the host provides and grows; it
   makes sure of count + reserved < n_slots before a value may need a slot.

   Invariants (I5): receivers wait => count == 0 and no sender waits with a
   value; senders wait => count + reserved >= cap; closed => no sender waits.
   Nothing allocates, fails or calls out. O(1), ebb_chan_close O(waiters). */
#ifndef EBB_SYNC_CHAN_H
#define EBB_SYNC_CHAN_H

#include "core/wait.h"

#define EBB_CHAN_UNBOUNDED UINT64_MAX

typedef struct ebb_chan {
  ebb_waitq senders; /* ebb_chan_send_class and ebb_chan_reserve_class */
  ebb_waitq receivers;
  uint64_t cap;
  uint64_t count;    /* values in slots */
  uint64_t reserved; /* permits out */
  uint64_t head, n_slots;
  bool closed;
} ebb_chan;

/* What the host moves. send: the caller's value goes to `peer` (a receiver
   that has just been woken) or, if NULL, into `slot`. recv: the value comes
   from `peer` (a sender that has just been woken) or from `slot`; then, if
   `refill` is not NULL, that sender's value goes into `refill_slot`. */
typedef struct ebb_xfer {
  ebb_wait *peer;
  uint64_t slot;
  ebb_wait *refill;
  uint64_t refill_slot;
} ebb_xfer;

extern const ebb_wait_class ebb_chan_send_class; /* slot: the host's place */
extern const ebb_wait_class ebb_chan_recv_class;
extern const ebb_wait_class ebb_chan_reserve_class;

void ebb_chan_init(ebb_chan *chan, uint64_t cap);

/* EBB_OK, EBB_ECLOSED, or EBB_EAGAIN with no effect. */
int ebb_chan_send(ebb_chan *chan, ebb_xfer *xfer);
int ebb_chan_recv(ebb_chan *chan, ebb_xfer *xfer);
int ebb_chan_reserve(ebb_chan *chan);

/* To be called after a receiver has been linked: a rendezvous channel grants a
   permit when someone is there to take the value. */
void ebb_chan_receiver_came(ebb_chan *chan, const ebb_task *task);

/* A permit is used (cannot fail) or given back. Giving back may move a waiting
   sender's value: xfer->refill as above. */
void ebb_chan_permit_send(ebb_chan *chan, ebb_xfer *xfer);
void ebb_chan_permit_release(ebb_chan *chan, ebb_xfer *xfer);

/* Wakes senders with EBB_ECLOSED, and receivers unless something may still
   come. False when it was closed already. */
bool ebb_chan_close(ebb_chan *chan);

/* True when a recv now would say EBB_ECLOSED. */
static inline bool ebb_chan_is_drained(const ebb_chan *chan)
{
  return chan->closed && chan->count == 0 && chan->reserved == 0;
}

/* Every slot before head + count moves to a ring of n_slots places, from 0. */
static inline void ebb_chan_regrown(ebb_chan *chan, uint64_t n_slots)
{
  chan->head = 0;
  chan->n_slots = n_slots;
}

#endif
