/* SPDX-License-Identifier: MIT */
#include "sync/sem.h"

const ebb_wait_class ebb_sem_class = {"semaphore acquire", true, NULL};
const ebb_wait_class ebb_sem_many_class = {"semaphore acquire", true,
                                           ebb_sem_leave};

void ebb_sem_init(ebb_sem *sem, uint64_t available)
{
  ebb_list_init(&sem->waiters);
  sem->available = available;
  sem->closed = sem->admitting = false;
}

/* The first in the queue, but for tasks that are just leaving all their queues
   (n_waits is 0 by then): those must not be woken again. */
static ebb_wait *first(const ebb_sem *sem)
{
  ebb_list_foreach(node, &sem->waiters) {
    ebb_wait *wait = ebb_container_of(node, ebb_wait, link);
    if (EBB_LIKELY(wait->task->n_waits != 0))
      return wait;
  }
  return NULL;
}

/* Serves the queue from its head. */
static void admit(ebb_sem *sem)
{
  if (sem->admitting || sem->closed)
    return;
  sem->admitting = true;
  ebb_wait *head;
  while ((head = first(sem)) != NULL) {
    ebb_sem_claim *claim = head->source;
    if (claim->n > sem->available)
      break;
    sem->available -= claim->n;
    claim->held = true;
    ebb_wake(head, EBB_OK);
  }
  sem->admitting = false;
}

void ebb_sem_leave(ebb_wait *wait)
{
  ebb_sem_claim *claim = wait->source;
  admit(claim->sem);
}

int ebb_sem_acquire(ebb_sem *sem, uint64_t n)
{
  if (EBB_UNLIKELY(sem->closed))
    return EBB_ECLOSED;
  if (n == 0)
    return EBB_OK;
  if (sem->available < n || !ebb_list_is_empty(&sem->waiters))
    return EBB_EAGAIN;
  sem->available -= n;
  return EBB_OK;
}

void ebb_sem_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                  ebb_sem_claim *claim, uint32_t slot)
{
  EBB_CHECK(!claim->held);
  EBB_CHECK(claim->n <= 1 || cls->leave != NULL);
  ebb_wait_link(task, i, cls, claim, &claim->sem->waiters, slot);
}

void ebb_sem_release(ebb_sem *sem, uint64_t n)
{
  sem->available += n;
  if (EBB_UNLIKELY(!ebb_list_is_empty(&sem->waiters)))
    admit(sem);
}

uint64_t ebb_sem_forget(ebb_sem *sem, uint64_t n)
{
  if (n > sem->available)
    n = sem->available;
  sem->available -= n;
  return n;
}

void ebb_sem_close(ebb_sem *sem)
{
  sem->closed = true;
  ebb_wake_all(&sem->waiters, EBB_ECLOSED);
}
