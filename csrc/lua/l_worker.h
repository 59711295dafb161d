/* SPDX-License-Identifier: MIT */
/* What workers (uv/worker.h) do when they are Lua: a job is a function and its
   arguments, copied (l_clone.h), and a worker has a state of its own, with the
   standard libraries, the parent's package.path and package.cpath and a way to
   ebb. A worker's state goes on from one job to the next: modules stay loaded,
   globals stay set.

   A *thread* is a job that runs as the main task of its own runtime. */
#ifndef EBB_LUA_WORKER_H
#define EBB_LUA_WORKER_H

#include "base/message.h"
#include "lua/l_paths.h"
#include "uv/worker.h"

enum {
  EBBL_JOB_DROPPED, /* it never ran */
  EBBL_JOB_RETURNED,
  EBBL_JOB_FAILED,
  EBBL_JOB_NO_MEMORY, /* not even for the error */
};

typedef struct ebbL_job {
  ebb_job core;
  bool is_thread;
  ebbL_paths *paths;
  ebb_message *args; /* function (or "module:function"), arguments */
  /* The worker's until the job has ended. */
  uint8_t outcome;
  bool is_cancelled;   /* a thread ended by the cancel it was asked for */
  ebb_message *result; /* the results; or the error and its traceback */
  /* Of a thread. */
  ebb_task *main;       /* in its own thread: its main task while it runs */
  ebb_remote *inner;    /* under the crew's lock: its runtime, likewise */
  ebb_letter cancel;    /* posted at most once */
  bool is_cancel_asked; /* under the crew's lock */
} ebbL_job;

static inline ebbL_job *ebbL_job_of(ebb_job *core)
{
  return ebb_container_of(core, ebbL_job, core);
}

extern const ebb_trade ebbL_trade;

/* [no-raise] NULL: no memory. Its messages are empty. */
ebbL_job *ebbL_job_new(ebb_crew *crew, ebbL_paths *paths, bool is_thread);
/* Asks a thread to end: its main task is cancelled at its next await. False:
   it was asked before, or has ended. [no-raise] */
bool ebbL_job_cancel(ebbL_job *job);

#endif
