/* SPDX-License-Identifier: MIT */
/* Threads that do jobs: a crew of at most `max` workers and a queue, FIFO. A
   worker is hired when a job comes and nobody is idle, keeps what it needs for
   its jobs (for Lua: a state) from one to the next, and goes after having been
   idle for a while. Knows no Lua; csrc/lua/l_worker.c says what a job is.

   These are threads of their own, not libuv's pool: that one has four threads
   for file requests and name look-ups, which jobs that take seconds would
   starve.

   Who owns what: a job is counted, once for its owner and once for the crew
   from ebb_crew_add until it has ended or was withdrawn; the last one destroys
   it, in whatever thread that is. A crew is counted by its owner and each of
   its threads, so that a worker that never comes back keeps what it touches.
   Signals are blocked in workers, but for those that an instruction causes and
   the watchdog's SIGURG. */
#ifndef EBB_UV_WORKER_H
#define EBB_UV_WORKER_H

#include "uv/far.h"

#include <stdatomic.h>

typedef struct ebb_crew ebb_crew;
typedef struct ebb_job ebb_job;

/* What a crew's workers are. All but destroy are called in the worker's
   thread; `worker` is what open gave (NULL: it could not). */
typedef struct ebb_trade {
  void *(*open)(void *ud);
  void (*close)(void *worker);
  void (*run)(ebb_job *job, void *worker);
  void (*destroy)(ebb_job *job);
  void (*free_ud)(void *ud); /* the crew is gone; any thread */
} ebb_trade;

enum { EBB_JOB_NEW, EBB_JOB_QUEUED, EBB_JOB_RUNNING, EBB_JOB_ENDED };

struct ebb_job {
  ebb_list link; /* in the crew's queue */
  ebb_crew *crew;
  atomic_uint n_refs;
  ebb_list waits; /* of ebb_far; under the crew's lock, as `state` */
  uint8_t state;
};

/* max workers; one that is idle for keep_s seconds goes. NULL: no memory. The
   ud is the crew's from then on. */
ebb_crew *ebb_crew_new(const ebb_trade *trade, void *ud, unsigned max,
                       double keep_s);
/* The owner lets go: what is queued ends unrun, idle workers go. What runs is
   waited for at most grace_s seconds and then left to itself. True when nothing
   was left running. */
bool ebb_crew_close(ebb_crew *crew, double grace_s);
/* The same in parts: no more jobs are taken and what is queued ends unrun;
   waits for the workers to go; lets go. */
void ebb_crew_dismiss(ebb_crew *crew);
bool ebb_crew_wait(ebb_crew *crew, uint64_t due_ns);
void ebb_crew_release(ebb_crew *crew);

typedef struct ebb_crew_count {
  unsigned n_threads, n_idle, n_queued, n_running;
} ebb_crew_count;

void ebb_crew_counts(ebb_crew *crew, ebb_crew_count *count);

/* The job's fields but those above are its owner's. */
void ebb_job_init(ebb_job *job, ebb_crew *crew);
/* 0, or libuv's code: no thread to be had, or ECANCELED, the crew is closed;
   the job has not been added then. */
int ebb_job_add(ebb_job *job);
/* True: it had not begun and will not be run. */
bool ebb_job_withdraw(ebb_job *job);
/* Has it ended (or been dropped unrun)? Then what it wrote can be read. */
bool ebb_job_has_ended(ebb_job *job);
void ebb_job_retain(ebb_job *job);
void ebb_job_release(ebb_job *job);
/* Under the lock of the job's crew: what both sides may look at. */
void ebb_job_lock(ebb_job *job);
void ebb_job_unlock(ebb_job *job);

/* A new far wait on the job, which it keeps; its owner releases it. NULL: no
   memory. */
ebb_far *ebb_job_far(ebb_job *job, ebb_driver *driver);
/* Node i of the task waits for the end of the job. If `withdraws`, virtual time
   stands still meanwhile, and leaving by another way takes the job back, if it
   has not begun. */
void ebb_job_link(ebb_task *task, uint32_t i, ebb_far *far, bool withdraws);

#endif
