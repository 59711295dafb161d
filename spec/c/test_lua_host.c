/* SPDX-License-Identifier: MIT */
/* ebb.h as a C host uses it: steps, tasks, scopes, what ends when (R131 to R145
   as far as they concern hosts). */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

#define MS UINT64_C(1000000)

static char last_log[4096];
static int n_logs;

static void on_log(void *ud, const char *message)
{
  (void)ud;
  n_logs++;
  snprintf(last_log, sizeof last_log, "%s", message);
}

typedef struct game {
  lua_State *L;
  ebb_runtime *rt;
  uint64_t now_ns;
} game;

static uint64_t game_clock(void *ud)
{
  return ((game *)ud)->now_ns;
}

static void open_game(game *g, const ebb_config *extra)
{
  ebb_config config;
  memset(&config, 0, sizeof config);
  if (extra != NULL)
    config = *extra;
  config.size = sizeof config;
  config.clock = game_clock;
  config.clock_ud = g;
  config.log = on_log;
  g->now_ns = 1;
  n_logs = 0;
  last_log[0] = '\0';
  g->L = ebb_newstate(NULL);
  CHECK(g->L != NULL);
  luaL_openlibs(g->L);
  g->rt = ebb_open(g->L, &config);
  CHECK(g->rt != NULL);
  if (g->rt == NULL)
    exit(1);
  luaL_dostring(g->L, "ebb = require 'ebb'");
}

static void close_game(game *g)
{
  CHECK_EQ(ebb_close(g->rt), 0);
  CHECK_EQ(lua_gettop(g->L), 0);
  lua_close(g->L);
}

static void load(game *g, const char *code)
{
  if (luaL_loadstring(g->L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(g->L, -1));
    CHECK(!"a syntax error");
  }
}

static ebb_task *spawn(game *g, const char *code)
{
  load(g, code);
  ebb_task *task = ebb_spawn(g->rt, g->L, 0);
  CHECK(task != NULL);
  CHECK_EQ(lua_gettop(g->L), 0);
  return task;
}

static void frames(game *g, int n)
{
  for (int i = 0; i < n; i++) {
    g->now_ns += 16 * MS;
    CHECK_EQ(ebb_step(g->rt, EBB_UNLIMITED, 16 * MS, NULL), 0);
  }
}

static lua_Integer global(game *g, const char *name)
{
  lua_getglobal(g->L, name);
  lua_Integer value = lua_tointeger(g->L, -1);
  lua_pop(g->L, 1);
  return value;
}

TEST(frame_loop)
{
  game g;
  ebb_status status;
  open_game(&g, NULL);
  ebb_task_release(spawn(&g, "n = 0 for i = 1, 60 do "
                             "local dt = ebb.next_frame() n = n + 1 "
                             "sum = (sum or 0) + dt end"));
  ebb_task_release(spawn(&g, "ebb.sleep(0.5) slept = 1"));
  CHECK_EQ(ebb_next_deadline(g.rt), 0);
  frames(&g, 1);
  CHECK_EQ(ebb_next_deadline(g.rt), 500 * (int64_t)MS);
  frames(&g, 30);
  CHECK_EQ(global(&g, "slept"), 0);
  frames(&g, 3);
  CHECK_EQ(global(&g, "slept"), 1);
  CHECK_EQ(ebb_step(g.rt, 0, 0, &status), 0);
  CHECK_EQ(status.n_alive, 1);
  CHECK_EQ(status.next_deadline_ns, -1);
  CHECK(!status.is_stuck);
  frames(&g, 40);
  CHECK_EQ(global(&g, "n"), 60);
  CHECK_EQ(ebb_step(g.rt, EBB_UNLIMITED, EBB_MEASURED, &status), 0);
  CHECK_EQ(status.n_alive, 0);
  CHECK_EQ(status.n_ran, 0);
  ebb_task_release(spawn(&g, "ebb.channel(0):recv()"));
  CHECK_EQ(ebb_step(g.rt, EBB_UNLIMITED, 0, &status), 0);
  CHECK(status.is_stuck);
  CHECK_EQ(status.n_ran, 1);
  close_game(&g);
}

