/* SPDX-License-Identifier: MIT */
/* Code that misbehaves: what happens to a task that computes for too long,
   beyond its quota, or on and on after it was asked to end.

   The hook of its coroutine is armed only then: by the watchdog's signal
   handler on the loop's own thread (uv/watchdog.h), by the allocator, or when
   it is resumed. A task that is being ended (`forced`) keeps it armed for every
   instruction: the error of the struck region is thrown at each one that no
   running cleanup or shield protects, until the region is left. A pcall cannot
   hold it, and an xpcall's message handler does not see it: hooks are off while
   one runs.

   Not covered: what a C function does by itself, finalisers, plain coroutines
   that were made before the hook was armed. */
#ifndef EBB_LUA_PREEMPT_H
#define EBB_LUA_PREEMPT_H

#include "alloc/heap.h"
#include "lua/l_rt.h"

/* What a task has used up. */
enum {
  EBBL_QUOTA_NONE,
  EBBL_QUOTA_MEMORY,
  EBBL_QUOTA_CPU,
  EBBL_QUOTA_SLICE, /* threw once already in this turn, and went on */
  EBBL_QUOTA_LOOK,  /* memory, unless a collection helps: ebbL_quota_look */
};

/* opts.on_slice */
enum { EBBL_SLICE_REPORT, EBBL_SLICE_YIELD, EBBL_SLICE_THROW };

/* The task throws EBB031 at its next instruction, and at every later one until
   its frame is left (awaits throw it as well); it fails with that error. Does
   not allocate; may be called within lua_Alloc, in a signal handler of the
   task's thread, of a running task as of one that waits. Harmless twice: the
   first quota counts. [no-raise] */
void ebbL_preempt_quota(ebbL_task *task, int why);

/* Has it used up a quota, for good? */
static inline bool ebbL_is_over(const ebbL_task *task)
{
  return task->over != EBBL_QUOTA_NONE && task->over != EBBL_QUOTA_LOOK;
}

/* [-0, +1, raises] "file:line: EBB031: task 12 …" of a task over its quota. */
void ebbL_preempt_pusherror(lua_State *L, ebbL_task *task);

/* The running task is forced, and the coroutine that it runs in has changed:
   the hook goes along. [no-raise] */
void ebbL_preempt_follow(ebbL_task *task);

/* --- turns (l_slice.c) --- */

/* [raises] Starts the watchdog, if need be. */
void ebbL_slice_start(lua_State *L, ebbL_state *S);
/* What is allowed now: by the runtime that drives, ebb.debug.slow, the task.
   [no-raise] */
void ebbL_slice_allow(ebbL_state *S);

/* Around a drive; `outer` keeps whom the thread had before. [no-raise] */
ebb_watchdog *ebbL_slice_begin(ebbL_state *S);
void ebbL_slice_end(ebbL_state *S, ebb_watchdog *outer);
/* Once per turn of the loop: a watchdog that sleeps while tasks may run. */
void ebbL_slice_rouse(ebbL_state *S);
static inline void ebbL_slice_look(ebbL_state *S)
{
  if (EBB_UNLIKELY(S->slice.dog != NULL) &&
      atomic_load_explicit(&S->slice.beat.asleep, memory_order_relaxed))
    ebbL_slice_rouse(S);
}

/* Before the turn of a task that is `unusual`. [no-raise] */
void ebbL_slice_resuming(ebbL_task *task);
/* After a turn in which something was noted, on the state that drives.
   [no-raise] */
void ebbL_slice_ended(lua_State *L, ebbL_task *task);

/* A struck region of the running task throws: the task has to come to an end,
   and is watched meanwhile. [no-raise] */
void ebbL_slice_pending(ebbL_task *task);

/* Processor time that the turn of a task with a quota of time has used. */
uint64_t ebbL_slice_used_ns(const ebbL_state *S);
/* The turn of a task that was asked to end is long: has it computed since this
   was first asked in it? A machine that stands still makes a turn long, too. */
bool ebbL_slice_goes_on(ebbL_state *S);

