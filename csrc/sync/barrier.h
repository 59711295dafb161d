/* SPDX-License-Identifier: MIT */
/* Barrier: n tasks meet; the last to come leads and wakes the others, then the
   next n may. A task that gives up waiting does not count. Latch: opens, for
   good, when it has been counted down to 0.

   O(1) but for those who are woken; nothing allocates or fails. */
#ifndef EBB_SYNC_BARRIER_H
#define EBB_SYNC_BARRIER_H

#include "core/task.h"

typedef struct ebb_barrier {
  ebb_waitq waiters;
  uint64_t n;
  uint64_t n_here; /* tasks that wait, each counted once */
} ebb_barrier;

extern const ebb_wait_class ebb_barrier_class; /* "barrier" */

void ebb_barrier_init(ebb_barrier *barrier, uint64_t n);
/* EBB_OK: the caller is the last one, the others are awake. Or EBB_EAGAIN. */
int ebb_barrier_arrive(ebb_barrier *barrier);
void ebb_barrier_link(ebb_task *task, uint32_t i, ebb_barrier *barrier,
                      uint32_t slot);

typedef struct ebb_latch {
  ebb_waitq waiters;
  uint64_t n;
} ebb_latch;

extern const ebb_wait_class ebb_latch_class; /* "latch" */

void ebb_latch_init(ebb_latch *latch, uint64_t n);
/* By n, not below 0; wakes all who wait when it gets there. */
void ebb_latch_count_down(ebb_latch *latch, uint64_t n);

#endif
