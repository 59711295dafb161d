/* SPDX-License-Identifier: MIT */
#include "core/region.h"

#include "core/rt.h"

void ebb_region_open(ebb_region *region, ebb_task *task, int kind)
{
  region->outer = task->region;
  region->task = task;
  region->frame = NULL;
  region->n_below = 0;
  region->kind = (uint8_t)kind;
  region->struck = region->soft = region->has_error = false;
  region->unwinding = region->cleanup = false;
  task->region = region;
}

void ebb_region_close(ebb_region *region)
{
  ebb_task *task = region->task;
  EBB_CHECK(task->region == region);
  task->region = region->outer;
  if (region->struck)
    task->n_struck--;
}

ebb_region *ebb_region_visible(const ebb_task *task)
{
  ebb_region *seen = NULL;
  for (ebb_region *region = task->region; region != NULL;
       region = region->outer) {
    if (region->kind == EBB_REGION_SHIELD && !task->overdue)
      break;
    if (region->struck)
      seen = region;
  }
  return seen;
}

void ebb_region_strike(ebb_region *region, bool soft)
{
  ebb_task *task = region->task;
  if (region->struck) {
    region->soft = region->soft && soft;
  } else {
    region->struck = true;
    region->soft = soft;
    task->n_struck++;
  }
  if (task->state == EBB_TASK_PARKED && !task->uninterruptible &&
      task->rt->host->visible(task) != NULL)
    ebb_task_interrupt(task, EBB_ECANCELLED);
}

bool ebb_task_cancel_by(ebb_task *task, uint64_t due_ns)
{
  if (task->state == EBB_TASK_ENDED)
    return false;
  if (!task->cancel_asked) {
    ebb_rt *rt = task->rt;
    task->cancel_asked = true;
    task->ending_due_ns = due_ns;
    /* nearly always the latest: sorted insertion from the back */
    ebb_list *after = rt->ending.prev;
    while (after != &rt->ending &&
           ebb_container_of(after, ebb_task, ending)->ending_due_ns > due_ns)
      after = after->prev;
    ebb_list_push_front(after, &task->ending);
  }
  ebb_region_strike(&task->base, false);
  return true;
}

bool ebb_task_ask_cancel(ebb_task *task)
{
  ebb_rt *rt = task->rt;
  /* it may come from outside, after the runtime has waited for long */
  uint64_t now_ns = ebb_rt_refresh(rt), span_ns = rt->cleanup_timeout_ns;
  return ebb_task_cancel_by(
      task, span_ns > EBB_NEVER - now_ns ? EBB_NEVER : now_ns + span_ns);
}
