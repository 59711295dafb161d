/* SPDX-License-Identifier: MIT */
/* ebb.barrier and ebb.latch. */
#include "lua/l_sync.h"
#include "sync/barrier.h"

/* --- barrier ----------------------------------------------------------------
 */

typedef struct ebbL_barrier {
  ebbL_header head;
  ebb_barrier core;
} ebbL_barrier;

static const ebbL_opclass barrier_class;
static const ebbL_type barrier_type = {"ebb.barrier", &barrier_class, NULL};

static int barrier_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_barrier *barrier = object;
  if (ebb_barrier_arrive(&barrier->core) != EBB_OK)
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void barrier_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_barrier *barrier = object;
  ebb_barrier_link(&task->core, i, &barrier->core, (uint32_t)payload);
}

static int barrier_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)task, (void)object, (void)at, (void)payload;
  lua_pushboolean(L, 0);
  return 1;
}

static const ebbL_opclass barrier_class = {.name = "barrier",
                                           .attempt = barrier_attempt,
                                           .link = barrier_link,
                                           .settle = barrier_settle};

static int barrier_wait(lua_State *L)
{
  ebbL_barrier *barrier = ebbL_check(L, 1, &barrier_type);
  lua_settop(L, 1);
  return ebbL_perform(L, &barrier_class, barrier, barrier_wait);
}

static int barrier_tostring(lua_State *L)
{
  ebbL_barrier *barrier = ebbL_check(L, 1, &barrier_type);
  lua_pushfstring(L, "ebb.barrier: %I of %I waiting",
                  (LUAI_UACINT)barrier->core.n_here,
                  (LUAI_UACINT)barrier->core.n);
  return 1;
}

static int l_barrier(lua_State *L)
{
  lua_Integer n = ebbL_checkinteger(L, 1, 0, LUA_MAXINTEGER);
  ebbL_barrier *barrier =
      ebbL_new(L, ebbL_S(L), &barrier_type, sizeof *barrier, 0);
  ebb_barrier_init(&barrier->core, (uint64_t)n);
  return 1;
}

/* --- latch -------------------------------------------------------------------
 */

typedef struct ebbL_latch {
  ebbL_header head;
  ebb_latch core;
} ebbL_latch;

static const ebbL_opclass latch_class;
static const ebbL_type latch_type = {"ebb.latch", &latch_class, NULL};

static int latch_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_latch *latch = object;
  if (latch->core.n > 0)
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void latch_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_latch *latch = object;
  ebb_wait_link(&task->core, i, &ebb_latch_class, latch, &latch->core.waiters,
                (uint32_t)payload);
}

static int latch_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)task, (void)object, (void)at, (void)payload;
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass latch_class = {.name = "latch",
                                         .attempt = latch_attempt,
                                         .link = latch_link,
                                         .settle = latch_settle};

static int latch_wait(lua_State *L)
{
  ebbL_latch *latch = ebbL_check(L, 1, &latch_type);
  lua_settop(L, 1);
  return ebbL_perform(L, &latch_class, latch, latch_wait);
}

static int latch_count_down(lua_State *L)
{
  ebbL_latch *latch = ebbL_check(L, 1, &latch_type);
  lua_Integer n =
      lua_isnoneornil(L, 2) ? 1 : ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
  ebb_latch_count_down(&latch->core, (uint64_t)n);
  return 0;
}

static int latch_count(lua_State *L)
{
  ebbL_latch *latch = ebbL_check(L, 1, &latch_type);
  lua_pushinteger(L, (lua_Integer)latch->core.n);
  return 1;
}

static int latch_tostring(lua_State *L)
{
  ebbL_latch *latch = ebbL_check(L, 1, &latch_type);
  if (latch->core.n == 0)
    lua_pushliteral(L, "ebb.latch: open");
  else
    lua_pushfstring(L, "ebb.latch: %I to go", (LUAI_UACINT)latch->core.n);
  return 1;
}

static int l_latch(lua_State *L)
{
  lua_Integer n = ebbL_checkinteger(L, 1, 0, LUA_MAXINTEGER);
  ebbL_latch *latch = ebbL_new(L, ebbL_S(L), &latch_type, sizeof *latch, 0);
  ebb_latch_init(&latch->core, (uint64_t)n);
  return 1;
}

void ebbL_open_barrier(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"barrier", l_barrier}, {"latch", l_latch}, {NULL, NULL}};
  static const luaL_Reg barrier_methods[] = {{"wait", barrier_wait},
                                             {NULL, NULL}};
  static const luaL_Reg barrier_meta[] = {{"__tostring", barrier_tostring},
                                          {NULL, NULL}};
  static const luaL_Reg latch_methods[] = {{"wait", latch_wait},
                                           {"count_down", latch_count_down},
                                           {"count", latch_count},
                                           {NULL, NULL}};
  static const luaL_Reg latch_meta[] = {{"__tostring", latch_tostring},
                                        {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newoptype(L, S, &barrier_type, barrier_methods, barrier_meta);
  ebbL_newoptype(L, S, &latch_type, latch_methods, latch_meta);
}
