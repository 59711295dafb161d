/* SPDX-License-Identifier: MIT */
/* ebb.task_local: values that belong to a task and that its children start
   with. A task's values are one table, in slots[task->locals], that is never
   changed once others may see it: setting makes a new one, so inheriting is
   sharing. Outside of tasks they are those of `nobody`. */
#ifndef EBB_LUA_LOCAL_H
#define EBB_LUA_LOCAL_H

#include "lua/l_task.h"

/* Whose values a task spawned now inherits. [no-raise] */
static inline ebbL_task *ebbL_locals_giver(const ebbL_state *S)
{
  return S->current != NULL ? S->current : S->nobody;
}

void ebbL_open_local(lua_State *L, ebbL_state *S);

#endif
