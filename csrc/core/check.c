/* SPDX-License-Identifier: MIT */
/* The invariants of core/wait.h and core/task.h, walked after every task step
   of a debug build. O(tasks); large runtimes are sampled. */
#include "core/rt.h"

#define CHECK_EVERY_STEP_BELOW 256

static void check_regions(const ebb_task *task)
{
  uint32_t n_struck = 0;
  for (const ebb_region *region = task->region; region != NULL;
       region = region->outer) {
    EBB_CHECK(region->task == task);
    if (region->struck)
      n_struck++;
    if (region->outer == NULL)
      EBB_CHECK(region == &task->base);
  }
  EBB_CHECK(n_struck == task->n_struck);
  (void)n_struck;
}

static void check_task(const ebb_rt *rt, const ebb_task *task)
{
  EBB_CHECK(task->rt == rt);
  EBB_CHECK(task->state != EBB_TASK_ENDED);
  EBB_CHECK(task->state != EBB_TASK_RUNNING || rt->current == task);
  EBB_CHECK((task->state == EBB_TASK_READY) == ebb_list_is_linked(&task->link));
  EBB_CHECK(task->state == EBB_TASK_PARKED || task->n_waits == 0);
  EBB_CHECK(task->n_waits <= task->cap_waits);
  for (uint32_t i = 0; i < task->n_waits; i++) {
    EBB_CHECK(task->waits[i].task == task);
    EBB_CHECK(task->waits[i].arm == i);
    EBB_CHECK(ebb_list_is_linked(&task->waits[i].link) ||
              task->waits[i].cls->leave != NULL ||
              task->waits[i].source == NULL);
  }
  check_regions(task);
  (void)rt;
}

void ebb_rt_check(const ebb_rt *rt)
{
  if (rt->n_alive > CHECK_EVERY_STEP_BELOW && rt->count.polls % 1024 != 0)
    return;
  size_t n_tasks = 0, n_ready = 0;
  ebb_list_foreach(node, &rt->tasks) {
    const ebb_task *task = ebb_container_of(node, ebb_task, all);
    check_task(rt, task);
    n_tasks++;
    n_ready += task->state == EBB_TASK_READY;
  }
  EBB_CHECK(n_tasks == rt->n_alive);
  EBB_CHECK(n_ready == rt->n_ready);
  (void)n_tasks;
  (void)n_ready;
}
