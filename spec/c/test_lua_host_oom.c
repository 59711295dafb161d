/* SPDX-License-Identifier: MIT */
/* Everything of ebb.h with an allocator that refuses request k (alone; it and
   the next; all from it on): calls give NULL or a negative code, nothing is
   raised through the host, the stack is as it was, and in the end every byte is
   given back. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

static struct {
  long n_asked, fail_at, n_fail;
  size_t live_bytes;
} memory;

static void *failing(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud;
  if (ptr == NULL)
    old_bytes = 0;
  if (new_bytes == 0) {
    memory.live_bytes -= old_bytes;
    free(ptr);
    return NULL;
  }
  if (new_bytes > old_bytes) {
    long k = ++memory.n_asked;
    if (k >= memory.fail_at && k - memory.fail_at < memory.n_fail)
      return NULL;
  }
  void *p = realloc(ptr, new_bytes);
  if (p != NULL)
    memory.live_bytes += new_bytes - old_bytes;
  return p;
}

static void on_log(void *ud, const char *message)
{
  (void)ud, (void)message;
}

static int push(lua_State *L, void *ud)
{
  lua_pushfstring(L, "value %d of the promise", (int)(intptr_t)ud);
  lua_newtable(L);
  return 2;
}

static int n_drops, n_calls, n_done;

static void drop(void *ud)
{
  (void)ud;
  n_drops++;
}

static void called(lua_State *L, void *ud)
{
  (void)ud;
  n_calls++;
  if (L != NULL)
    lua_newtable(L);
}

static void on_done(ebb_task *task, int status, void *ud)
{
  (void)task, (void)status, (void)ud;
  n_done++;
}

static ebb_task *spawn(ebb_runtime *rt, ebb_scope *scope, const char *code)
{
  lua_State *L = ebb_lua(rt);
  if (luaL_loadstring(L, code) != LUA_OK) {
    lua_settop(L, 0);
    return NULL;
  }
  lua_pushinteger(L, 1);
  ebb_task *task =
      scope != NULL ? ebb_scope_spawn(scope, L, 1) : ebb_spawn(rt, L, 1);
  CHECK_EQ(lua_gettop(L), 0);
  return task;
}

/* With luaL_loadstring as its only call that is Lua's own. */
static void scenario(ebb_runtime *rt)
{
  lua_State *L = ebb_lua(rt);
  int n_settled = 0, n_posted = 0, n_asked = 0;
  n_drops = n_calls = n_done = 0;
  ebb_task *task = spawn(rt, NULL,
                         "local t = {...} coroutine.running() "
                         "return t, ('x'):rep(100)");
  if (task != NULL)
    n_asked += ebb_task_on_done(task, on_done, NULL) == 0;
  ebb_scope *scope = ebb_scope_new(rt);
  ebb_task *child = scope != NULL ? spawn(rt, scope, "(...):sleep(99)") : NULL;
  ebb_promise *promise = ebb_promise_new(L);
  CHECK_EQ(lua_gettop(L), promise != NULL);
  if (promise != NULL) { /* a task that awaits it */
    lua_pushvalue(L, 1);
    lua_replace(L, 1);
    if (luaL_loadstring(L, "return (...):await()") == LUA_OK) {
      lua_insert(L, 1);
      ebb_task *waiter = ebb_spawn(rt, L, 1);
      ebb_task_release(waiter);
    }
    lua_settop(L, 0);
    ebb_promise_resolve(promise, push, drop, NULL);
    n_settled++;
  }
  ebb_remote *remote = ebb_remote_new(rt);
  if (remote != NULL)
    n_posted += ebb_post(remote, called, NULL) == 0;
  for (int i = 0; i < 3; i++) {
    int status = ebb_step(rt, EBB_UNLIMITED, 0, NULL);
    CHECK(status == 0 || status == EBB_ENOMEM);
    CHECK_EQ(lua_gettop(L), 0);
    if (status != 0)
      memory.n_fail = 0; /* nothing was lost: the next one goes on */
  }
  if (task != NULL) {
    CHECK(ebb_task_status(task) != EBB_TASK_ALIVE);
    int n = ebb_task_results(task, L);
    CHECK(n >= 0 ? n == lua_gettop(L) : n == EBB_ENOMEM);
    lua_settop(L, 0);
  }
  if (ebb_frame_begin(L) == 0) {
    char *scratch = ebb_frame_alloc(L, 3 << 20, 64);
    if (scratch != NULL)
      memset(scratch, 1, 3 << 20);
    CHECK_EQ(ebb_frame_end(L), 0);
  }
  if (child != NULL) {
    int status = ebb_task_cancel(child, "no reason");
    CHECK(status >= 0 || status == EBB_ENOMEM);
  }
  ebb_task_release(child);
  ebb_scope_release(scope);
  ebb_step(rt, EBB_UNLIMITED, 0, NULL);
  ebb_task_release(task);
  ebb_remote_release(remote);
  int status = ebb_close(rt);
  CHECK(status == 0 || status == EBB_ENOMEM);
  CHECK_EQ(n_done, n_asked);
  if (status == 0)
    CHECK_EQ(n_calls, n_posted);
  lua_gc(L, LUA_GCCOLLECT, 0);
  memory.n_fail = 0;
  if (status != 0)
    CHECK_EQ(ebb_close(rt), 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  CHECK_EQ(n_drops, n_settled);
}

/* False when request k was never made. */
static int run(long k, long n_fail, int opens)
{
  memset(&memory, 0, sizeof memory);
  lua_State *L = lua_newstate(failing, NULL);
  luaL_openlibs(L);
  ebb_config config;
  memset(&config, 0, sizeof config);
  config.log = on_log;
  memory.n_asked = 0;
  memory.fail_at = k;
  memory.n_fail = opens ? n_fail : 0;
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK_EQ(lua_gettop(L), 0);
  if (!opens) {
    CHECK(rt != NULL);
    memory.n_asked = 0;
    memory.n_fail = n_fail;
    scenario(rt);
  } else {
    memory.n_fail = 0;
    if (rt == NULL) /* with memory back it opens */
      rt = ebb_open(L, &config);
    CHECK(rt != NULL);
    CHECK_EQ(ebb_close(rt), 0);
  }
  int is_reached = memory.n_asked >= k;
  lua_close(L);
  CHECK_EQ(memory.live_bytes, 0);
  return is_reached;
}

static void sweep(int opens, long stride)
{
  static const long windows[] = {1, 2, 1L << 40};
  for (int i = 0; i < 3; i++)
    for (long k = 1; run(k, windows[i], opens) && check_failures_here == 0;
         k += stride)
      continue;
}

TEST(running)
{
  sweep(0, 1);
}

TEST(opening)
{
  sweep(1, getenv("EBB_OOM_FULL") != NULL ? 1 : 13);
}

int main(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(running);
  RUN(opening);
  return check_report();
}
