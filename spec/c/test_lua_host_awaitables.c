/* SPDX-License-Identifier: MIT */
/* The edges of what a host makes to be awaited, ops and promises: functions
   that are left out, objects that were closed or have gone, a runtime that
   ends. */
#include <limits.h>
#include <stddef.h>

#include "check.h"
#include "ebb_host.h"

/* --- awaitables --- */

static int l_await(lua_State *L)
{
  return ebb_await(L, 1, 0, NULL);
}

/* Nothing but a name; not even that. */
static const ebb_op_class bare_class = {.name = "bare"};
static const ebb_op_class nameless_class = {.size = 0};

/* As a host has it that knows only the first two members. */
static const ebb_op_class old_class = {
    .size = offsetof(ebb_op_class, attempt), .name = "old", .flags = 12345};

static void *last_op;

static int l_op(lua_State *L)
{
  static const ebb_op_class *const classes[] = {&bare_class, &nameless_class,
                                                &old_class};
  last_op = ebb_op_new(L, classes[luaL_checkinteger(L, 1)], 8);
  return 1;
}

static int l_wake(lua_State *L)
{
  lua_pushinteger(
      L, (lua_Integer)ebb_op_wake_all(last_op, (int)lua_tointeger(L, 1)));
  lua_pushinteger(L, (lua_Integer)ebb_op_waiting(last_op));
  return 2;
}

static int l_huge_op(lua_State *L)
{
  ebb_op_new(L, &bare_class, (size_t)INT_MAX + 1);
  return 1;
}

TEST(ops_of_little)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "op", l_op);
  lua_register(L, "wake", l_wake);
  lua_register(L, "huge", l_huge_op);
  /* what it lacks: it never has happened, and the value is the result */
  for (int i = 0; i < 3; i++) {
    lua_pushinteger(L, i);
    lua_setglobal(L, "kind");
    run_task(rt, "local o = op(kind) "
                 "local ebb = require 'ebb' "
                 "assert(ebb.try_select(o) == nil) "
                 "local t = ebb.spawn(function() return o:await() end) "
                 "while t:status() ~= 'waiting' do ebb.yield() end "
                 "assert(t:waiting_on():find(({[0] = 'bare', 'host op', 'old'})"
                 "[kind], 1, true), t:waiting_on()) "
                 "assert(select('#', wake(41)) == 2) "
                 "local n, v = select('#', t:await()), t:await() "
                 "assert(n == 1 and v == 41) "
                 "o = nil collectgarbage()");
  }
  /* two arms of one select are one task: it is woken once */
  run_task(rt, "local ebb = require 'ebb' local o = op(0) "
               "local t = ebb.spawn(function() return ebb.select(o, o) end) "
               "while t:status() ~= 'waiting' do ebb.yield() end "
               "local n, left = wake(7) assert(n == 1 and left == 0) "
               "local i, v = t:await() assert((i == 1 or i == 2) and v == 7)");
  run_task(rt, "local ok, e = pcall(huge) "
               "assert(not ok and e:find 'that many bytes', e)");
  /* its own __gc on something else, and twice */
  run_task(rt, "local o = op(0) local gc = debug.getmetatable(o).__gc "
               "gc(5) gc(io.stdout) gc(o) gc(o)");
  CHECK_EQ(n_logs, 0);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

static int gate_attempt(lua_State *L, void *object)
{
  (void)object;
  lua_pushnil(L);
  return 1;
}

static int gate_settle(lua_State *L, void *object, int value)
{
  (void)L, (void)object, (void)value;
  return 0;
}

/* An op is of a class when name and functions are the same. */
TEST(classes_of_ops)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  ebb_op_class cls = {.name = "bare"};
  void *object = ebb_op_new(L, &bare_class, 1);
  CHECK(ebb_op_test(L, -1, &cls) == object);
  cls.settle = gate_settle;
  CHECK(ebb_op_test(L, -1, &cls) == NULL);
  cls.settle = NULL;
  cls.attempt = gate_attempt;
  CHECK(ebb_op_test(L, -1, &cls) == NULL);
  cls = (ebb_op_class){.name = "another"};
  CHECK(ebb_op_test(L, -1, &cls) == NULL);
  lua_pushinteger(L, 1);
  CHECK(ebb_op_test(L, -1, &bare_class) == NULL);
  CHECK_EQ(ebb_op_wake(object, 1), 0);
  CHECK_EQ(ebb_op_wake_all(object, 1), 0);
  lua_settop(L, 0);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

