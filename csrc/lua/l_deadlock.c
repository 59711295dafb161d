/* SPDX-License-Identifier: MIT */
/* What is said when nothing can wake anyone: every task, what it waits for and
   where. */
#include "lua/l_loop.h"

#define DEADLOCK_MAX 1000

/* [light runtime] -> the report */
static int push_report(lua_State *L)
{
  ebbL_rt *rt = lua_touserdata(L, 1);
  int n = 0;
  luaL_checkstack(L, 20, NULL);
  lua_pushliteral(L, "EBB043: deadlock: all tasks are waiting");
  ebb_list_foreach(node, &rt->core.tasks) {
    ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
    if (++n > DEADLOCK_MAX) {
      lua_pushliteral(L, "\n\t…");
      lua_concat(L, 2);
      break;
    }
    int top = lua_gettop(L);
    const char *label = ebbL_tasklabel(L, task, 0);
    const char *waits = ebbL_pushwaits(L, task);
    ebbL_pushplace(L, task);
    if (task->is_internal) {
      ebbL_where(L);
      lua_pushfstring(L, "\n\t%sthe code outside of tasks waits for %s",
                      lua_tostring(L, -1), waits);
    } else {
      lua_pushfstring(L, "\n\ttask %s waits for %s at %s", label, waits,
                      lua_tostring(L, -1));
    }
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    lua_concat(L, 2);
  }
  return 1;
}

void ebbL_pushdeadlock(lua_State *L, ebbL_rt *rt)
{
  lua_pushcfunction(L, push_report);
  lua_pushlightuserdata(L, rt);
  lua_pcall(L, 1, 1, 0); /* its error says why there is no report */
}
