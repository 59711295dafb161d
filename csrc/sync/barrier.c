/* SPDX-License-Identifier: MIT */
#include "sync/barrier.h"

static void leave(ebb_wait *wait)
{
  ebb_barrier *barrier = wait->source;
  barrier->n_here--;
}

const ebb_wait_class ebb_barrier_class = {"barrier", false, leave};
/* A select may have several arms on one barrier: these are not counted. */
static const ebb_wait_class again_class = {"barrier", false, NULL};
const ebb_wait_class ebb_latch_class = {"latch", false, NULL};

void ebb_barrier_init(ebb_barrier *barrier, uint64_t n)
{
  ebb_list_init(&barrier->waiters);
  barrier->n = n;
  barrier->n_here = 0;
}

int ebb_barrier_arrive(ebb_barrier *barrier)
{
  if (barrier->n_here + 1 < barrier->n)
    return EBB_EAGAIN;
  ebb_wake_all(&barrier->waiters, EBB_OK);
  return EBB_OK;
}

void ebb_barrier_link(ebb_task *task, uint32_t i, ebb_barrier *barrier,
                      uint32_t slot)
{
  const ebb_wait_class *cls = &ebb_barrier_class;
  if (!ebb_list_is_empty(&barrier->waiters)) {
    ebb_wait *last = ebb_container_of(barrier->waiters.prev, ebb_wait, link);
    if (last->task == task)
      cls = &again_class;
  }
  if (cls == &ebb_barrier_class)
    barrier->n_here++;
  ebb_wait_link(task, i, cls, barrier, &barrier->waiters, slot);
}

void ebb_latch_init(ebb_latch *latch, uint64_t n)
{
  ebb_list_init(&latch->waiters);
  latch->n = n;
}

void ebb_latch_count_down(ebb_latch *latch, uint64_t n)
{
  latch->n = n < latch->n ? latch->n - n : 0;
  if (latch->n == 0)
    ebb_wake_all(&latch->waiters, EBB_OK);
}
