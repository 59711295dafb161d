/* SPDX-License-Identifier: MIT */
/* Clocks: time that follows another time, faster or slower, with pauses. What
   one follows is its *source*: the runtime's time, another clock, or steps by
   hand or by the host's frames. Deadlines are kept in the clock's own time, so
   a change of scale moves none of them; the source's wheel holds one timer for
   the earliest.

   now = base + (source - base_source) * scale, from the last change of scale
   on, so nothing adds up; equal deadlines fire in the order they were armed.

   A clock lives inside its owner's memory, which outlives what is armed on it
   and is outlived by its parent. Nothing here allocates, fails, or runs task
   code. */
#ifndef EBB_CORE_CLOCK_H
#define EBB_CORE_CLOCK_H

#include "core/rt.h"

enum {
  EBB_CLOCK_RT,     /* follows the runtime's time */
  EBB_CLOCK_CHILD,  /* follows another clock */
  EBB_CLOCK_MANUAL, /* moved by ebb_clock_advance */
  EBB_CLOCK_FRAME,  /* moved by ebb_rt_frame; until the first, the runtime's
                       time in steps of 1 / EBB_FRAMES_PER_S */
};

#define EBB_FRAMES_PER_S 60

typedef struct ebb_clock {
  ebb_timers timers;
  uint64_t now_ns;  /* when last looked at; never goes back */
  uint64_t base_ns; /* the clock's time at the last change of scale */
  double base_rest; /* and the fraction of a nanosecond beyond */
  uint64_t base_source_ns;
  uint64_t source_ns; /* MANUAL and FRAME: what it was moved to */
  uint64_t slack_ns;  /* deadlines so little away have come */
  double scale;
  ebb_rt *rt;
  struct ebb_clock *parent; /* CHILD only */
  ebb_timer timer;          /* in the source's wheel while something is armed */
  uint64_t timer_for_ns;    /* the deadline that it is for */
  uint8_t kind;
  bool paused;
  bool stepped; /* FRAME: there has been a frame */
} ebb_clock;

/* parent: for CHILD. rt: whose time, or whose frames. A FRAME clock makes
   itself the runtime's. */
void ebb_clock_init(ebb_clock *clock, int kind, ebb_rt *rt, ebb_clock *parent,
                    double scale);
void ebb_clock_fini(ebb_clock *clock);

/* Looks at the source: what the clock says now. */
uint64_t ebb_clock_refresh(ebb_clock *clock);
/* The latest deadline that has come, as of the last look. */
static inline uint64_t ebb_clock_reached(const ebb_clock *clock)
{
  return clock->now_ns + clock->slack_ns;
}

void ebb_clock_arm(ebb_clock *clock, ebb_timer *timer, uint64_t due_ns);
void ebb_clock_disarm(ebb_clock *clock, ebb_timer *timer);

/* scale >= 0 and finite. */
void ebb_clock_set_scale(ebb_clock *clock, double scale);
void ebb_clock_set_paused(ebb_clock *clock, bool paused);
/* MANUAL: moves the source on and fires what is due. */
void ebb_clock_advance(ebb_clock *clock, uint64_t span_ns);
/* FRAME: a frame has begun; frame_time_s is the sum of all. */
void ebb_clock_frame(ebb_clock *clock, double frame_time_s);

/* Like ebb_sleep_link, on the clock. The clock's class is "clock". */
ebb_wait *ebb_clock_sleep_link(ebb_task *task, uint32_t i, ebb_clock *clock,
                               uint64_t due_ns);
/* now + seconds of the clock, to the nearest nanosecond, saturating. */
uint64_t ebb_clock_due_in(ebb_clock *clock, double seconds);

#endif
