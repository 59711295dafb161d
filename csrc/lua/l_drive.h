/* SPDX-License-Identifier: MIT */
/* Driving a runtime for a while: what run, an await outside of tasks, step,
   shutdown and another loop's callback have in common (l_loop.c, l_step.c).
   Between begin and end nothing raises. */
#ifndef EBB_LUA_DRIVE_H
#define EBB_LUA_DRIVE_H

#include "lua/l_rt.h"
#include "uv/interrupt.h"
#include "uv/watchdog.h"

typedef struct ebbL_driving {
  lua_State *L;
  ebbL_rt *rt;
  lua_State *outer_from;
  ebbL_rt *outer_driving;
  ebb_interrupt interrupt;
  ebb_watchdog *outer_dog;
  ebbL_handle *main; /* whose end is waited for; on L's stack */
} ebbL_driving;

/* Free stack slots of the state that drives. */
#define EBBL_DRIVE_STACK 80
/* Turns of tasks between two looks at the heap, if it is ebb that collects. */
#define EBBL_GC_EVERY 16

/* Is L in a finaliser, and does that one run in the midst of a call of ebb's?
   O(frames), but O(1) where the collector is not stopped. [no-raise] */
enum { EBBL_NO_FINALISER, EBBL_IN_FINALISER, EBBL_IN_FINALISER_IN_EBB };
int ebbL_finaliser(lua_State *L, const ebbL_state *S);

/* [raises] EBB052 in a task, in a callback of the loop, and in a finaliser that
   one of ebb's calls set off; when it is closed. */
void ebbL_not_inside_task(lua_State *L, ebbL_state *S, const char *what);
void ebbL_not_closed(lua_State *L, ebbL_rt *rt);

/* [raises] What a drive needs is there; comes before there is a task. */
void ebbL_driving_prepare(lua_State *L, ebbL_rt *rt);
void ebbL_driving_begin(ebbL_driving *d, lua_State *L, ebbL_rt *rt);
void ebbL_driving_end(ebbL_driving *d);
/* Ctrl-C interrupts what is waited for, as soon as there is a loop. */
void ebbL_driving_watch_interrupt(ebbL_driving *d);

/* Timers, then at most EBB_TURN_LIMIT resumes of what is ready. */
void ebbL_driving_turn(ebbL_driving *d);
/* The last ready task has been preempted: what is due by now goes before it. */
void ebbL_rt_let_others_first(ebbL_rt *rt);
/* Turns until d->main has ended, or nobody can ever wake it. */
enum { EBBL_LOOP_ENDED, EBBL_LOOP_DEADLOCK };
int ebbL_driving_loop(ebbL_driving *d);
/* Cancels every task and runs their cleanups, until none is left or due_ns is
   reached. */
void ebbL_driving_drain(ebbL_driving *d, uint64_t due_ns);

static inline bool ebbL_rt_collects(const ebbL_rt *rt)
{
  return EBB_UNLIKELY(rt->head.state->gc.n_users > 0);
}

static inline bool ebbL_rt_is_busy(const ebbL_rt *rt)
{
  return rt->driver != NULL && ebb_driver_is_busy(rt->driver);
}

#endif