/* What raises says so where ebb is not open. */
TEST(without_ebb)
{
  lua_State *L = new_state();
  lua_register(L, "op", l_op);
  lua_register(L, "await", l_await);
  run(L, "local ok, e = pcall(op, 0) "
         "assert(not ok and e:find('not open in this state', 1, true), e) "
         "ok, e = pcall(await, 5) "
         "assert(not ok and e:find('not open in this state', 1, true), e)");
  CHECK(ebb_promise_new(L) == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  lua_close(L);
}

/* --- promises --- */

static ebb_promise *promise;
static int n_pushed, n_dropped;

static int push_two(lua_State *L, void *ud)
{
  (void)ud;
  n_pushed++;
  lua_pushliteral(L, "one");
  lua_pushliteral(L, "two");
  return 2;
}

static int push_none(lua_State *L, void *ud)
{
  (void)L, (void)ud;
  n_pushed++;
  return 0;
}

static void drop(void *ud)
{
  (void)ud;
  n_dropped++;
}

static int l_promise(lua_State *L)
{
  promise = ebb_promise_new(L);
  if (promise == NULL)
    lua_pushnil(L);
  return 1;
}

TEST(promises_of_little)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  n_pushed = n_dropped = 0;
  ebb_promise_release(NULL);
  run(L, "p = promise() assert(tostring(p) == 'ebb.promise: waiting')");
  CHECK_EQ(ebb_promise_resolve(promise, NULL, NULL, NULL), 1);
  run_task(rt, "assert(select('#', p:await()) == 0)");
  run(L, "assert(tostring(p) == 'ebb.promise: resolved')");
  /* no push, but something to be freed */
  run(L, "p = promise()");
  CHECK_EQ(ebb_promise_reject(promise, NULL, drop, NULL), 1);
  run_task(rt, "local ok, e = pcall(p.await, p) assert(not ok and e == nil) "
               "assert(tostring(p) == 'ebb.promise: rejected')");
  CHECK_EQ(n_dropped, 1);
  run(L, "p = promise()");
  CHECK_EQ(ebb_promise_reject(promise, push_none, NULL, NULL), 1);
  run_task(rt, "local ok, e = pcall(p.await, p) assert(not ok and e == nil) "
               "ok, e = pcall(p.await, p) assert(not ok and e == nil)");
  CHECK_EQ(n_pushed, 1);
  /* nobody can take it any more, and there is nothing to be freed */
  run(L, "p = promise() p = nil collectgarbage() collectgarbage()");
  CHECK_EQ(ebb_promise_resolve(promise, push_two, NULL, NULL), 0);
  CHECK_EQ(n_pushed, 1);
  CHECK_EQ(n_logs, 0);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

/* Closed, collected by hand, robbed of its values: an outcome, no crash. */
TEST(promises_that_are_gone)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  run(L, "p = promise()");
  CHECK_EQ(ebb_promise_resolve(promise, push_two, NULL, NULL), 1);
  run_task(rt, "local a, b = p:await() assert(a == 'one' and b == 'two') "
               "debug.setuservalue(p, nil, 2) "
               "a, b = p:await() assert(a == nil and b == 'closed')");
  run(L, "p = promise() debug.getmetatable(p).__gc(p) "
         "debug.getmetatable(p).__gc(p) debug.getmetatable(p).__gc(1) "
         "assert(tostring(p) == 'ebb.promise: closed')");
  CHECK_EQ(ebb_promise_resolve(promise, push_two, drop, NULL), 0);
  run_task(rt, "local a, b = p:await() assert(a == nil and b == 'closed')");
  run(L, "p = promise()");
  CHECK_EQ(ebb_close(rt), 0);
  CHECK_EQ(ebb_promise_resolve(promise, push_two, drop, NULL), 0);
  run(L, "assert(tostring(p) == 'ebb.promise: closed') "
         "local ebb = require 'ebb' "
         "local a, b = ebb.run(function() return p:await() end) "
         "assert(a == nil and b == 'closed')");
  lua_close(L);
}

/* A finaliser that takes it while its values are being made: they are made
   once, and both get them. */
TEST(promises_taken_in_a_finaliser)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  n_pushed = 0;
  run(L, "p = promise()");
  CHECK_EQ(ebb_promise_resolve(promise, push_two, NULL, NULL), 1);
  run_task(rt, "local ebb = require 'ebb' "
               "local try_select, first, second = ebb.try_select "
               "collectgarbage 'generational' collectgarbage 'stop' "
               "setmetatable({}, {__gc = function() "
               "  local _, a = try_select(p) first = a end}) "
               "local collect, await = collectgarbage, ebb.await "
               "collect 'restart' "
               "second = await(p) "
               "collectgarbage() assert(first == 'one' and second == 'one') "
               "collectgarbage 'incremental'");
  CHECK_EQ(n_pushed, 1);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

/* None is made for a runtime that ends. */
TEST(promises_too_late)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  lua_register(L, "promise", l_promise);
  run(L, "seen = 'nothing'");
  ebb_task *task = spawn(rt, "local c <close> = setmetatable({}, {__close = "
                             "function() seen = tostring(promise()) end}) ; "
                             "(require 'ebb').sleep(100)");
  ebb_task_release(task);
  step(rt);
  CHECK_EQ(ebb_close(rt), 0);
  lua_getglobal(L, "seen");
  CHECK_STR(lua_tostring(L, -1), "nil");
  CHECK(strstr(last_log, "EBB052") != NULL);
  lua_pop(L, 1);
  lua_close(L);
  /* nor by a finaliser while the state closes, after ebb has gone */
  L = new_state();
  run(L, "keep = setmetatable({}, {__gc = function() "
         "promise('late') end})");
  luaL_requiref(L, "ebb", luaopen_ebb, 0);
  lua_register(L, "promise", l_promise);
  promise = (ebb_promise *)(void *)L;
  lua_close(L);
  CHECK(promise == NULL);
}

int main(void)
{
  host_lua_path();
  RUN(ops_of_little);
  RUN(classes_of_ops);
  RUN(without_ebb);
  RUN(promises_of_little);
  RUN(promises_that_are_gone);
  RUN(promises_taken_in_a_finaliser);
  RUN(promises_too_late);
  return check_report();
}
