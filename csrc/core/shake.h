/* SPDX-License-Identifier: MIT */
/* Schedule exploration: everything a scheduler may do is done at random, from
   one seed. Which ready task is next; wake-ups for nothing; the collector at
   switches; awaits that give way although they need not wait. What happened is
   summed up in a digest: the same seed gives the same one in every build.

   A runtime with a shake runs its tasks through ebb_shake_run; others pay one
   branch a turn. Nothing here allocates or fails. */
#ifndef EBB_CORE_SHAKE_H
#define EBB_CORE_SHAKE_H

#include "core/rt.h"

/* What is shaken besides the order. */
enum {
  EBB_SHAKE_NUDGES = 1,   /* parked tasks are resumed for nothing */
  EBB_SHAKE_COLLECTS = 2, /* the host's collector works at switches */
  EBB_SHAKE_YIELDS = 4,   /* awaits that are ready give way more often */
  EBB_SHAKE_ALL = 7,
};

/* What the collector is asked to do. */
enum {
  EBB_COLLECT_NOTHING,
  EBB_COLLECT_FULL,
  EBB_COLLECT_STEP,
  EBB_COLLECT_INCREMENTAL, /* go over to that mode */
  EBB_COLLECT_GENERATIONAL,
};

typedef struct ebb_shake ebb_shake;

/* The host's part; none may raise. `note` may be NULL. */
typedef struct ebb_shake_host {
  /* Resumes a PARKED task, which must park again as if nothing had happened.
     `where` is a random number: a task may be resumed in several places. */
  void (*nudge)(ebb_shake *shake, ebb_task *task, uint32_t where);
  /* May run finalisers, and they change what is ready. */
  void (*collect)(ebb_shake *shake, int how, uint32_t n_steps);
  /* A task is about to run; or it has run: `task` is NULL if it has ended. */
  void (*note_begin)(ebb_shake *shake, ebb_task *task);
  void (*note_end)(ebb_shake *shake, ebb_task *task);
} ebb_shake_host;

typedef struct ebb_shake_counts {
  uint64_t switches, nudges, collections, yields;
} ebb_shake_counts;

#define EBB_SHAKE_LOWERED 8

struct ebb_shake {
  const ebb_shake_host *host;
  ebb_rng rng;
  uint8_t strategy;       /* how the next task is chosen */
  uint8_t collector;      /* EBB_COLLECT_…: what this run does most */
  uint32_t nudge_in;      /* one nudge in so many switches, 0: none */
  uint32_t collect_in;    /* the same */
  uint32_t yield_in;      /* the same */
  uint64_t priority_seed; /* a task's priority is drawn from it and its id */
  uint64_t lowered[EBB_SHAKE_LOWERED]; /* ids, the latest are the last to run */
  uint32_t n_lowered;
  uint32_t n_passed; /* choices since the oldest ready task, oldest_id, is */
  uint64_t oldest_id;
  uint64_t digest; /* of everything that happened */
  uint64_t order;  /* of the order of tasks alone */
  ebb_shake_counts count;
};

/* `what`: EBB_SHAKE_… */
void ebb_shake_init(ebb_shake *shake, const ebb_shake_host *host, uint64_t seed,
                    unsigned what);

/* The runtime's tasks are run by `shake`, or (NULL) as usual again. */
void ebb_rt_shake(ebb_rt *rt, ebb_shake *shake);

/* ebb_rt_run_ready of such a runtime. */
size_t ebb_shake_run(ebb_rt *rt, size_t limit);

#endif
