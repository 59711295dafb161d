/* SPDX-License-Identifier: MIT */
/* ebb.h from other threads: promises and posts, with whoever settles, abandons
   and closes in any order. Meant for TSan, too. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

static atomic_int n_dropped, n_abandoned, n_logs;

static void on_log(void *ud, const char *message)
{
  (void)ud, (void)message;
  atomic_fetch_add(&n_logs, 1);
}

static ebb_runtime *open_host(lua_State **L)
{
  ebb_config config;
  memset(&config, 0, sizeof config);
  config.log = on_log;
  n_dropped = n_abandoned = n_logs = 0;
  *L = ebb_newstate(NULL);
  luaL_openlibs(*L);
  ebb_runtime *rt = ebb_open(*L, &config);
  if (rt == NULL)
    exit(1);
  luaL_requiref(*L, "ebb", luaopen_ebb, 1);
  lua_settop(*L, 0);
  return rt;
}

static ebb_task *spawn(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  CHECK_EQ(luaL_loadstring(L, code), LUA_OK);
  return ebb_spawn(rt, L, 0);
}

/* Steps until the task has ended. */
static void run(ebb_runtime *rt, ebb_task *task)
{
  for (int i = 0; i < 20000 && ebb_task_status(task) == EBB_TASK_ALIVE; i++) {
    CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
    usleep(500);
  }
  if (ebb_task_status(task) == EBB_TASK_FAILED) {
    lua_State *L = ebb_lua(rt);
    ebb_task_results(task, L);
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_settop(L, 0);
  }
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  ebb_task_release(task);
}

/* --- promises --- */

static int push_text(lua_State *L, void *ud)
{
  lua_pushstring(L, ud);
  lua_pushinteger(L, 42);
  return 2;
}

static int push_failure(lua_State *L, void *ud)
{
  return luaL_error(L, "the pusher: %s", (char *)ud);
}

static void drop(void *ud)
{
  free(ud);
  atomic_fetch_add(&n_dropped, 1);
}

static void abandoned(void *ud)
{
  (void)ud;
  atomic_fetch_add(&n_abandoned, 1);
}

static ebb_promise *kept; /* of promise("keep") */

static void *resolver(void *ud)
{
  usleep(1000);
  ebb_promise_resolve(ud, push_text, drop, strdup("hello"));
  return NULL;
}

static void *rejecter(void *ud)
{
  ebb_promise_reject(ud, push_text, drop, strdup("no such thing"));
  return NULL;
}

static void *failing(void *ud)
{
  ebb_promise_resolve(ud, push_failure, drop, strdup("oops"));
  return NULL;
}

/* promise(how) → what another thread settles */
static int l_promise(lua_State *L)
{
  const char *how = luaL_checkstring(L, 1);
  ebb_promise *p = ebb_promise_new(L);
  if (p == NULL)
    return luaL_error(L, "not enough memory");
  pthread_t thread;
  if (strcmp(how, "keep") == 0) {
    kept = p;
    ebb_promise_on_abandon(p, abandoned, NULL);
  } else if (strcmp(how, "release") == 0) {
    ebb_promise_release(p);
  } else {
    pthread_create(&thread, NULL,
                   how[0] == 'r' && how[2] == 's' ? resolver
                   : how[0] == 'r'                ? rejecter
                                                  : failing,
                   p);
    pthread_detach(thread);
  }
  return 1;
}

TEST(promises)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  run(rt, spawn(rt, "local p = promise 'resolve' "
                    "assert(tostring(p) == 'ebb.promise: waiting') "
                    "local a, b = ebb.await(p) "
                    "assert(a == 'hello' and b == 42) "
                    "a = ebb.await(p) assert(a == 'hello') "
                    "assert(tostring(p) == 'ebb.promise: resolved') "
                    "local i, c = ebb.select(promise 'resolve', ebb.after(9)) "
                    "assert(i == 1 and c == 'hello')"));
  run(rt, spawn(rt, "local ok, e = pcall(ebb.await, promise 'reject') "
                    "assert(not ok and e == 'no such thing', e) "
                    "local p = promise 'fail' "
                    "for i = 1, 2 do ok, e = pcall(ebb.await, p) "
                    "assert(not ok and e:find 'the pusher: oops', e) end"));
  run(rt, spawn(rt, "local p = promise 'resolve' local n = 0 "
                    "for i = 1, 5 do ebb.spawn(function() "
                    "if ebb.await(p) == 'hello' then n = n + 1 end end) end "
                    "ebb.await(p) ebb.sleep(0.01) assert(n == 5)"));
  CHECK_EQ(atomic_load(&n_dropped), 5);
  CHECK_EQ(atomic_load(&n_logs), 0);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

