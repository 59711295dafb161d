/* SPDX-License-Identifier: MIT */
/* Semaphore: a number of permits and a strict queue for them. Whoever asks for
   n waits until n are there and everybody before it has been served: a large
   request is not overtaken by small ones, a newcomer never by luck.

   Mutexes (one permit) and rwlocks (a writer takes all) are made of it, with
   wait classes of their own name.

   A waiting request is an ebb_sem_claim in the host's memory, which outlives
   the wait. It is marked `held` at the moment of the wake, so that what holds
   the claim can give the permits back whatever becomes of the task.

   Invariant: not closed and somebody waits => available < the head's n.
   Nothing allocates, fails or calls out. O(1) but for those who are woken. */
#ifndef EBB_SYNC_SEM_H
#define EBB_SYNC_SEM_H

#include "core/task.h"

typedef struct ebb_sem {
  ebb_waitq waiters;
  uint64_t available;
  bool closed;
  bool admitting; /* the queue is being served: leave() has nothing to do */
} ebb_sem;

typedef struct ebb_sem_claim {
  ebb_sem *sem;
  uint64_t n;
  bool held;
} ebb_sem_claim;

/* One permit, and several: the latter's leave() serves those behind it. */
extern const ebb_wait_class ebb_sem_class, ebb_sem_many_class;
/* For wait classes of claims with n > 1. */
void ebb_sem_leave(ebb_wait *wait);

void ebb_sem_init(ebb_sem *sem, uint64_t available);

/* EBB_OK, EBB_ECLOSED, or EBB_EAGAIN with no effect: also when enough are there
   but others wait. n == 0 waits for nobody. */
int ebb_sem_acquire(ebb_sem *sem, uint64_t n);

/* Node i of the task waits for what the claim says: EBB_OK or EBB_ECLOSED.
   `cls` has ebb_sem_leave if n > 1. */
void ebb_sem_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                  ebb_sem_claim *claim, uint32_t slot);

/* n more permits, new ones or ones that come back. */
void ebb_sem_release(ebb_sem *sem, uint64_t n);

/* Takes up to n of the available ones away for good; returns how many. */
uint64_t ebb_sem_forget(ebb_sem *sem, uint64_t n);

/* Wakes everybody with EBB_ECLOSED; permits may still come back. */
void ebb_sem_close(ebb_sem *sem);

#endif
