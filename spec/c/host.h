/* SPDX-License-Identifier: MIT */
/* A host for the core without Lua: a task is a C function that is called once
   per resume and keeps its state in `pc` and `data`. It parks itself with
   ebb_wait_link and ebb_task_park, ends with actor_end, or gives way. */
#ifndef EBB_SPEC_HOST_H
#define EBB_SPEC_HOST_H

#include <stdlib.h>

#include "core/rt.h"

typedef struct actor {
  ebb_task task; /* first: an ebb_task * is an actor * */
  void (*step)(struct actor *self);
  int pc; /* how often it has been resumed before */
  void *data;
  uint64_t due_ns;
  int n_overdue;
} actor;

/* The allocator of a world: refuses request number fail_at and later ones. */
typedef struct world {
  ebb_rt rt;
  ebb_alloc alloc;
  long n_asked, fail_at, n_blocks;
} world;

static inline void *world_alloc(void *ud, void *ptr, size_t old_bytes,
                                size_t new_bytes)
{
  world *w = ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    w->n_blocks -= ptr != NULL;
    free(ptr);
    return NULL;
  }
  if (++w->n_asked >= w->fail_at)
    return NULL;
  w->n_blocks += ptr == NULL;
  return realloc(ptr, new_bytes);
}

static inline void actor_resume(ebb_task *task)
{
  actor *self = (actor *)task;
  self->step(self);
  self->pc++;
}

static inline ebb_region *actor_visible(ebb_task *task)
{
  return ebb_region_visible(task);
}

static inline void actor_overdue(ebb_task *task)
{
  ((actor *)task)->n_overdue++;
}

static const ebb_host actor_host = {actor_resume, actor_visible, actor_overdue};

/* Virtual time from 0. */
static inline void world_open(world *w)
{
  w->n_asked = w->n_blocks = 0;
  w->fail_at = 1L << 60;
  ebb_alloc_init(&w->alloc, world_alloc, w);
  ebb_rt_init(&w->rt, &actor_host, &w->alloc, NULL, NULL);
}

/* True when nothing is left over. */
static inline bool world_close(world *w)
{
  bool is_clean = w->rt.n_alive == 0 && w->rt.n_ready == 0 &&
                  w->rt.sleeps.n_live == 0 && w->rt.timers.n_armed == 0 &&
                  ebb_list_is_empty(&w->rt.ending);
  ebb_rt_fini(&w->rt);
  return is_clean && w->n_blocks == 0 && w->alloc.live_bytes == 0;
}

static inline void actor_spawn(world *w, actor *self, void (*step)(actor *),
                               void *data)
{
  *self = (actor){.step = step, .data = data};
  ebb_rt_spawn(&w->rt, &self->task);
}

static inline void actor_end(actor *self)
{
  ebb_region_close(&self->task.base);
  ebb_rt_end(&self->task);
}

/* Ends a task that something else than its own step ends: parked or ready. */
static inline void actor_kill(actor *self)
{
  if (self->task.state == EBB_TASK_PARKED)
    ebb_task_interrupt(&self->task, EBB_ECANCELLED);
  actor_end(self);
}

/* Runs what is ready until nothing is. */
static inline void world_run(world *w)
{
  while (ebb_rt_run_ready(&w->rt, EBB_TURN_LIMIT) > 0)
    continue;
}

/* Moves virtual time to `to_ns`, stopping at every deadline before it. */
static inline void world_pass(world *w, uint64_t to_ns)
{
  world_run(w);
  for (;;) {
    uint64_t due_ns = ebb_rt_next_due(&w->rt);
    if (due_ns > to_ns)
      break;
    ebb_rt_advance(&w->rt, due_ns);
    ebb_rt_fire(&w->rt);
    world_run(w);
  }
  ebb_rt_advance(&w->rt, to_ns);
}

/* --- steps that many tests need --- */

static inline void step_end(actor *self)
{
  actor_end(self);
}

/* Parks in the queue that data points to, then ends. */
static const ebb_wait_class plain_class = {"plain", false, NULL};

static inline void step_wait(actor *self)
{
  if (self->pc == 0) {
    ebb_wait_link(&self->task, 0, &plain_class, self->data, self->data, 0);
    ebb_task_park(&self->task, 1);
  } else {
    actor_end(self);
  }
}

/* Sleeps until due_ns, then ends. */
static inline void step_sleep(actor *self)
{
  if (self->pc == 0) {
    ebb_sleep_reserve(self->task.rt, 1);
    ebb_sleep_link(&self->task, 0, &ebb_sleep_class, self->due_ns);
    ebb_task_park(&self->task, 1);
  } else {
    actor_end(self);
  }
}

#endif