/* For how long the running turn has been seen running. */
static inline unsigned ebbL_slice_ran_us(const ebbL_state *S)
{
  return atomic_load_explicit(&S->slice.beat.ran_us, memory_order_relaxed);
}
/* The hook on L is not needed for now. [no-raise] */
void ebbL_slice_relax(ebbL_state *S, lua_State *L);
/* From within the hook, where it counts instead of a watchdog: looks at the
   clock. [no-raise] */
void ebbL_slice_count(ebbL_state *S);
/* The running turn needs no more signals. */
void ebbL_slice_hush(ebbL_state *S);

/* The state closes. [no-raise] */
void ebbL_slice_close(ebbL_state *S);

/* --- reports (l_slow.c) --- */

/* [no-raise] The turn of the task has taken too long: ebb.debug.slow's function
   is called with (task, seconds, traceback), or a line goes to standard error.
   `L` is where the task runs, or the state that drives. */
void ebbL_slow_report(lua_State *L, ebbL_task *task, unsigned ran_us);

/* --- accounts (l_account.c) --- */

/* One for each quota, shared by all tasks that its task spawns; what is charged
   to one is charged to those around it. A runtime may have one for tasks that
   have no other. */
typedef struct ebbL_account {
  struct ebbL_account *outer; /* of the task that opened it, or NULL */
  ebbL_state *S;
  const ebbL_task *owner;     /* whose it is, while that lives; or NULL */
  uint64_t quota_ns, used_ns; /* UINT64_MAX: time does not matter */
  ebb_heap_account *memory;   /* NULL: memory does not */
  uint64_t collected_ns;      /* when a collection was last run for it */
  uint64_t due_cycle; /* when the collector's cycle has to have helped */
  size_t n_refs;      /* tasks, a runtime, and accounts within */
} ebbL_account;

/* [raises] A new account with one reference, within `outer`, whose reference
   goes along; both quotas are without limit. */
ebbL_account *ebbL_account_open(lua_State *L, ebbL_state *S,
                                ebbL_account *outer);
void ebbL_account_release(ebbL_account *account); /* NULL is ignored */
/* All its tasks end, also those that wait, with EBB031; but of an account of
   memory only the running one and its owner fail so, for there may be very many
   that allocated little: these are cancelled. [no-raise] */
void ebbL_account_strike(const ebbL_account *account, int why);

/* What the tightest of the task's accounts still has; UINT64_MAX: no limit. */
uint64_t ebbL_account_left(const ebbL_task *task);
/* The task's turn took span_ns: the tasks of an account that is used up are
   over their quota. [no-raise] */
void ebbL_account_charge(lua_State *L, ebbL_task *task, uint64_t span_ns);
/* A new task shares its spawner's accounts; an ended one leaves. [no-raise] */
void ebbL_account_join(ebbL_task *task, ebbL_account *account);
void ebbL_account_leave(ebbL_task *task);

/* --- memory quotas (l_quota.c) --- */

/* The innermost account that counts memory, or NULL. [no-raise] */
ebb_heap_account *ebbL_quota_memory(const ebbL_account *account);
/* Around the turn of a task that has an account. [no-raise] */
void ebbL_quota_enter(ebbL_task *task);
void ebbL_quota_leave(ebbL_state *S);
/* What is used on the tasks' behalf, but not allocated by them. [no-raise] */
void ebbL_quota_charge(ebbL_account *account, size_t n_bytes);
void ebbL_quota_credit(ebbL_account *account, size_t n_bytes);
/* The running task is EBBL_QUOTA_LOOK: afterwards it is over its quota for
   good, or not at all. May collect, hence run any finaliser. [no-raise] */
void ebbL_quota_look(lua_State *L, ebbL_task *task);

/* --- opening --- */

void ebbL_open_preempt(lua_State *L, ebbL_state *S);
void ebbL_open_account(lua_State *L, ebbL_state *S);
void ebbL_open_quota(lua_State *L, ebbL_state *S);
void ebbL_open_slow(lua_State *L, ebbL_state *S);

#endif
