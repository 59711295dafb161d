/* SPDX-License-Identifier: MIT */
/* ebb.h where there is no room: on a full Lua stack, without memory. A call
   does its work or says that it cannot, and leaves the stack as it was. */
#include "check.h"
#include "ebb_host.h"
#include "malloc_fails.h"

static int n_done, n_dropped;

static void on_done(ebb_task *task, int status, void *ud)
{
  (void)task, (void)status, (void)ud;
  n_done++;
}

static int push_two(lua_State *L, void *ud)
{
  (void)ud;
  lua_pushliteral(L, "one");
  lua_pushliteral(L, "two");
  return 2;
}

static void drop(void *ud)
{
  (void)ud;
  n_dropped++;
}

static int l_await(lua_State *L)
{
  return ebb_await(L, 1, 0, NULL);
}

static void call(lua_State *L, void *ud)
{
  (void)L;
  ++*(int *)ud;
}

/* --- a stack without room --- */

/* So full that lua_checkstack(L, n_free + 1) fails. */
static void fill(lua_State *L, int n_free)
{
  for (int n = 100000; n >= 1; n /= 10)
    while (lua_checkstack(L, n))
      lua_settop(L, lua_gettop(L) + n);
  lua_settop(L, lua_gettop(L) - n_free);
}

/* With room for so many values: each call does its work, or says that it
   cannot; all of it works once there is room. */
TEST(full_stack)
{
  for (int n_free = 0; n_free < 72; n_free += 9) {
    lua_State *L;
    ebb_runtime *rt = open_host(&L);
    n_done = n_dropped = 0;
    int n_called = 0, n_asked = 0, n_posted = 0;
    ebb_task *task = spawn(rt, "(require 'ebb').sleep(100)");
    ebb_task *ended = spawn(rt, "return 1, 2, 3");
    ebb_scope *old = ebb_scope_new(rt);
    step(rt);
    fill(L, n_free);
    int top = lua_gettop(L);
    ebb_scope *scope = ebb_scope_new(rt);
    CHECK_EQ(lua_gettop(L), top);
    ebb_remote *remote = ebb_remote_new(rt);
    if (remote != NULL)
      n_posted += ebb_post(remote, call, &n_called) == 0;
    ebb_promise *p = ebb_promise_new(L);
    CHECK_EQ(lua_gettop(L), top + (p != NULL));
    lua_settop(L, top);
    if (p != NULL)
      ebb_promise_resolve(p, push_two, drop, NULL);
    ebb_task *child = NULL;
    if (n_free > 0) {
      lua_pushcfunction(L, l_await);
      child = ebb_scope_spawn(scope != NULL ? scope : old, L, 0);
      CHECK_EQ(lua_gettop(L), top);
    }
    int n = ebb_task_results(ended, L);
    CHECK_EQ(lua_gettop(L), top + (n > 0 ? n : 0));
    CHECK(n == 3 || n == EBB_ENOMEM || n == EBB_EINVAL);
    lua_settop(L, top);
    n_asked += ebb_task_on_done(ended, on_done, NULL) == 0;
    int status = ebb_step(rt, EBB_UNLIMITED, 0, NULL);
    CHECK(status == 0 || status == EBB_ENOMEM || status == EBB_EINVAL);
    CHECK_EQ(lua_gettop(L), top);
    status = ebb_task_cancel(task, "no room");
    CHECK(status == 1 || status == EBB_ENOMEM || status == EBB_EINVAL);
    CHECK_EQ(lua_gettop(L), top);
    status = ebb_scope_cancel(old);
    CHECK(status == 0 || status == EBB_ENOMEM || status == EBB_EINVAL);
    CHECK_EQ(lua_gettop(L), top);
    if (n_free % 2 == 0) {
      ebb_task_release(ended);
      ebb_task_release(child);
      ebb_scope_release(scope);
      ended = child = NULL;
      scope = NULL;
    }
    status = n_free % 3 == 0 ? ebb_close(rt) : EBB_EBUSY;
    CHECK_EQ(lua_gettop(L), top);
    lua_settop(L, 0);
    if (status != 0) { /* with room it goes on */
      ebb_task *next = spawn(rt, "return 'fine'");
      step(rt);
      CHECK_EQ(ebb_task_status(next), EBB_TASK_DONE);
      CHECK_EQ(ebb_task_results(next, L), 1);
      CHECK_STR(lua_tostring(L, -1), "fine");
      lua_settop(L, 0);
      ebb_task_release(next);
      CHECK_EQ(ebb_close(rt), 0);
    }
    CHECK_EQ(n_called, n_posted);
    CHECK_EQ(n_done, n_asked);
    ebb_task_release(ended);
    ebb_task_release(child);
    ebb_task_release(task);
    ebb_scope_release(scope);
    ebb_scope_release(old);
    ebb_remote_release(remote);
    lua_close(L);
    CHECK_EQ(n_dropped, p != NULL);
  }
}

/* No room to open one. */
TEST(full_stack_opening)
{
  for (int n_free = 0; n_free < 80; n_free += 24) {
    lua_State *L = new_state();
    ebb_config config = {.log = on_log};
    fill(L, n_free);
    int top = lua_gettop(L);
    ebb_runtime *rt = ebb_open(L, &config);
    CHECK_EQ(lua_gettop(L), top);
    lua_settop(L, 0);
    if (rt == NULL)
      rt = ebb_open(L, &config);
    CHECK(rt != NULL);
    run_task(rt, "(require 'ebb').sleep(0)");
    CHECK_EQ(ebb_close(rt), 0);
    lua_close(L);
  }
}

/* --- without memory --- */

#if defined(EBB_WRAPS_MALLOC)

static int l_promise(lua_State *L)
{
  ebb_promise *promise = ebb_promise_new(L);
  ebb_promise_release(promise); /* nobody settles it */
  return promise != NULL;
}

/* What the host's own objects are made of cannot be had: NULL or EBB_ENOMEM,
   and the stack is as the header says. (Lua asks for its memory elsewhere.) */
TEST(without_memory)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  ebb_scope *scope = ebb_scope_new(rt);
  ebb_remote *remote = ebb_remote_new(rt);
  lua_register(L, "promise", l_promise);
  CHECK_EQ(luaL_loadstring(L, "return ..."), LUA_OK);
  lua_pushinteger(L, 1);
  malloc_fail_from(1);
  ebb_task *task = ebb_spawn(rt, L, 1);
  CHECK(task == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  lua_pushcfunction(L, l_await);
  CHECK(ebb_scope_spawn(scope, L, 0) == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  CHECK(ebb_scope_new(rt) == NULL);
  CHECK(ebb_promise_new(L) == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  CHECK(ebb_remote_new(rt) == NULL);
  CHECK_EQ(ebb_post(remote, call, NULL), EBB_ENOMEM);
  CHECK(ebb_open(L, NULL) == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  malloc_fail_from(0);
  int n_called = 0;
  CHECK_EQ(ebb_post(remote, call, &n_called), 0);
  run_task(rt, "assert(promise())");
  CHECK_EQ(n_called, 1);
  ebb_scope_release(scope);
  ebb_remote_release(remote);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}
#endif

int main(void)
{
  host_lua_path();
  RUN(full_stack);
  RUN(full_stack_opening);
#if defined(EBB_WRAPS_MALLOC)
  RUN(without_memory);
#endif
  return check_report();
}
