/* SPDX-License-Identifier: MIT */
/* Time as Lua has it: seconds of a runtime's monotonic clock. Inside, times are
   nanoseconds of that clock; the conversion happens here, at the edge. */
#ifndef EBB_LUA_TIME_H
#define EBB_LUA_TIME_H

#include "lua/l_op.h"
#include "lua/l_rt.h"

static inline double ebbL_seconds(uint64_t ns)
{
  return (double)ns / 1e9;
}

/* [-0, +1] A point in time as Lua sees it; math.huge for EBB_NEVER. */
void ebbL_pushtime(lua_State *L, uint64_t at_ns);

/* The point in time that Lua calls `seconds`, and none earlier: what ebb.now
   gave comes back as the same nanosecond. [no-raise] */
uint64_t ebbL_due_at(double seconds);

/* [-0, +0, raises] The object on top belongs to the current runtime, which
   lives as long as it does (user value 1). */
ebbL_rt *ebbL_own_rt(lua_State *L, ebbL_state *S);
/* [raises] EBB052 when that runtime has been closed. */
void ebbL_check_rt(lua_State *L, const ebbL_rt *rt);

/* The parts of a sleep by any clock, after ebbL_check_waiting: reserve; then
   link it and park, or give the others their turn when its time has come
   already. [reserve raises, the others yield] */
void ebbL_sleep_reserve(lua_State *L, ebb_rt *rt);
int ebbL_sleep_park(lua_State *L, ebbL_task *task);
int ebbL_sleep_over(lua_State *L, ebbL_task *task);

/* [-0, +0, raises] Adds now, sleep, sleep_until, after, at and next_frame to
   the table on top, then timer, then interval. */
void ebbL_open_time(lua_State *L, ebbL_state *S);
void ebbL_open_timer(lua_State *L, ebbL_state *S);
void ebbL_open_interval(lua_State *L, ebbL_state *S);

#endif