TEST(idle_steps_allocate_nothing)
{
  game g;
  ebb_alloc_info before, after;
  ebb_status status;
  open_game(&g, NULL);
  ebb_task_release(spawn(&g, "ebb.sleep(1e9)"));
  frames(&g, 2);
  ebb_alloc_stats(g.L, &before);
  for (int i = 0; i < 100; i++)
    CHECK_EQ(ebb_step(g.rt, 2 * MS, 16 * MS, &status), 0);
  ebb_alloc_stats(g.L, &after);
  CHECK_EQ(after.total_bytes, before.total_bytes);
  close_game(&g);
}

TEST(budget)
{
  game g;
  ebb_status status;
  open_game(&g, NULL);
  for (int i = 0; i < 10; i++)
    ebb_task_release(spawn(&g, "local t = os.clock() "
                               "while os.clock() - t < 0.002 do end "
                               "done = (done or 0) + 1"));
  CHECK_EQ(ebb_step(g.rt, 3 * MS, 0, &status), 0);
  CHECK(status.n_ran >= 1 && status.n_ran < 10);
  CHECK_EQ(status.n_ready + status.n_ran, 10);
  CHECK(status.slowest_ns >= 1 * MS);
  CHECK_EQ(ebb_next_deadline(g.rt), 0);
  for (int i = 0; i < 10 && global(&g, "done") < 10; i++)
    ebb_step(g.rt, 0, 0, NULL); /* always at least one turn */
  CHECK_EQ(global(&g, "done"), 10);
  close_game(&g);
}

/* --- tasks --- */

static int n_done, done_status;
static ebb_task *done_task;

static void on_done(ebb_task *task, int status, void *ud)
{
  n_done++;
  done_status = status;
  done_task = task;
  if (ud != NULL)
    ebb_task_release(task);
}

TEST(task_ends)
{
  game g;
  open_game(&g, NULL);
  n_done = 0;
  load(&g, "local a, b = ... ebb.sleep(0.1) return a + b, 'sum'");
  lua_pushinteger(g.L, 3);
  lua_pushinteger(g.L, 4);
  ebb_task *task = ebb_spawn(g.rt, g.L, 2);
  CHECK_EQ(ebb_task_on_done(task, on_done, NULL), 0);
  CHECK_EQ(ebb_task_on_done(task, on_done, NULL), EBB_EBUSY);
  CHECK(ebb_task_id(task) > 0);
  frames(&g, 3);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_ALIVE);
  CHECK_EQ(ebb_task_results(task, g.L), EBB_EAGAIN);
  CHECK_EQ(n_done, 0);
  frames(&g, 6);
  CHECK_EQ(n_done, 1);
  CHECK(done_task == task && done_status == EBB_TASK_DONE);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  CHECK_EQ(ebb_task_results(task, g.L), 2);
  CHECK_EQ(lua_tointeger(g.L, -2), 7);
  CHECK_STR(lua_tostring(g.L, -1), "sum");
  lua_settop(g.L, 0);
  /* asked for afterwards: in the next step */
  CHECK_EQ(ebb_task_on_done(task, on_done, &g), 0);
  CHECK_EQ(n_done, 1);
  frames(&g, 1);
  CHECK_EQ(n_done, 2); /* and released there */
  close_game(&g);
}

