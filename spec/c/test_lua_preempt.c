/* SPDX-License-Identifier: MIT */
/* Slices in more than one thread, in a forked child, in a state that is closed
   while its watchdog is alive, and beside a handler of the host's. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"

int luaopen_ebb_core(lua_State *L);

static lua_State *new_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_ebb_core);
  lua_setfield(L, -2, "ebb.core");
  lua_settop(L, 0);
  return L;
}

static const char runs[] =
    "local core = require 'ebb.core'\n"
    "core = (getmetatable(core) or {__index = core}).__index\n"
    "local function compute(s)\n"
    "  local due = os.clock() + s\n"
    "  while os.clock() < due do os.time() end\n"
    "end\n"
    "rt = rt or core.runtime{slice = 0.002, on_slice = 'yield'}\n"
    "local n, ended = 0, false\n"
    "rt:run(function()\n"
    "  local a = core.spawn(function() compute(0.1) ended = true end)\n"
    "  while not ended do n = n + 1 core.yield() end\n"
    "end)\n"
    "return n\n";

/* How often another task had a turn while one computed. */
static lua_Integer run(lua_State *L)
{
  if (luaL_dostring(L, runs) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return -1;
  }
  lua_Integer n = lua_tointeger(L, -1);
  lua_settop(L, 0);
  return n;
}

TEST(a_state_closed_with_its_watchdog_alive)
{
  lua_State *L = new_state();
  CHECK(run(L) > 2);
  lua_close(L);
  L = new_state();
  CHECK_EQ(luaL_dostring(L, "local core = require 'ebb.core'\n"
                            "core.runtime{slice = 0.001}"),
           LUA_OK);
  lua_close(L);
}

TEST(closed_while_a_task_is_preempted)
{
  lua_State *L = new_state();
  CHECK_EQ(luaL_dostring(
               L, "local core = require 'ebb.core'\n"
                  "rt = core.runtime{slice = 0.001, on_slice = 'yield'}\n"
                  "rt:spawn(function()\n"
                  "  local x <close> = setmetatable({}, {__close = function()\n"
                  "    closed = true end})\n"
                  "  while true do os.time() end\n"
                  "end)\n"
                  "for i = 1, 5 do rt:step(0.001) end"),
           LUA_OK);
  lua_close(L);
}

static void *in_thread(void *ud)
{
  lua_State *L = new_state();
  *(lua_Integer *)ud = run(L);
  lua_close(L);
  return NULL;
}

TEST(threads_with_states_of_their_own)
{
  enum { N = 3 };
  pthread_t threads[N];
  lua_Integer n[N];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < N; i++)
      pthread_create(&threads[i], NULL, in_thread, &n[i]);
    for (int i = 0; i < N; i++) {
      pthread_join(threads[i], NULL);
      CHECK(n[i] > 1);
    }
  }
}

static void *run_state(void *ud)
{
  lua_State *L = ud;
  CHECK(run(L) > 1);
  return NULL;
}

/* A host may run its state in one thread now and in another one later. */
TEST(a_state_that_moves_between_threads)
{
  lua_State *L = new_state();
  run_state(L);
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, run_state, L);
    pthread_join(thread, NULL);
  }
  run_state(L);
  lua_close(L);
}

#if !defined(__SANITIZE_THREAD__) /* it does not fork with threads */
TEST(a_forked_child)
{
  lua_State *L = new_state();
  CHECK(run(L) > 2);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) { /* with a runtime of its own */
    lua_pushnil(L);
    lua_setglobal(L, "rt");
    lua_Integer n = run(L);
    lua_close(L);
    _exit(n > 2 ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQ(status, 0);
  child = fork();
  if (child == 0) { /* without another run */
    lua_close(L);
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQ(status, 0);
  CHECK(run(L) > 2);
  lua_close(L);
}
#endif

static volatile sig_atomic_t n_own;

static void own_handler(int number)
{
  (void)number;
  n_own++;
}

TEST(the_hosts_handler_is_back_afterwards)
{
  struct sigaction own = {.sa_handler = own_handler}, now;
  sigemptyset(&own.sa_mask);
  sigaction(SIGURG, &own, NULL);
  lua_State *L = new_state();
  CHECK(run(L) > 2);
  CHECK_EQ(n_own, 0);
  raise(SIGURG);
  CHECK_EQ(n_own, 1);
  lua_close(L);
  sigaction(SIGURG, NULL, &now);
  CHECK(now.sa_handler == own_handler);
  own.sa_handler = SIG_DFL;
  sigaction(SIGURG, &own, NULL);
}

int main(void)
{
  RUN(a_state_closed_with_its_watchdog_alive);
  RUN(closed_while_a_task_is_preempted);
  RUN(threads_with_states_of_their_own);
  RUN(a_state_that_moves_between_threads);
#if !defined(__SANITIZE_THREAD__)
  RUN(a_forked_child);
#endif
  RUN(the_hosts_handler_is_back_afterwards);
  return check_report();
}
