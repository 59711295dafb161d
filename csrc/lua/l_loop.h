/* SPDX-License-Identifier: MIT */
/* Driving a runtime: run, block_on, step, shutdown, and the implicit drive of
   an await outside of tasks. */
#ifndef EBB_LUA_LOOP_H
#define EBB_LUA_LOOP_H

#include "lua/l_rt.h"

int ebbL_rt_run(lua_State *L);      /* [rt, main, args…] */
int ebbL_rt_block_on(lua_State *L); /* [rt, op] */
int ebbL_rt_step(lua_State *L);     /* [rt, budget, dt] */
/* The same for C: dt_s < 0: what has passed. 0, EBB_ECLOSED, EBB_EBUSY in a
   task or a callback of the loop, EBB_ENOMEM. [no-raise] */
typedef struct ebbL_step_info {
  uint64_t n_ran, overrun_ns;
  bool is_stuck;
} ebbL_step_info;
int ebbL_rt_step_from_c(lua_State *L, ebbL_rt *rt, uint64_t budget_ns,
                        double dt_s, ebbL_step_info *info);
int ebbL_rt_shutdown(lua_State *L); /* [rt, grace] */
int ebbL_rt_close(lua_State *L);    /* [rt] */

/* [-0, +1] "EBB043: deadlock: …": every task, what it waits for and where;
   out of memory that error. [no-raise] */
void ebbL_pushdeadlock(lua_State *L, ebbL_rt *rt);

/* Ends every task at once, without awaiting anything. [no-raise] */
size_t ebbL_rt_kill_all(lua_State *L, ebbL_rt *rt);

void ebbL_open_loop(lua_State *L, ebbL_state *S);

#endif
