/* SPDX-License-Identifier: MIT */
/* Deadlines of one runtime: a hierarchical wheel (8 levels of 64 slots, the
   finest 2^16 ns wide) for what is far, an intrusive pairing heap for what is
   near. Arming is O(1), so is disarming of what is far; nothing allocates.
   Expiry is exact: timers pop in order of (due_ns, order of arming), never
   before due_ns.

   A timer lives inside the struct of its owner, who must disarm it before that
   memory goes, and must not move it while it is armed. Nothing here reads a
   clock, calls out, raises or yields.

   Invariants: what is in the wheel is later than the slot in which the wheel
   stands, what is in the heap is in that slot or before it; all timers of a
   level come before those of a coarser one; the heap's root is its earliest.

   Idea of levels chosen by the highest differing bit, with an occupancy mask
   per level: Varghese and Lauck's hierarchical wheels, as tokio uses them. */
#ifndef EBB_CORE_TIMER_H
#define EBB_CORE_TIMER_H

#include "base/base.h"
#include "base/list.h"

#include <stdbool.h>

typedef struct ebb_timer ebb_timer;
struct ebb_timer {
  /* In the wheel: list links. In the heap: sibling links (see timer.c). */
  ebb_timer *next, *prev;
  ebb_timer *child; /* heap only */
  uint64_t due_ns;
  uint64_t order;                 /* ties: the one armed first fires first */
  void (*fire)(ebb_timer *timer); /* set by the owner; called by ebb_rt only */
  uint16_t place;                 /* disarmed, heap, or wheel level and slot */
};

#define EBB_WHEEL_LEVELS 8
#define EBB_WHEEL_SLOTS  64

typedef struct ebb_timers {
  struct {
    ebb_timer *first;    /* doubly linked, unordered */
    uint64_t min_due_ns; /* lower bound of its timers; exact unless one was
                            disarmed */
  } slots[EBB_WHEEL_LEVELS][EBB_WHEEL_SLOTS];
  uint64_t occupied[EBB_WHEEL_LEVELS]; /* bit i: slots[level][i] is not empty */
  uint64_t wheel_ns; /* where the wheel stands; never ahead of the latest now */
  ebb_timer *near;   /* root of the heap */
  uint64_t next_order;
  size_t n_armed;
} ebb_timers;

void ebb_timers_init(ebb_timers *timers, uint64_t now_ns);

/* `timer` must be initialised (ebb_timer_init) and disarmed. due_ns may lie in
   the past; EBB_NEVER is allowed and never fires (it stays armed). */
void ebb_timer_init(ebb_timer *timer, void (*fire)(ebb_timer *timer));
void ebb_timer_arm(ebb_timers *timers, ebb_timer *timer, uint64_t due_ns);
/* Harmless twice. O(1) in the wheel, amortised O(log n) in the heap. */
void ebb_timer_disarm(ebb_timers *timers, ebb_timer *timer);
static inline bool ebb_timer_is_armed(const ebb_timer *timer)
{
  return timer->place != 0;
}

/* The next timer with due_ns <= now_ns, disarmed and handed to the caller, or
   NULL. now_ns never goes back. Amortised O(log n) in the near timers, and a
   far one is moved to a finer level at most 7 times before it is near; time
   in which nothing is armed costs nothing. */
ebb_timer *ebb_timers_pop(ebb_timers *timers, uint64_t now_ns);

/* When to look again: the earliest deadline, or (after a disarm) something
   earlier; EBB_NEVER when no finite timer is armed. After ebb_timers_pop gave
   NULL it is later than that now, so who follows it gets on. O(1). */
uint64_t ebb_timers_next(const ebb_timers *timers);

#endif
