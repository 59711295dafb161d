/* SPDX-License-Identifier: MIT */
/* Regions on the Lua side: the error objects they throw, which of a task's
   cleanups are running, and the functions that open one. */
#ifndef EBB_LUA_REGION_H
#define EBB_LUA_REGION_H

#include "lua/l_task.h"

/* What an await does first: throws if a struck region must be obeyed. A
   deadline that has not been thrown yet lets what is ready win. [raises] */
ebb_region *ebbL_verdict(ebbL_task *task);
/* [-0, +1, raises] The one error object of a struck region, made if need be. */
void ebbL_pushregionerror(lua_State *L, ebbL_task *task, ebb_region *region);
int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region);
static inline void ebbL_check_struck(lua_State *L, ebbL_task *task)
{
  if (EBB_UNLIKELY(task->core.n_struck > 0)) {
    ebb_region *region = ebbL_verdict(task);
    if (region != NULL && !region->soft)
      ebbL_throw_region(L, task, region);
  }
}
/* Before it waits: a deadline counts too. */
static inline void ebbL_check_waiting(lua_State *L, ebbL_task *task)
{
  if (EBB_UNLIKELY(task->core.n_struck > 0)) {
    ebb_region *region = ebbL_verdict(task);
    if (region != NULL)
      ebbL_throw_region(L, task, region);
  }
}
/* After a wake: a taken value comes first, everything else yields to cancel. */
static inline void ebbL_check_woken(lua_State *L, ebbL_task *task)
{
  if (EBB_UNLIKELY(task->core.n_struck > 0) && !task->core.took)
    ebbL_check_waiting(L, task);
}

/* host->visible */
ebb_region *ebbL_visible(ebb_task *core);
/* The innermost region that a shield or a running cleanup hides from the
   running task, or NULL. O(frames) */
ebb_region *ebbL_hidden(ebbL_task *task);

/* Marks `region` as opened by the running C function of L whose body starts
   above n_below values. */
void ebbL_region_enter(lua_State *L, ebb_region *region, int n_below);
/* Closes it and lets its error object go. [no-raise] */
void ebbL_region_leave(lua_State *L, ebbL_state *S, ebb_region *region);

/* Strikes with a reason (the value at idx, or 0 for none): one error object
   per request, made before anything is struck; out of memory it strikes
   without the reason. `shared` != 0: index of an error object to use. */
void ebbL_strike(lua_State *L, ebbL_state *S, ebb_region *region,
                 int error_idx);
/* [-0, +1] A new cancel error with the reason at idx (0: "cancelled"), or nil
   when out of memory. [no-raise] */
void ebbL_pushcancel(lua_State *L, ebbL_state *S, int reason_idx);
/* Is the value at idx the error that `region` threw? [no-raise] */
bool ebbL_is_error_of(lua_State *L, ebbL_state *S, int idx,
                      const ebb_region *region);
/* Is it a cancel error at all? */
bool ebbL_is_cancel(lua_State *L, int idx);
/* [-0, +1] its reason */
void ebbL_pushreason(lua_State *L, int idx);

/* One region with a deadline or none: timeout, shield, scope bodies. */
typedef struct ebbL_body {
  ebb_region region;
  ebb_timer timer; /* DEADLINE only */
  ebb_list link;   /* TOKEN only: see l_token.c */
  void *owner;     /* SCOPE, TOKEN: whose it is; DEADLINE: its ebb_clock, or
                      NULL for the runtime's time */
} ebbL_body;

/* [raises] Opens a region of the running C function, from the pool. */
ebbL_body *ebbL_body_open(lua_State *L, ebbL_task *task, int kind, int n_below);
/* [no-raise] Disarms, unlinks and closes it, gives it back. */
void ebbL_body_close(lua_State *L, ebbL_task *task, ebbL_body *body);
/* The pcallk of the body (message handler ebbL_msgh) came back with `status`:
   closes the region. True when the error on top is the region's own; false
   when there are results; any other error is thrown on. [raises] */
bool ebbL_body_ended(lua_State *L, int status, ebbL_body *body);

/* The awaiting counterpart of a C function called outside of tasks: spawns it
   as a task with the same arguments and drives the runtime until it has ended.
   Returns its results. [raises] [drives] */
int ebbL_drive(lua_State *L, ebbL_state *S, lua_CFunction fn);

/* [no-raise] The task ends without leaving its regions: closes them all but
   its own. */
void ebbL_regions_drop(lua_State *L, ebbL_task *task);

/* The coroutine that resumed `inner` within the task (l_coro.c). */
lua_State *ebbL_coro_outer(ebbL_task *task, lua_State *inner);
/* [-0, +1] The op ebb.at, of nanoseconds (l_time.c). */
void ebbL_pushat(lua_State *L, ebbL_state *S, uint64_t due_ns);

void ebbL_open_region(lua_State *L, ebbL_state *S);
void ebbL_open_timeout(lua_State *L, ebbL_state *S);

#endif
