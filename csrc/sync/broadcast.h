/* SPDX-License-Identifier: MIT */
/* Broadcast: every subscription gets every value sent after it was made. The
   last `cap` values are kept for those who are behind; who is further behind
   has lagged and is told how many it missed, once. Sending never waits.

   The values are the host's: a value that is sent goes to the tasks that wait
   and into a slot, where it stays until every subscription has passed it. Slots
   are numbered from 0 again whenever all have passed everything.

   Invariant: who waits has received all. Nothing allocates or fails; O(1) but
   for those who are woken and (amortised) for finding who is furthest behind.
 */
#ifndef EBB_SYNC_BROADCAST_H
#define EBB_SYNC_BROADCAST_H

#include "core/task.h"

/* A third outcome of ebb_broadcast_recv. */
#define EBB_BROADCAST_LAGGED 1

typedef struct ebb_broadcast {
  ebb_waitq waiters; /* source: the ebb_broadcast_sub */
  ebb_list subs;
  uint64_t cap;
  uint64_t tail;   /* number of the next value */
  uint64_t base;   /* the value in slot 0, or one a multiple of cap later */
  uint64_t kept;   /* slots before this value's are empty */
  uint64_t oldest; /* least `next` of all subscriptions */
  size_t n_subs, n_oldest;
  bool closed;
} ebb_broadcast;

typedef struct ebb_broadcast_sub {
  ebb_broadcast *broadcast; /* NULL once closed */
  ebb_list link;
  uint64_t next; /* number of the value it gets next */
} ebb_broadcast_sub;

extern const ebb_wait_class ebb_broadcast_class; /* "broadcast recv" */

void ebb_broadcast_init(ebb_broadcast *broadcast, uint64_t cap);

/* Where a value lies. */
static inline uint64_t ebb_broadcast_slot(const ebb_broadcast *broadcast,
                                          uint64_t number)
{
  return (number - broadcast->base) % broadcast->cap;
}

/* The value that the host has put into the slot of `tail` is sent: calls
   hand(wait, ud) for each task that has been woken to get it. There must be
   subscriptions, and it must not be closed. */
void ebb_broadcast_send(ebb_broadcast *broadcast,
                        void (*hand)(ebb_wait *wait, void *ud), void *ud);
/* Wakes who waits with EBB_ECLOSED; what was sent is received first. */
void ebb_broadcast_close(ebb_broadcast *broadcast);

void ebb_broadcast_subscribe(ebb_broadcast *broadcast, ebb_broadcast_sub *sub);
/* Who waits with it gets EBB_ECLOSED. O(waiters); harmless twice. */
void ebb_broadcast_unsubscribe(ebb_broadcast_sub *sub);

/* EBB_OK: the value lies in slot *n. EBB_BROADCAST_LAGGED: *n were missed, the
   next call gets the oldest kept. EBB_EAGAIN, EBB_ECLOSED. */
int ebb_broadcast_recv(ebb_broadcast_sub *sub, uint64_t *n);
void ebb_broadcast_link(ebb_task *task, uint32_t i, ebb_broadcast_sub *sub,
                        uint32_t slot);

/* After a send, recv or unsubscribe: the values that nobody waits for any more
   are those from *from to the returned number; the host empties their slots
   (found with *base: they may be renumbered by now). Mostly none. */
uint64_t ebb_broadcast_trim(ebb_broadcast *broadcast, uint64_t *from,
                            uint64_t *base);

#endif
