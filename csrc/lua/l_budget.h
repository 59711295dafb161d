/* SPDX-License-Identifier: MIT */
/* Budgets by name as Lua has them: ebb.alloc.budget, and the question that is
   asked before anything is allocated through a guard that has one. */
#ifndef EBB_LUA_BUDGET_H
#define EBB_LUA_BUDGET_H

#include "lua/l_mem.h"

/* Lives as long as the state. User values: 1 its name, 2 on_exceed, 3 on_soft.
 */
typedef struct ebbL_budget {
  ebbL_header head;
  ebb_budget budget;
  ebb_guard loose; /* what was promoted to the collector, still charged */
  ebb_list link;   /* in memory->budgets */
  bool is_asking;  /* on_exceed runs: what it allocates itself is not asked for
                    */
} ebbL_budget;

static inline ebbL_budget *ebbL_budget_of(ebb_budget *budget)
{
  return ebb_container_of(budget, ebbL_budget, budget);
}

/* May n_bytes more be charged? Asks on_exceed above the limit, tells on_soft
   when that limit is passed. `pass` starts false and is true once on_exceed has
   let it through: asked a second time, for the same bytes, it is not called
   again. Both callbacks may run any Lua code but an await: check what you need
   again afterwards. [raises] what they throw; nothing is charged then */
bool ebbL_budget_admit(lua_State *L, ebb_budget *budget, size_t n_bytes,
                       bool *pass);
/* [-0, +1] "budget 'name' exceeded" */
const char *ebbL_budget_message(lua_State *L, ebb_budget *budget);
/* [raises] The budget called as the string at idx; bad argument #arg if there
   is none. */
ebb_budget *ebbL_budget_check(lua_State *L, int arg, int idx);
/* [-0, +1] {[name] = {live, peak, limit, soft}} */
void ebbL_budget_tags(lua_State *L, const ebbL_memory *M);

/* Adds `budget` to the table on top. [raises] */
void ebbL_open_budget(lua_State *L, ebbL_state *S, ebbL_memory *M);

#endif