TEST(task_fails)
{
  game g;
  open_game(&g, NULL);
  ebb_task *task = spawn(&g, "error({code = 7})");
  frames(&g, 1);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_FAILED);
  CHECK_EQ(ebb_task_results(task, g.L), 1);
  lua_getfield(g.L, -1, "code");
  CHECK_EQ(lua_tointeger(g.L, -1), 7);
  lua_settop(g.L, 0);
  ebb_task_release(task);
  lua_gc(g.L, LUA_GCCOLLECT, 0);
  CHECK_EQ(n_logs, 0); /* it was taken */
  ebb_task_release(spawn(&g, "error 'oops'"));
  frames(&g, 1);
  lua_gc(g.L, LUA_GCCOLLECT, 0);
  lua_gc(g.L, LUA_GCCOLLECT, 0);
  CHECK_EQ(n_logs, 1);
  CHECK(strstr(last_log, "EBB021") != NULL && strstr(last_log, "oops") != NULL);
  /* what cannot be spawned is logged */
  lua_pushinteger(g.L, 5);
  CHECK(ebb_spawn(g.rt, g.L, 0) == NULL);
  CHECK_EQ(lua_gettop(g.L), 0);
  CHECK_EQ(n_logs, 2);
  close_game(&g);
}

TEST(task_is_cancelled)
{
  game g;
  open_game(&g, NULL);
  n_done = 0;
  ebb_task *task = spawn(
      &g, "local _ <close> = setmetatable({}, {__close = function(_, e) "
          "reason = e.reason ebb.sleep(0.05) cleaned = 1 end}) ebb.sleep(9)");
  ebb_task *never = spawn(&g, "ran = 1");
  CHECK_EQ(ebb_task_on_done(task, on_done, NULL), 0);
  CHECK_EQ(ebb_task_cancel(never, NULL), 1);
  frames(&g, 1);
  CHECK_EQ(ebb_task_cancel(task, "the level ended"), 1);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_ALIVE);
  frames(&g, 6);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_CANCELLED);
  CHECK_EQ(ebb_task_status(never), EBB_TASK_CANCELLED);
  CHECK_EQ(n_done, 1);
  CHECK_EQ(global(&g, "cleaned"), 1);
  CHECK_EQ(global(&g, "ran"), 0);
  luaL_dostring(g.L, "assert(reason == 'the level ended', reason)");
  CHECK_EQ(lua_gettop(g.L), 0);
  CHECK_EQ(ebb_task_cancel(task, NULL), 0);
  ebb_task_release(task);
  ebb_task_release(never);
  close_game(&g);
}

/* A host that drops its handles, or keeps them longer than the runtime. */
TEST(handles_outlive_the_runtime)
{
  for (int order = 0; order < 3; order++) {
    game g;
    open_game(&g, NULL);
    n_done = 0;
    ebb_task *kept = spawn(&g, "ebb.sleep(1e9)");
    ebb_task *dropped = spawn(&g, "ebb.sleep(1e9)");
    CHECK_EQ(ebb_task_on_done(kept, on_done, NULL), 0);
    CHECK_EQ(ebb_task_on_done(dropped, on_done, NULL), 0);
    ebb_task_release(dropped);
    ebb_scope *scope = ebb_scope_new(g.rt);
    load(&g, "ebb.sleep(1e9)");
    ebb_task_release(ebb_scope_spawn(scope, g.L, 0));
    frames(&g, 2);
    CHECK_EQ(ebb_scope_count(scope), 1);
    if (order == 0) {
      close_game(&g);
    } else if (order == 1) {
      lua_close(g.L);
    } else {
      luaL_dostring(g.L, "ebb.current_runtime():close()");
      CHECK_EQ(ebb_step(g.rt, 0, 0, NULL), EBB_ECLOSED);
      CHECK_EQ(ebb_next_deadline(g.rt), -1);
      CHECK_EQ(ebb_backend_fd(g.rt), EBB_ECLOSED);
      CHECK(ebb_scope_new(g.rt) == NULL);
      CHECK(ebb_remote_new(g.rt) == NULL);
      load(&g, "x = 1");
      CHECK(ebb_spawn(g.rt, g.L, 0) == NULL);
      load(&g, "x = 1");
      CHECK(ebb_scope_spawn(scope, g.L, 0) == NULL);
      CHECK_EQ(lua_gettop(g.L), 0);
      lua_close(g.L);
    }
    CHECK_EQ(n_done, 2);
    CHECK_EQ(done_status, EBB_TASK_CANCELLED);
    CHECK_EQ(ebb_task_status(kept), EBB_TASK_CANCELLED);
    CHECK_EQ(ebb_task_cancel(kept, "late"), 0);
    CHECK_EQ(ebb_scope_count(scope), 0);
    CHECK_EQ(ebb_scope_cancel(scope), 0);
    ebb_scope_release(scope);
    ebb_task_release(kept);
    if (order > 0)
      CHECK_EQ(ebb_close(g.rt), 0);
  }
}

