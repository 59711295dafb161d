/* SPDX-License-Identifier: MIT */
/* A host of ebb.h as several tests have it: what is logged is kept, what fails
   is a failed check. Include it after check.h. */
#ifndef EBB_SPEC_EBB_HOST_H
#define EBB_SPEC_EBB_HOST_H

#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "ebb.h"

#define SECOND UINT64_C(1000000000)

static char last_log[4096];
static int n_logs;

static inline void on_log(void *ud, const char *message)
{
  (void)ud;
  n_logs++;
  snprintf(last_log, sizeof last_log, "%s", message);
}

static inline lua_State *new_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  n_logs = 0;
  last_log[0] = '\0';
  return L;
}

static inline ebb_runtime *open_host(lua_State **L)
{
  ebb_config config = {.size = sizeof config, .log = on_log};
  *L = new_state();
  ebb_runtime *rt = ebb_open(*L, &config);
  CHECK(rt != NULL);
  if (rt == NULL)
    exit(1);
  return rt;
}

static inline void step(ebb_runtime *rt)
{
  CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
}

/* ebb's Lua files are those of this tree. */
static inline void host_lua_path(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
}

/* Code that must run without an error. */
static inline void run(lua_State *L, const char *code)
{
  int top = lua_gettop(L);
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"an error");
  }
  lua_settop(L, top);
}

static inline ebb_task *spawn(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  CHECK_EQ(luaL_loadstring(L, code), LUA_OK);
  ebb_task *task = ebb_spawn(rt, L, 0);
  CHECK(task != NULL);
  return task;
}

/* Spawned, run to its end: it must not fail. */
static inline void run_task(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  ebb_task *task = spawn(rt, code);
  for (int i = 0; i < 100 && ebb_task_status(task) == EBB_TASK_ALIVE; i++)
    step(rt);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  if (ebb_task_status(task) == EBB_TASK_FAILED) {
    ebb_task_results(task, L);
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  }
  lua_settop(L, 0);
  ebb_task_release(task);
}

#endif
