/* SPDX-License-Identifier: MIT */
#include "sync/broadcast.h"

const ebb_wait_class ebb_broadcast_class = {"broadcast recv", true, NULL};

void ebb_broadcast_init(ebb_broadcast *broadcast, uint64_t cap)
{
  *broadcast = (ebb_broadcast){.cap = cap};
  ebb_list_init(&broadcast->waiters);
  ebb_list_init(&broadcast->subs);
}

/* The number of the oldest value that is still kept. */
static uint64_t first_kept(const ebb_broadcast *broadcast)
{
  return broadcast->tail > broadcast->cap ? broadcast->tail - broadcast->cap
                                          : 0;
}

static void advance(ebb_broadcast_sub *sub, uint64_t next)
{
  if (sub->next == sub->broadcast->oldest)
    sub->broadcast->n_oldest--;
  sub->next = next;
}

void ebb_broadcast_send(ebb_broadcast *broadcast,
                        void (*hand)(ebb_wait *wait, void *ud), void *ud)
{
  uint64_t number = broadcast->tail++;
  ebb_waitq all;
  ebb_list_init(&all);
  ebb_list_splice(&all, &broadcast->waiters);
  ebb_wait *wait; /* a wake may take several nodes out of both lists */
  while ((wait = ebb_waitq_head(&all)) != NULL) {
    ebb_broadcast_sub *sub = wait->source;
    if (sub->next == number) {
      advance(sub, number + 1);
      ebb_wake(wait, EBB_OK);
      hand(wait, ud);
    } else { /* several tasks wait with one subscription: one got it */
      ebb_list_unlink(&wait->link);
      ebb_list_push_back(&broadcast->waiters, &wait->link);
    }
  }
}

void ebb_broadcast_close(ebb_broadcast *broadcast)
{
  broadcast->closed = true;
  ebb_wake_all(&broadcast->waiters, EBB_ECLOSED);
}

void ebb_broadcast_subscribe(ebb_broadcast *broadcast, ebb_broadcast_sub *sub)
{
  sub->broadcast = broadcast;
  sub->next = broadcast->tail;
  ebb_list_push_back(&broadcast->subs, &sub->link);
  if (broadcast->n_subs++ == 0) {
    broadcast->oldest = broadcast->tail;
    broadcast->n_oldest = 0;
  }
  if (broadcast->oldest == broadcast->tail)
    broadcast->n_oldest++;
}

void ebb_broadcast_unsubscribe(ebb_broadcast_sub *sub)
{
  ebb_broadcast *broadcast = sub->broadcast;
  if (broadcast == NULL)
    return;
  advance(sub, broadcast->tail + 1);
  sub->broadcast = NULL;
  ebb_list_unlink(&sub->link);
  broadcast->n_subs--;
  ebb_waitq all;
  ebb_list_init(&all);
  ebb_list_splice(&all, &broadcast->waiters);
  ebb_wait *wait;
  while ((wait = ebb_waitq_head(&all)) != NULL) {
    if (wait->source == sub) {
      ebb_wake(wait, EBB_ECLOSED);
    } else {
      ebb_list_unlink(&wait->link);
      ebb_list_push_back(&broadcast->waiters, &wait->link);
    }
  }
}

int ebb_broadcast_recv(ebb_broadcast_sub *sub, uint64_t *n)
{
  ebb_broadcast *broadcast = sub->broadcast;
  if (broadcast == NULL)
    return EBB_ECLOSED;
  if (sub->next == broadcast->tail)
    return broadcast->closed ? EBB_ECLOSED : EBB_EAGAIN;
  uint64_t first = first_kept(broadcast);
  if (sub->next < first) {
    *n = first - sub->next;
    advance(sub, first);
    return EBB_BROADCAST_LAGGED;
  }
  *n = ebb_broadcast_slot(broadcast, sub->next);
  advance(sub, sub->next + 1);
  return EBB_OK;
}

void ebb_broadcast_link(ebb_task *task, uint32_t i, ebb_broadcast_sub *sub,
                        uint32_t slot)
{
  ebb_wait_link(task, i, &ebb_broadcast_class, sub, &sub->broadcast->waiters,
                slot);
}

/* Who is furthest behind, and how many are. */
static void find_oldest(ebb_broadcast *broadcast)
{
  uint64_t oldest = broadcast->tail;
  size_t n = 0;
  ebb_list_foreach(node, &broadcast->subs) {
    uint64_t next = ebb_container_of(node, ebb_broadcast_sub, link)->next;
    if (next < oldest) {
      oldest = next;
      n = 0;
    }
    n += next == oldest;
  }
  broadcast->oldest = oldest;
  broadcast->n_oldest = n;
}

uint64_t ebb_broadcast_trim(ebb_broadcast *broadcast, uint64_t *from,
                            uint64_t *base)
{
  uint64_t first = first_kept(broadcast);
  *base = broadcast->base;
  if (broadcast->kept < first)
    broadcast->kept = first; /* those slots have been used again */
  *from = broadcast->kept;
  if (broadcast->n_oldest > 0)
    return broadcast->kept;
  find_oldest(broadcast);
  if (broadcast->kept < broadcast->oldest)
    broadcast->kept = broadcast->oldest;
  if (broadcast->kept == broadcast->tail)
    broadcast->base = broadcast->tail;
  return broadcast->kept;
}
