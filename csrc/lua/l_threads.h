/* SPDX-License-Identifier: MIT */
/* ebb.blocking, and what ebb.thread is made of: the side of the state that asks
   for work to be done elsewhere. */
#ifndef EBB_LUA_THREADS_H
#define EBB_LUA_THREADS_H

#include "lua/l_worker.h"

/* How many threads ebb.blocking may have at a time, and how long an idle one
   stays. A worker is a whole Lua state, so they are fewer than their jobs. */
#define EBBL_BLOCKING_MAX    16
#define EBBL_BLOCKING_KEEP_S 10.0
/* How long a state that closes waits for what still runs. */
#define EBBL_THREADS_GRACE_S 1.0

/* A crew that the state has: of ebb.blocking, of a pool, or of one thread. From
   malloc, and in the list until its last worker is gone, whatever becomes of
   the userdata it was made for. */
typedef struct ebbL_crew {
  ebb_list link; /* in threads->crews */
  ebb_crew *core;
  ebbL_job *thread; /* the one job of a thread; kept here too */
  bool is_taken;    /* the error of a thread, by who joined it */
  bool is_orphan;   /* its userdata is gone, or needs it no more */
} ebbL_crew;

typedef struct ebbL_threads {
  ebbL_crew *blocking; /* NULL until first used */
  ebb_list crews;
  ebbL_paths *paths;
  uint64_t last_id; /* of a thread */
} ebbL_threads;

/* [raises] Made now if need be. */
ebbL_threads *ebbL_threads_of(lua_State *L, ebbL_state *S);
/* [raises] A new crew in the list. */
ebbL_crew *ebbL_crew_new(lua_State *L, ebbL_state *S, unsigned max,
                         double keep_s);
/* For metrics; zero if there are none. [no-raise] */
void ebbL_threads_counts(const ebbL_state *S, ebb_crew_count *count);
/* The state closes: asks all threads to end, waits for them at most
   EBBL_THREADS_GRACE_S; what still runs then is left to itself, with what it
   touches. [no-raise] */
void ebbL_threads_close(lua_State *L, ebbL_state *S);
/* A thread that failed and that nobody joined is reported, once it has ended.
   [no-raise] */
void ebbL_thread_report(lua_State *L, ebbL_state *S, ebbL_crew *crew);
/* [raises] A job with the n values from `first` on as its function and
   arguments; pushes the userdata that owns it (ebbL_jobbox) and what
   ebbL_clone_sent wants. */
typedef struct ebbL_jobbox {
  ebbL_header head;
  ebbL_job *job;
  ebb_far *far;
} ebbL_jobbox;

/* [raises] A function, or "module:function". */
void ebbL_check_job(lua_State *L, int arg);
ebbL_jobbox *ebbL_jobbox_new(lua_State *L, ebbL_state *S, ebb_crew *crew,
                             bool is_thread, int first, int n);
/* [raises] As the last act of a C function, in the task: the values from
   `first` on are called by the crew. */
int ebbL_job_call(lua_State *L, ebbL_task *task, ebb_crew *crew, int first);
/* [-0, +n, raises] The results of an ended job, or its error is thrown. */
int ebbL_job_results(lua_State *L, ebbL_job *job, ebbL_task *task);

void ebbL_jobbox_drop(void *box);
/* Adds blocking, and _thread (what lua/ebb/thread.lua is made of) to the table
   on top. */
void ebbL_open_blocking(lua_State *L, ebbL_state *S);
void ebbL_open_pool(lua_State *L, ebbL_state *S);
void ebbL_open_thread(lua_State *L, ebbL_state *S);
void ebbL_open_threads(lua_State *L, ebbL_state *S);

#endif