TEST(scopes)
{
  game g;
  open_game(&g, NULL);
  n_done = 0;
  ebb_scope *orc = ebb_scope_new(g.rt);
  for (int i = 0; i < 3; i++) {
    load(&g, "local _ <close> = setmetatable({}, {__close = function() "
             "ebb.sleep(0.02) n = (n or 0) + 1 end}) ebb.sleep(9)");
    ebb_task *task = ebb_scope_spawn(orc, g.L, 0);
    CHECK(task != NULL);
    CHECK_EQ(ebb_task_on_done(task, on_done, NULL), 0);
    ebb_task_release(task);
  }
  load(&g, "ebb.sleep(0.01) error 'stumbled'");
  ebb_task_release(ebb_scope_spawn(orc, g.L, 0));
  frames(&g, 2);
  CHECK_EQ(ebb_scope_count(orc), 3); /* one has failed, the others go on */
  CHECK_EQ(n_logs, 1);
  CHECK(strstr(last_log, "stumbled") != NULL);
  CHECK_EQ(ebb_scope_cancel(orc), 0);
  CHECK_EQ(ebb_scope_count(orc), 3);
  load(&g, "ran = 1");
  ebb_task *late = ebb_scope_spawn(orc, g.L, 0);
  frames(&g, 4);
  CHECK_EQ(ebb_task_status(late), EBB_TASK_CANCELLED);
  CHECK_EQ(global(&g, "ran"), 0);
  CHECK_EQ(n_done, 3);
  CHECK_EQ(global(&g, "n"), 3);
  CHECK_EQ(ebb_scope_count(orc), 0);
  ebb_task_release(late);
  ebb_scope_release(orc);
  /* released while they run: they end */
  orc = ebb_scope_new(g.rt);
  load(&g, "ebb.sleep(1e9)");
  ebb_task *task = ebb_scope_spawn(orc, g.L, 0);
  frames(&g, 1);
  ebb_scope_release(orc);
  frames(&g, 2);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_CANCELLED);
  ebb_task_release(task);
  close_game(&g);
}

/* --- not from inside --- */

static ebb_runtime *inner;

static int l_misuse(lua_State *L)
{
  CHECK_EQ(ebb_step(inner, 0, 0, NULL), EBB_EBUSY);
  CHECK_EQ(ebb_close(inner), EBB_EBUSY);
  lua_pushcfunction(L, luaopen_base);
  ebb_task *task = ebb_spawn(inner, L, 0); /* this is fine */
  CHECK(task != NULL);
  ebb_task_release(task);
  return 0;
}

TEST(not_from_a_task)
{
  game g;
  open_game(&g, NULL);
  inner = g.rt;
  lua_register(g.L, "misuse", l_misuse);
  ebb_task *task = spawn(&g, "misuse() return 1");
  frames(&g, 1);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  ebb_task_release(task);
  /* and Lua outside of a task does not drive what the host drives */
  luaL_dostring(g.L, "local ok, e = pcall(ebb.sleep, 1) "
                     "assert(not ok and e:find 'EBB055', e)");
  CHECK_EQ(lua_gettop(g.L), 0);
  close_game(&g);
}

static void close_in_callback(ebb_task *task, int status, void *ud)
{
  (void)status;
  game *g = ud;
  ebb_task_release(task);
  CHECK_EQ(ebb_close(g->rt), 0);
}

TEST(closed_in_a_callback)
{
  game g;
  ebb_status status;
  open_game(&g, NULL);
  ebb_task *task = spawn(&g, "return 1");
  CHECK_EQ(ebb_task_on_done(task, close_in_callback, &g), 0);
  CHECK_EQ(ebb_step(g.rt, EBB_UNLIMITED, 0, &status), 0);
  lua_close(g.L);
}