TEST(promises_that_nobody_awaits)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  /* collected: who would settle it is told, and what he brings is dropped */
  run(rt, spawn(rt, "promise 'keep' promise 'release'"));
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  CHECK_EQ(atomic_load(&n_abandoned), 1);
  CHECK_EQ(ebb_promise_on_abandon(kept, abandoned, NULL), EBB_ECLOSED);
  CHECK_EQ(ebb_promise_resolve(kept, push_text, drop, strdup("x")), 0);
  CHECK_EQ(atomic_load(&n_dropped), 1);
  /* twice */
  run(rt, spawn(rt, "p = promise 'keep'"));
  ebb_promise_retain(kept);
  CHECK_EQ(ebb_promise_resolve(kept, push_text, drop, strdup("x")), 1);
  CHECK_EQ(ebb_promise_reject(kept, push_text, drop, strdup("y")), 0);
  CHECK_EQ(atomic_load(&n_dropped), 2);
  run(rt, spawn(rt, "assert(ebb.await(p) == 'x')"));
  CHECK_EQ(atomic_load(&n_dropped), 3);
  /* settled, but nobody takes it */
  run(rt, spawn(rt, "p = promise 'keep'"));
  CHECK_EQ(ebb_promise_resolve(kept, push_text, drop, strdup("x")), 1);
  ebb_step(rt, 0, 0, NULL);
  run(rt, spawn(rt, "p = nil"));
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  CHECK_EQ(atomic_load(&n_dropped), 4);
  /* the runtime closes */
  ebb_task_release(spawn(rt, "p = promise 'keep' ebb.await(p)"));
  ebb_step(rt, EBB_UNLIMITED, 0, NULL);
  CHECK_EQ(ebb_close(rt), 0);
  CHECK_EQ(atomic_load(&n_abandoned), 2);
  CHECK_EQ(ebb_promise_resolve(kept, push_text, drop, strdup("x")), 0);
  CHECK_EQ(atomic_load(&n_dropped), 5);
  CHECK_EQ(atomic_load(&n_logs), 0);
  lua_close(L);
}

/* A promise is no deadlock for ebb.run, in a state without a host's runtime. */
TEST(promises_without_a_host)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK(ebb_promise_new(L) == NULL); /* ebb is not open */
  luaL_requiref(L, "ebb", luaopen_ebb, 1);
  lua_register(L, "promise", l_promise);
  if (luaL_dostring(L, "ebb.run(function() "
                       "assert(ebb.await(promise 'resolve') == 'hello') "
                       "end)") != LUA_OK)
    CHECK_STR(lua_tostring(L, -1), "");
  lua_close(L);
}

/* Many threads settle while tasks are cancelled and the runtime closes. */
static void *settle_late(void *ud)
{
  ebb_promise *p = ud;
  usleep((unsigned)(uintptr_t)p / 64 % 3000);
  ebb_promise_resolve(p, push_text, drop, strdup("late"));
  return NULL;
}

static pthread_t threads[200];
static int n_threads;

static int l_late(lua_State *L)
{
  ebb_promise *p = ebb_promise_new(L);
  ebb_promise_on_abandon(p, abandoned, NULL);
  pthread_create(&threads[n_threads++], NULL, settle_late, p);
  return 1;
}

TEST(promises_in_a_storm)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  n_threads = 0;
  lua_register(L, "late", l_late);
  ebb_task_release(
      spawn(rt, "for i = 1, 200 do ebb.spawn(function() "
                "local p = late() ebb.timeout(0.0001 * (i % 20), function() "
                "ebb.await(p) end) end) end"));
  for (int i = 0; i < 8; i++) {
    ebb_step(rt, EBB_UNLIMITED, 0, NULL);
    lua_gc(L, LUA_GCSTEP, 100);
    usleep(200);
  }
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
  for (int i = 0; i < n_threads; i++)
    pthread_join(threads[i], NULL);
  CHECK_EQ(n_threads, 200);
  CHECK_EQ(atomic_load(&n_dropped), 200);
}

