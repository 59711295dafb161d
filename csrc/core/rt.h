/* SPDX-License-Identifier: MIT */
/* The executor: a ready queue, the timers, and time as a value. It runs tasks
   through its host and knows neither Lua nor libuv. One thread.

   A turn: due timers fire, then ready tasks run, EBB_TURN_LIMIT resumes at the
   most; the driver polls I/O between turns. FIFO, unless a seed shuffles. */
#ifndef EBB_CORE_RT_H
#define EBB_CORE_RT_H

#include "alloc/alloc.h"
#include "alloc/slab.h"
#include "base/rng.h"
#include "core/task.h"
#include "core/timer.h"

/* What runs the tasks. Neither function may raise out of the core. */
typedef struct ebb_host {
  /* Runs `task` until it parks, yields or ends. */
  void (*resume)(ebb_task *task);
  /* Like ebb_region_visible, knowing which cleanups run. */
  ebb_region *(*visible)(ebb_task *task);
  /* The task's cleanups are overdue (it has been woken). */
  void (*overdue)(ebb_task *task);
} ebb_host;

/* What a task that sleeps, or a select arm with a time, waits with. */
typedef struct ebb_sleep {
  ebb_timer timer;
  ebb_wait *wait;
  ebb_rt *rt;
  struct ebb_clock *clock; /* see core/clock.h */
} ebb_sleep;

typedef struct ebb_counters {
  uint64_t spawned, done, failed, cancelled;
  uint64_t polls, wakeups, turns;
  uint64_t busy_ns, slowest_ns;
} ebb_counters;

struct ebb_rt {
  uint64_t now_ns; /* never goes back */
  /* Reads the clock; NULL: virtual time, moved by ebb_rt_advance only. */
  uint64_t (*clock)(void *clock_ud);
  void *clock_ud;
  const ebb_host *host;
  ebb_alloc *alloc;
  ebb_list ready;
  size_t n_ready;
  bool shuffled;  /* ready tasks are picked by rng */
  bool turn_over; /* the host's wish: clock and I/O come before more tasks */
  struct ebb_shake *shake; /* runs them instead, or NULL: see core/shake.h */
  uint64_t ended_id;       /* of the task that ended last */
  ebb_task *current;
  ebb_list tasks; /* every live task, oldest first */
  size_t n_alive;
  ebb_timers timers;
  ebb_slab sleeps; /* of ebb_sleep */
  ebb_waitq frame; /* who waits for the next frame */
  ebb_list ending; /* tasks asked to end, by ending_due_ns */
  uint64_t cleanup_timeout_ns;
  uint64_t next_id;
  uint64_t frame_number;
  double frame_dt_s;             /* of the current frame */
  double frame_time_s;           /* sum of all dt */
  struct ebb_clock *frame_clock; /* the one that the frames move, or NULL */
  ebb_rng rng;
  ebb_counters count;
};

#define EBB_TURN_LIMIT  64
#define EBB_TASK_BUDGET 128

void ebb_rt_init(ebb_rt *rt, const ebb_host *host, ebb_alloc *alloc,
                 uint64_t (*clock)(void *), void *clock_ud);
/* All tasks must have ended. */
void ebb_rt_fini(ebb_rt *rt);

/* Every ready task is picked at random from now on, reproducibly. */
void ebb_rt_seed(ebb_rt *rt, uint64_t seed);

/* A task begins: READY, in rt->tasks. `task` is the host's memory. */
void ebb_rt_spawn(ebb_rt *rt, ebb_task *task);
/* The running (or never started) task has ended: joiners wake, it leaves its
   scope and all lists. The host may free it afterwards. */
void ebb_rt_end(ebb_task *task);

/* Reads the clock into now_ns (never back); a no-op on virtual time. */
static inline uint64_t ebb_rt_refresh(ebb_rt *rt)
{
  if (rt->clock != NULL) {
    uint64_t now_ns = rt->clock(rt->clock_ud);
    if (now_ns > rt->now_ns)
      rt->now_ns = now_ns;
  }
  return rt->now_ns;
}

/* Moves virtual time (or a host's clock) forward. */
void ebb_rt_advance(ebb_rt *rt, uint64_t now_ns);

/* Fires what is due at now_ns; returns how many timers fired. */
size_t ebb_rt_fire(ebb_rt *rt);
/* Runs at most `limit` of the tasks that are ready now; returns how many ran.
   Stops after one that has set turn_over. */
size_t ebb_rt_run_ready(ebb_rt *rt, size_t limit);
/* Wakes everyone who waits for the next frame. */
void ebb_rt_frame(ebb_rt *rt, double dt_s);
/* The earliest deadline, of timers or of cleanups; EBB_NEVER when none. */
uint64_t ebb_rt_next_due(const ebb_rt *rt);

/* --- time as something to wait for --- */

extern const ebb_wait_class ebb_sleep_class; /* name "sleep" */

/* Makes sure that `n` calls of ebb_sleep_link cannot fail. */
bool ebb_sleep_reserve(ebb_rt *rt, size_t n);
/* Node i of the task wakes it at due_ns with EBB_OK. `cls` must be
   ebb_sleep_class or one whose leave() calls ebb_sleep_leave. */
ebb_wait *ebb_sleep_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                         uint64_t due_ns);
void ebb_sleep_leave(ebb_wait *wait);

extern const ebb_wait_class ebb_frame_class; /* name "next_frame" */

/* now + seconds, saturating: for the conversion at the edge. */
uint64_t ebb_due_in(uint64_t now_ns, double seconds);

/* Debug builds: walks every list and traps on a broken invariant. */
void ebb_rt_check(const ebb_rt *rt);

#endif
