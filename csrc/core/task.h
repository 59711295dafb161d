/* SPDX-License-Identifier: MIT */
/* A task as the core sees it: a state, its wait nodes, its regions. What it
   runs belongs to the host (ebb_host in core/rt.h), which embeds this struct.

   I2 a task is in exactly one place: the ready queue (READY), rt->current
   (RUNNING), wait queues (PARKED), or it has ended. */
#ifndef EBB_CORE_TASK_H
#define EBB_CORE_TASK_H

#include "base/list.h"
#include "core/region.h"
#include "core/wait.h"

typedef struct ebb_rt ebb_rt;
struct ebb_scope;

enum { EBB_TASK_READY, EBB_TASK_RUNNING, EBB_TASK_PARKED, EBB_TASK_ENDED };

/* Values of `arm` that are no node: it was interrupted; it had given way. */
#define EBB_ARM_NONE  UINT32_MAX
#define EBB_ARM_YIELD (UINT32_MAX - 1)

struct ebb_task {
  ebb_list link; /* in rt->ready while READY */
  ebb_rt *rt;
  ebb_wait *waits; /* &wait0, or a grown array of cap_waits nodes */
  ebb_wait wait0;
  uint32_t n_waits, cap_waits; /* linked nodes; size of the array */
  uint32_t arm;                /* which node woke the task, or EBB_ARM_… */
  int32_t status;              /* with what */
  uint8_t state;
  bool took;            /* the wake handed over a value (class `takes`) */
  bool uninterruptible; /* this park ends only by what it waits for */
  bool cancel_asked;    /* its own region is struck: it has been asked to end */
  bool overdue;         /* its cleanups have used up the cleanup_timeout */
  uint8_t budget;       /* awaits left in this turn before it must give way */
  uint16_t n_struck;    /* struck regions on the stack: the one hot check */
  ebb_region *region;   /* innermost */
  ebb_region base;      /* its own region, the outermost */
  ebb_waitq joiners;    /* who waits for its end */
  ebb_list all;         /* in rt->tasks from spawn to end */
  ebb_list sibling;     /* in scope->children */
  struct ebb_scope *scope;
  ebb_list ending; /* in rt->ending once it has been asked to end */
  uint64_t ending_due_ns;
  uint64_t id;
};

/* Makes room for n wait nodes: NULL when out of memory, with nothing changed.
   The nodes are the task's and are set up with ebb_wait_link. */
ebb_wait *ebb_task_reserve(ebb_task *task, uint32_t n);

/* Node i of the task joins `queue` (NULL: the source keeps no queue and the
   class's leave() does what is needed). `task` must have reserved i + 1. */
static inline ebb_wait *ebb_wait_link(ebb_task *task, uint32_t i,
                                      const ebb_wait_class *cls, void *source,
                                      ebb_waitq *queue, uint32_t slot)
{
  ebb_wait *wait = &task->waits[i];
  wait->task = task;
  wait->cls = cls;
  wait->source = source;
  wait->arm = i;
  wait->slot = slot;
  if (queue != NULL)
    ebb_list_push_back(queue, &wait->link);
  else
    ebb_list_init(&wait->link);
  return wait;
}

/* The running task now waits with its first n nodes. */
static inline void ebb_task_park(ebb_task *task, uint32_t n)
{
  EBB_CHECK(task->state == EBB_TASK_RUNNING);
  task->n_waits = n;
  task->state = EBB_TASK_PARKED;
}

/* The running task goes to the back of the ready queue. */
void ebb_task_yield(ebb_task *task);

/* Wakes a PARKED task through no node at all: cancel and shutdown. */
void ebb_task_interrupt(ebb_task *task, int status);

/* The time of its cleanups is over: their awaits throw, and so do the shields'
   at the end of the run (the host's `visible` knows). Reports it. */
void ebb_task_time_up(ebb_task *task);

/* Asks the task to end: strikes its own region and starts the clock of its
   cleanups. False when it has ended already. */
bool ebb_task_ask_cancel(ebb_task *task);
/* The same with cleanups that must be done by due_ns: a child shares the time
   of the task that asks it to end. O(tasks being ended) at worst. */
bool ebb_task_cancel_by(ebb_task *task, uint64_t due_ns);

#endif
