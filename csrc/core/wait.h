/* SPDX-License-Identifier: MIT */
/* The one waiting protocol. Whatever can be waited for keeps a queue of
   ebb_wait nodes. A task that waits owns one node per thing it waits for (one
   for a receive, n for a select, none that the heap must provide at wake time):

     ebb_task_reserve   get n nodes (may fail; nothing has happened yet)
     ebb_wait_link      put each into its queue (cannot fail)
     ebb_task_park      the task is now PARKED; the host suspends it
     ebb_wake           something happened: ALL nodes of the task leave their
                        queues, arm and status are stored, the task is READY

   Select is n nodes, a timeout is one node in the timers beside the others,
   cancel is ebb_task_interrupt: a wake with another status. Nothing else makes
   a parked task ready.

   Invariants (walked by core/check.c in debug builds)
   I1 a node is linked <=> its task is PARKED.
   I3 one wake per park; a second is a broken invariant.
   I4 delivered is delivered: once woken with EBB_OK by a class that `takes`,
      no cancel or deadline takes the value away.
   Waking, interrupting and unlinking never allocate, fail or run task code. */
#ifndef EBB_CORE_WAIT_H
#define EBB_CORE_WAIT_H

#include "base/base.h"
#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>

typedef struct ebb_task ebb_task;
typedef struct ebb_wait ebb_wait;

/* A queue of waiting nodes, FIFO, inside the primitive that is waited for. */
typedef ebb_list ebb_waitq;

typedef struct ebb_wait_class {
  const char *name; /* "channel recv": in dumps and deadlock reports */
  bool takes;       /* a wake with EBB_OK hands over what must not be lost */
  /* Optional: the node has just left its queue, by winning or not. May wake
     other tasks (a semaphore re-checks its head), never this one. */
  void (*leave)(ebb_wait *wait);
} ebb_wait_class;

struct ebb_wait {
  ebb_list link; /* in the source's queue while the task is PARKED */
  ebb_task *task;
  const ebb_wait_class *cls;
  void *source;  /* the primitive, for leave() and for reports */
  uint32_t arm;  /* index among the task's nodes */
  uint32_t slot; /* for the host: where the payload lies, or how many permits */
};

/* The longest-waiting node, or NULL. */
static inline ebb_wait *ebb_waitq_head(const ebb_waitq *queue)
{
  return ebb_list_is_empty(queue)
             ? NULL
             : ebb_container_of(queue->next, ebb_wait, link);
}

/* Wakes the task of `wait` through this node: see the protocol above. */
void ebb_wake(ebb_wait *wait, int status);

/* Wakes every node in the queue with `status`; returns how many. */
size_t ebb_wake_all(ebb_waitq *queue, int status);

#endif
