/* SPDX-License-Identifier: MIT */
/* ebb.clock and ebb.frame_clock: own time, see core/clock.h. */
#ifndef EBB_LUA_CLOCK_H
#define EBB_LUA_CLOCK_H

#include "core/clock.h"
#include "lua/l_state.h"

/* [-0, +1, raises] An interval with its period at arg and its options behind
   that, on `clock` (NULL: the runtime's time), whose userdata is at clock_idx.
 */
int ebbL_newinterval(lua_State *L, int arg, ebb_clock *clock, int clock_idx);

void ebbL_open_clock(lua_State *L, ebbL_state *S);

#endif
