/* SPDX-License-Identifier: MIT */
/* Notices when the loop's own thread does not come back from one turn of a
   task, and sends that thread a signal; in the handler, on the loop's thread,
   notify() is called, which may do what is async-signal-safe.

   Nothing is measured on the loop's side: it counts its turns (ebb_beat_begin,
   ebb_beat_end: one store each), and the watchdog looks at the number now and
   then. The same odd number for longer than the allowed time is an overrun. It
   is noticed between allow_us and about 1.5 times that (but for times below
   2 ms), again and again until the turn ends or is hushed. A watchdog that has
   had nothing to do for a while sleeps, until ebb_watchdog_wake.

   One a loop's thread at most is attached at a time; which one is the only
   thing kept per thread. What looks is a timer of the kernel on Linux, else a
   thread. The signal's handler from before is called for signals that are not
   the watchdog's, and is back once the last watchdog is closed. A forked child
   has neither timer nor thread: ebb_watchdog_is_lost. Where there are no
   signals (Windows), open gives UV_ENOTSUP. */
#ifndef EBB_UV_WATCHDOG_H
#define EBB_UV_WATCHDOG_H

#include "alloc/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Kept by the loop's side, zeroed; outlives the watchdog. */
typedef struct ebb_beat {
  atomic_uint turn;     /* odd: a task runs */
  atomic_uint allow_us; /* how long a turn may take; 0: as it likes */
  atomic_uint overran;  /* the turn that the signal is about … */
  atomic_uint ran_us;   /* … and for how long it has been seen running */
  atomic_uint hushed;   /* the turn that needs no more signals */
  atomic_bool asleep;   /* to be woken if turns are to be watched */
} ebb_beat;

static inline unsigned ebb_beat_turn(const ebb_beat *beat)
{
  return atomic_load_explicit(&beat->turn, memory_order_relaxed);
}

static inline void ebb_beat_step(ebb_beat *beat)
{
  atomic_store_explicit(&beat->turn, ebb_beat_turn(beat) + 1,
                        memory_order_relaxed);
}

/* Around each turn of a task. */
#define ebb_beat_begin(beat) ebb_beat_step(beat)
#define ebb_beat_end(beat)   ebb_beat_step(beat)

/* Is the signal about the turn that runs now? */
static inline bool ebb_beat_is_overrun(const ebb_beat *beat)
{
  unsigned turn = ebb_beat_turn(beat);
  return (turn & 1) != 0 &&
         atomic_load_explicit(&beat->overran, memory_order_relaxed) == turn;
}

typedef struct ebb_watchdog ebb_watchdog;

/* What an overrun calls, in a signal handler on the attached thread. */
typedef void (*ebb_overrun)(void *ud);

/* 0: SIGURG, which is ignored by default. */
#define EBB_WATCHDOG_SIGNAL 0

/* NULL: *error is libuv's code. */
ebb_watchdog *ebb_watchdog_open(ebb_alloc *alloc, ebb_beat *beat,
                                int signal_number, ebb_overrun notify, void *ud,
                                int *error);
/* Nothing is attached any more. */
void ebb_watchdog_close(ebb_watchdog *self);

/* From here on the calling thread is the one that is watched. Returns the one
   that was attached to the thread before, for detach. */
ebb_watchdog *ebb_watchdog_attach(ebb_watchdog *self);
void ebb_watchdog_detach(ebb_watchdog *self, ebb_watchdog *before);
/* The one of the calling thread, or NULL. */
ebb_watchdog *ebb_watchdog_attached(void);

/* Looks again. From the attached thread, not from a signal handler. */
void ebb_watchdog_wake(ebb_watchdog *self);

/* Is this a forked child? */
bool ebb_watchdog_is_lost(const ebb_watchdog *self);

#endif
