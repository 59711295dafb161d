/* SPDX-License-Identifier: MIT */
/* What is alive, for tests that look for leaks: of ebb's own Lua files only. */
#include "lua/l_census.h"

#include "lua/l_mem.h"
#include "lua/l_rt.h"

/* [-0, +1] List of the handles of the runtime's tasks, oldest first. */
static void push_tasks(lua_State *L, ebbL_rt *rt)
{
  /* making handles may run finalisers, which may end tasks: by number first */
  lua_newtable(L);
  ebbL_task *last = NULL;
  uint64_t last_id = 0;
  lua_Integer n = 0;
  do {
    last = NULL;
    ebb_list_foreach(node, &rt->core.tasks) {
      ebb_task *core = ebb_container_of(node, ebb_task, all);
      if (core->id > last_id && !ebbL_task_of(core)->is_internal) {
        last = ebbL_task_of(core);
        break;
      }
    }
    if (last != NULL) {
      last_id = last->core.id;
      ebbL_pushhandle(L, last);
      lua_rawseti(L, -2, ++n);
    }
  } while (last != NULL);
}

/* _census(rt): its tasks, whether its event loop has anything open or under
   way, bytes in pool and heap of the state. */
static int l_census(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  const ebb_pool *pool = &ebbL_M(L)->pool;
  push_tasks(L, rt);
  lua_pushboolean(L, rt->driver != NULL && ebb_driver_is_busy(rt->driver));
  lua_pushinteger(L,
                  (lua_Integer)(pool->pool.live_bytes + pool->heap.live_bytes));
  return 3;
}

void ebbL_open_census(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"_census", l_census}, {NULL, NULL}};
  lua_getfield(L, -1, "guard"); /* its third upvalue is the state's memory */
  lua_getupvalue(L, -1, 3);
  ebbL_memory *M = lua_touserdata(L, -1);
  lua_pop(L, 2);
  ebbL_mem_setfuncs(L, S, M, funcs);
}