/* --- posts --- */

static atomic_int n_posted, n_called, n_late, n_stateless;

static void called(lua_State *L, void *ud)
{
  if (L == NULL) {
    n_stateless++;
    return;
  }
  lua_getglobal(L, "count");
  lua_pushinteger(L, lua_tointeger(L, -1) + (lua_Integer)(intptr_t)ud);
  lua_setglobal(L, "count");
  n_called++;
}

static void raises(lua_State *L, void *ud)
{
  (void)ud;
  luaL_error(L, "posted");
}

static void spawns(lua_State *L, void *ud)
{
  luaL_loadstring(L, "spawned = true");
  ebb_task_release(ebb_spawn(ud, L, 0));
}

static void *poster(void *ud)
{
  for (int i = 0; i < 500; i++) {
    int status = ebb_post(ud, called, (void *)(intptr_t)1);
    if (status == 0)
      n_posted++;
    else if (status == EBB_ECLOSED)
      n_late++;
    if (i % 50 == 0)
      usleep(100);
  }
  ebb_remote_release(ud);
  return NULL;
}

TEST(posts)
{
  lua_State *L;
  for (int closes_early = 0; closes_early < 2; closes_early++) {
    ebb_runtime *rt = open_host(&L);
    n_posted = n_called = n_late = n_stateless = 0;
    ebb_remote *remote = ebb_remote_new(rt);
    pthread_t posters[4];
    for (int i = 0; i < 4; i++) {
      ebb_remote_retain(remote);
      pthread_create(&posters[i], NULL, poster, remote);
    }
    for (int i = 0; i < (closes_early ? 3 : 20); i++) {
      ebb_step(rt, EBB_UNLIMITED, 0, NULL);
      usleep(200);
    }
    if (closes_early)
      CHECK_EQ(ebb_close(rt), 0);
    for (int i = 0; i < 4; i++)
      pthread_join(posters[i], NULL);
    CHECK_EQ(n_posted + n_late, 2000);
    if (!closes_early) {
      CHECK_EQ(n_late, 0);
      CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
      CHECK_EQ(n_called, 2000);
      lua_getglobal(L, "count");
      CHECK_EQ(lua_tointeger(L, -1), 2000);
      lua_settop(L, 0);
      CHECK_EQ(ebb_post(remote, raises, NULL), 0);
      CHECK_EQ(ebb_post(remote, spawns, rt), 0);
      CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
      CHECK_EQ(atomic_load(&n_logs), 1);
      lua_getglobal(L, "spawned");
      CHECK(lua_toboolean(L, -1)); /* in the same step */
      lua_settop(L, 0);
      CHECK_EQ(ebb_post(remote, called, NULL), 0);
      CHECK_EQ(ebb_close(rt), 0);
      CHECK_EQ(n_called, 2001); /* in the end, at the latest */
    }
    CHECK_EQ(n_called, n_posted + !closes_early);
    CHECK_EQ(n_stateless, 0);
    CHECK_EQ(ebb_post(remote, called, NULL), EBB_ECLOSED);
    ebb_remote_release(remote);
    lua_close(L);
  }
}

/* The state goes first: what was posted is called without one. */
TEST(posts_to_a_state_that_closes)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  n_called = n_stateless = 0;
  ebb_remote *remote = ebb_remote_new(rt);
  CHECK_EQ(ebb_post(remote, called, NULL), 0);
  lua_close(L);
  CHECK_EQ(n_called, 0);
  CHECK_EQ(n_stateless, 1);
  ebb_remote_release(remote);
  CHECK_EQ(ebb_close(rt), 0);
}

int main(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(promises);
  RUN(promises_that_nobody_awaits);
  RUN(promises_without_a_host);
  RUN(promises_in_a_storm);
  RUN(posts);
  RUN(posts_to_a_state_that_closes);
  return check_report();
}