/* --- quotas --- */

TEST(quotas)
{
  game g;
  ebb_config config;
  memset(&config, 0, sizeof config);
  config.memory_bytes = 2 << 20;
  config.slice_ns = 200 * MS;
  config.on_slice = EBB_SLICE_THROW;
  open_game(&g, &config);
  ebb_task *endless = spawn(&g, "while true do end");
  ebb_task *good = spawn(&g, "ebb.sleep(0.1) return 1");
  for (int i = 0; i < 50; i++)
    frames(&g, 1);
  CHECK_EQ(ebb_task_status(endless), EBB_TASK_FAILED);
  CHECK_EQ(ebb_task_status(good), EBB_TASK_DONE);
  /* all of them together have one quota of memory */
  ebb_task *greedy = spawn(&g, "local t = {} for i = 1, 1e7 do t[i] = {i} end");
  for (int i = 0; i < 50 && ebb_task_status(greedy) == EBB_TASK_ALIVE; i++)
    frames(&g, 1);
  CHECK(ebb_task_status(greedy) != EBB_TASK_ALIVE);
  CHECK(ebb_task_status(greedy) != EBB_TASK_DONE);
  CHECK_EQ(ebb_task_results(greedy, g.L), 1);
  CHECK_EQ(ebb_task_results(endless, g.L), 1);
  lua_settop(g.L, 0);
  ebb_task_release(greedy);
  ebb_task_release(endless);
  ebb_task_release(good);
  close_game(&g);
}

/* --- the host's allocator --- */

static size_t live_bytes;

static void *counting(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud;
  if (ptr != NULL)
    live_bytes -= old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  void *p = realloc(ptr, new_bytes);
  if (p != NULL)
    live_bytes += new_bytes;
  else if (ptr != NULL)
    live_bytes += old_bytes;
  return p;
}

TEST(allocator)
{
  game g;
  ebb_config config;
  memset(&config, 0, sizeof config);
  config.alloc = counting;
  live_bytes = 0;
  open_game(&g, &config);
  ebb_task_release(spawn(&g, "g = ebb.guard() b = g:bytes(100000)"));
  frames(&g, 1);
  CHECK(live_bytes >= 100000);
  close_game(&g);
  CHECK_EQ(live_bytes, 0);
}

/* Two runtimes in one state, one state without ebb_open. */
TEST(several)
{
  game g;
  open_game(&g, NULL);
  ebb_runtime *other = ebb_open(g.L, NULL);
  CHECK(other != NULL);
  load(&g, "return ebb.current_runtime()");
  ebb_task *task = ebb_spawn(other, g.L, 0);
  CHECK_EQ(ebb_step(g.rt, 0, 0, NULL), 0);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_ALIVE);
  CHECK_EQ(ebb_step(other, EBB_UNLIMITED, 0, NULL), 0);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  ebb_task_release(task);
  CHECK_EQ(ebb_close(other), 0);
  close_game(&g);
  lua_State *L = luaL_newstate(); /* no package library */
  ebb_config config;
  memset(&config, 0, sizeof config);
  config.log = on_log;
  n_logs = 0;
  CHECK(ebb_open(L, &config) == NULL);
  CHECK_EQ(n_logs, 1);
  CHECK_EQ(lua_gettop(L), 0);
  lua_close(L);
  CHECK_EQ(ebb_close(NULL), 0);
}

int main(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(frame_loop);
  RUN(idle_steps_allocate_nothing);
  RUN(budget);
  RUN(task_ends);
  RUN(task_fails);
  RUN(task_is_cancelled);
  RUN(handles_outlive_the_runtime);
  RUN(scopes);
  RUN(not_from_a_task);
  RUN(closed_in_a_callback);
  RUN(quotas);
  RUN(allocator);
  RUN(several);
  return check_report();
}
