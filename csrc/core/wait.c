/* SPDX-License-Identifier: MIT */
#include "core/wait.h"

#include "core/rt.h"

static void leave_queues(ebb_task *task)
{
  uint32_t n = task->n_waits;
  task->n_waits = 0;
  for (uint32_t i = 0; i < n; i++) {
    ebb_wait *wait = &task->waits[i];
    ebb_list_unlink(&wait->link);
    if (wait->cls->leave != NULL)
      wait->cls->leave(wait);
  }
}

static void make_ready(ebb_task *task)
{
  ebb_rt *rt = task->rt;
  task->state = EBB_TASK_READY;
  ebb_list_push_back(&rt->ready, &task->link);
  rt->n_ready++;
  rt->count.wakeups++;
}

void ebb_wake(ebb_wait *wait, int status)
{
  ebb_task *task = wait->task;
  EBB_CHECK(task->state == EBB_TASK_PARKED);
  task->arm = wait->arm;
  task->status = status;
  task->took = status == EBB_OK && wait->cls->takes;
  if (task->n_waits == 1 && wait->cls->leave == NULL) {
    task->n_waits = 0;
    ebb_list_unlink(&wait->link);
  } else {
    leave_queues(task);
  }
  make_ready(task);
}

size_t ebb_wake_all(ebb_waitq *queue, int status)
{
  size_t n = 0;
  ebb_wait *wait;
  while ((wait = ebb_waitq_head(queue)) != NULL) {
    ebb_wake(wait, status);
    n++;
  }
  return n;
}

void ebb_task_interrupt(ebb_task *task, int status)
{
  EBB_CHECK(task->state == EBB_TASK_PARKED);
  task->arm = EBB_ARM_NONE;
  task->status = status;
  task->took = false;
  leave_queues(task);
  make_ready(task);
}

void ebb_task_yield(ebb_task *task)
{
  EBB_CHECK(task->state == EBB_TASK_RUNNING);
  task->arm = EBB_ARM_YIELD;
  task->status = EBB_OK;
  task->took = false;
  task->state = EBB_TASK_READY;
  ebb_list_push_back(&task->rt->ready, &task->link);
  task->rt->n_ready++;
}

ebb_wait *ebb_task_reserve(ebb_task *task, uint32_t n)
{
  if (EBB_LIKELY(n <= task->cap_waits))
    return task->waits;
  EBB_CHECK(task->n_waits == 0);
  uint32_t cap = task->cap_waits < 4 ? 8 : task->cap_waits * 2;
  if (cap < n)
    cap = n;
  ebb_wait *waits = ebb_alloc_get(task->rt->alloc, (size_t)cap * sizeof *waits);
  if (waits == NULL)
    return NULL;
  if (task->waits != &task->wait0)
    ebb_alloc_put(task->rt->alloc, task->waits,
                  task->cap_waits * sizeof *waits);
  task->waits = waits;
  task->cap_waits = cap;
  return waits;
}
