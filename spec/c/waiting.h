/* SPDX-License-Identifier: MIT */
/* Tasks without Lua, for tests of what they wait for: a test says itself when
   one runs, parks and is cancelled. */
#ifndef EBB_SPEC_WAITING_H
#define EBB_SPEC_WAITING_H

#include "core/rt.h"

#define N_TASKS 64

static ebb_alloc alloc;
static ebb_rt rt;
static ebb_task tasks[N_TASKS];

static inline void no_resume(ebb_task *task)
{
  (void)task;
}

static const ebb_host no_host = {
    .resume = no_resume, .visible = NULL, .overdue = NULL};

/* A task that was ready (or new) runs. */
static inline ebb_task *run_task(int i)
{
  ebb_task *task = &tasks[i];
  ebb_list_unlink(&task->link);
  rt.n_ready--;
  task->state = EBB_TASK_RUNNING;
  rt.current = task;
  return task;
}

static inline void begin(void)
{
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_rt_init(&rt, &no_host, &alloc, NULL, NULL);
  for (int i = 0; i < N_TASKS; i++) {
    ebb_rt_spawn(&rt, &tasks[i]);
    ebb_task_reserve(&tasks[i], 4);
  }
}

/* The task, which has linked n nodes, waits. */
static inline void park(int i, uint32_t n)
{
  ebb_task_park(&tasks[i], n);
  rt.current = NULL;
}

static inline bool is_waiting(int i)
{
  return tasks[i].state == EBB_TASK_PARKED;
}

static inline void cancel(int i)
{
  ebb_task_interrupt(&tasks[i], EBB_ECANCELLED);
}

static inline void end(void)
{
  for (int i = 0; i < N_TASKS; i++) {
    if (is_waiting(i))
      cancel(i);
    if (tasks[i].state == EBB_TASK_READY)
      run_task(i);
    ebb_rt_end(&tasks[i]);
  }
  ebb_rt_fini(&rt);
}

#endif
