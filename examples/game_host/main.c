/* SPDX-License-Identifier: MIT */
/* A game's frame loop with scripts of ebb in it: 60 frames a second of virtual
   time, at most 2 ms of scripts each. The entities' scripts live in scopes,
   assets are "loaded" by a thread, and a network thread posts events. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebb.h>
#include <lauxlib.h>
#include <lualib.h>

#define FRAME_NS UINT64_C(16666667)

static uint64_t game_time_ns; /* what ebb.sleep goes by: pausing is easy */

static uint64_t game_clock(void *ud)
{
  (void)ud;
  return game_time_ns;
}

static void on_log(void *ud, const char *message)
{
  (void)ud;
  printf("log: %.*s\n", (int)strcspn(message, "\n"), message);
}

/* --- load(name): an asset, read by another thread --- */

typedef struct loading {
  ebb_promise *promise;
  char name[32];
} loading;

static int push_asset(lua_State *L, void *ud)
{
  lua_pushfstring(L, "asset(%s)", ((loading *)ud)->name);
  return 1;
}

static void *load_thread(void *ud)
{
  loading *job = ud; /* … read and decode the file here … */
  ebb_promise_resolve(job->promise, push_asset, free, job);
  return NULL;
}

static int l_load(lua_State *L)
{
  loading *job = calloc(1, sizeof *job);
  pthread_t thread;
  if (job == NULL || (job->promise = ebb_promise_new(L)) == NULL) {
    free(job);
    return luaL_error(L, "not enough memory");
  }
  snprintf(job->name, sizeof job->name, "%s", luaL_checkstring(L, 1));
  if (pthread_create(&thread, NULL, load_thread, job) != 0) {
    ebb_promise_reject(job->promise, push_asset, free, job);
    return 1;
  }
  pthread_detach(thread);
  return 1; /* the promise: for await, select, timeout */
}

/* --- a thread that posts what comes in --- */

static void on_message(lua_State *L, void *ud)
{
  if (L == NULL)
    return; /* the game is over */
  lua_getglobal(L, "on_message");
  lua_pushinteger(L, (lua_Integer)(intptr_t)ud);
  lua_call(L, 1, 0);
}

static void *network_thread(void *ud)
{
  for (intptr_t i = 1; i <= 3; i++)
    if (ebb_post(ud, on_message, (void *)i) != 0)
      break;
  ebb_remote_release(ud);
  return NULL;
}

/* --- scripts --- */

static const char script[] =
    "local ebb = require 'ebb'\n"
    "inbox = ebb.channel(16)\n"
    "function on_message(n) inbox:try_send(n) end\n"
    "function listener()\n"
    "  for i = 1, 3 do print('message', inbox:recv()) end\n"
    "end\n"
    "function level()\n"
    "  print('loaded', ebb.await(load 'forest'), ebb.await(load 'river'))\n"
    "  return 'level done'\n"
    "end\n"
    "function orc(name)\n"
    "  local dead <close> = setmetatable({}, {__close = function()\n"
    "    print(name .. ' dies')\n"
    "  end})\n"
    "  while true do ebb.sleep(0.5) print(name .. ' growls') end\n"
    "end\n"
    "function buggy() ebb.sleep(0.2) error('nil sword', 0) end\n"
    "function mod() while true do end end\n";

static ebb_task *start(ebb_runtime *rt, ebb_scope *scope, const char *name,
                       const char *argument)
{
  lua_State *L = ebb_lua(rt);
  lua_getglobal(L, name);
  lua_pushstring(L, argument);
  return scope != NULL ? ebb_scope_spawn(scope, L, 1) : ebb_spawn(rt, L, 1);
}

static int level_is_over;

static void on_level(ebb_task *task, int status, void *ud)
{
  lua_State *L = ebb_lua(ud);
  if (status == EBB_TASK_DONE && ebb_task_results(task, L) > 0)
    printf("%s\n", lua_tostring(L, -1));
  lua_settop(L, 0);
  level_is_over = 1;
  ebb_task_release(task); /* it is not looked at any more */
}

int main(void)
{
  ebb_alloc_config memory = {0};
  memory.limit_bytes = 64 << 20;
  lua_State *L = ebb_newstate(&memory);
  ebb_config config = {0};
  config.size = sizeof config;
  config.clock = game_clock;
  config.log = on_log;
  config.slice_ns = 500000000; /* a script that computes for longer is ended */
  config.on_slice = EBB_SLICE_THROW;
  config.frame_gc = 1;
  if (L == NULL)
    return 1;
  luaL_openlibs(L);
  ebb_runtime *rt = ebb_open(L, &config);
  if (rt == NULL)
    return 1;
  lua_register(L, "load", l_load);
  if (luaL_dostring(L, script) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 1;
  }

  ebb_task_on_done(start(rt, NULL, "level", NULL), on_level, rt);
  while (!level_is_over) /* real time: a thread */
    ebb_step(rt, 2000000, 0, NULL);

  pthread_t network;
  ebb_remote *remote = ebb_remote_new(rt);
  ebb_remote_retain(remote);
  ebb_task_release(start(rt, NULL, "listener", NULL));
  pthread_create(&network, NULL, network_thread, remote);
  pthread_join(network, NULL);

  ebb_scope *orc = ebb_scope_new(rt);
  ebb_task_release(start(rt, orc, "orc", "Gruk"));
  ebb_task_release(start(rt, orc, "buggy", NULL));
  ebb_task *mod = start(rt, NULL, "mod", NULL);

  for (int frame = 0; frame < 120; frame++) {
    game_time_ns += FRAME_NS;
    ebb_step(rt, 2000000, FRAME_NS, NULL); /* at most 2 ms of scripts */
    ebb_frame_begin(L);                    /* scratch memory of this frame */
    float *positions = ebb_frame_alloc(L, 1000 * sizeof(float), 16);
    if (positions != NULL)
      memset(positions, 0, 1000 * sizeof(float)); /* … draw … */
    ebb_frame_end(L);
    if (frame == 80)
      ebb_scope_cancel(orc);
  }
  printf("orcs left: %d\n", (int)ebb_scope_count(orc));
  printf("mod %s\n",
         ebb_task_status(mod) == EBB_TASK_FAILED ? "ended" : "runs");
  ebb_task_results(mod, L); /* its error is taken: nobody reports it */
  lua_settop(L, 0);

  ebb_task_release(mod);
  ebb_scope_release(orc);
  ebb_close(rt);
  printf("after the end: %s\n",
         ebb_post(remote, on_message, NULL) == EBB_ECLOSED ? "closed" : "open");
  ebb_remote_release(remote);
  lua_close(L);
  return 0;
}
