/* SPDX-License-Identifier: MIT */
/* The edges of ebb.h: what a host may leave out, objects that have gone, calls
   at a moment that is none, a Lua stack without room. Each call answers as the
   header says, raises nothing through the host, and leaves the stack as it
   was (R131 to R146 as far as they concern hosts). */
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"
#include "malloc_fails.h"

#define SECOND UINT64_C(1000000000)

static char last_log[4096];
static int n_logs;

static void on_log(void *ud, const char *message)
{
  (void)ud;
  n_logs++;
  snprintf(last_log, sizeof last_log, "%s", message);
}

static lua_State *new_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  n_logs = 0;
  last_log[0] = '\0';
  return L;
}

static ebb_runtime *open_host(lua_State **L)
{
  ebb_config config = {.size = sizeof config, .log = on_log};
  *L = new_state();
  ebb_runtime *rt = ebb_open(*L, &config);
  CHECK(rt != NULL);
  if (rt == NULL)
    exit(1);
  return rt;
}

static void step(ebb_runtime *rt)
{
  CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
}

/* Code that must run without an error. */
static void run(lua_State *L, const char *code)
{
  int top = lua_gettop(L);
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"an error");
  }
  lua_settop(L, top);
}

static ebb_task *spawn(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  CHECK_EQ(luaL_loadstring(L, code), LUA_OK);
  ebb_task *task = ebb_spawn(rt, L, 0);
  CHECK(task != NULL);
  return task;
}

/* Spawned, run to its end: it must not fail. */
static void run_task(ebb_runtime *rt, const char *code)
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

/* --- awaitables ------------------------------------------------------------
 */

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

/* --- promises --------------------------------------------------------------
 */

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

/* --- opening ---------------------------------------------------------------
 */

static uint64_t some_clock(void *ud)
{
  return *(uint64_t *)ud;
}

static void *plain_alloc(void *ud, void *ptr, size_t old_bytes,
                         size_t new_bytes)
{
  (void)old_bytes;
  ++*(int *)ud;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, new_bytes);
}

TEST(every_option)
{
  lua_State *L = new_state();
  int n_asked = 0;
  ebb_config config = {.name = "world",
                       .log = on_log,
                       .slice_ns = SECOND,
                       .on_slice = 77, /* none of ours: reported */
                       .frame_bytes = 12345,
                       .frame_gc = 1,
                       .seed = 99,
                       .cleanup_timeout_ns = SECOND / 100};
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK(rt != NULL);
  run_task(rt, "local rt = (require 'ebb').current_runtime() "
               "assert(tostring(rt):find('\"world\"', 1, true), tostring(rt))");
  run(L, "assert((require 'ebb').alloc.stats().frame.capacity == 12345)");
  ebb_status status;
  run(L, "for i = 1, 1e5 do local t = {} end");
  CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, &status), 0);
  CHECK(status.gc_ns > 0);
  CHECK_EQ(ebb_close(rt), 0);
  /* an allocator comes too late for a state that has ebb: not used */
  config =
      (ebb_config){.alloc = plain_alloc, .alloc_ud = &n_asked, .log = on_log};
  rt = ebb_open(L, &config);
  CHECK(rt != NULL);
  CHECK_EQ(n_asked, 0);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
  CHECK_EQ(n_logs, 0);
}

/* A host that was built with a header that ended before `clock`. */
TEST(an_older_host)
{
  lua_State *L = new_state();
  ebb_config config = {.size = offsetof(ebb_config, clock), .name = "old"};
  config.clock = (uint64_t(*)(void *))(uintptr_t)1; /* must not be looked at */
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK(rt != NULL);
  run_task(rt, "(require 'ebb').sleep(0)");
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

TEST(what_cannot_be_opened)
{
  ebb_config config = {.log = on_log};
  /* no libraries */
  lua_State *L = luaL_newstate();
  CHECK(ebb_open(L, &config) == NULL);
  CHECK(strstr(last_log, "luaL_openlibs") != NULL);
  CHECK_EQ(lua_gettop(L), 0);
  lua_close(L);
  /* no Lua files */
  L = new_state();
  run(L, "package.path = './nowhere/?.lua'");
  CHECK(ebb_open(L, &config) == NULL);
  CHECK(strstr(last_log, "package.path") != NULL);
  CHECK_EQ(lua_gettop(L), 0);
  /* once there are, it opens */
  run(L, "package.path = './lua/?.lua;./lua/?/init.lua'");
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK(rt != NULL);
  CHECK_EQ(ebb_close(rt), 0);
  /* what is not a number of bytes; an error that is no string */
  n_logs = 0;
  config.cleanup_timeout_ns = 1;
  config.slice_ns = 3601 * SECOND;
  CHECK(ebb_open(L, &config) == NULL);
  CHECK_EQ(n_logs, 1);
  config = (ebb_config){.log = on_log};
  run(L, "package.loaded.ebb.runtime = function() error({}) end");
  CHECK(ebb_open(L, &config) == NULL);
  CHECK_STR(last_log, "unknown error");
  CHECK_EQ(lua_gettop(L), 0);
  lua_close(L);
}

static int l_open(lua_State *L)
{
  luaL_requiref(L, "ebb", luaopen_ebb, 0);
  return luaopen_ebb(L); /* again: the same one */
}

TEST(the_module_twice)
{
  lua_State *L = new_state();
  lua_register(L, "open", l_open);
  run(L, "local ebb = open() assert(ebb == open() and ebb == require 'ebb')");
  lua_close(L);
}

/* --- the moment ------------------------------------------------------------
 */

static ebb_runtime *host_rt;

/* What a C function that Lua calls gets: step, close, spawn */
static int l_now(lua_State *L)
{
  lua_pushinteger(L, ebb_step(host_rt, 0, 0, NULL));
  lua_pushinteger(L, ebb_close(host_rt));
  return 2;
}

/* In a callback of Lua while another runtime is driven: neither step nor
   close. */
TEST(while_another_is_driven)
{
  lua_State *L;
  host_rt = open_host(&L);
  lua_register(L, "now", l_now);
  run(L,
      "local ebb = require 'ebb' "
      "local rt = ebb.runtime { on_task_error = function() "
      "  step, close = now() end } "
      "rt:run(function() ebb.go(error, 'x') ebb.sleep(0.001) end) rt:close()");
  lua_getglobal(L, "step");
  lua_getglobal(L, "close");
  CHECK_EQ(lua_tointeger(L, -2), EBB_EBUSY);
  CHECK_EQ(lua_tointeger(L, -1), EBB_EBUSY);
  lua_settop(L, 0);
  step(host_rt);
  CHECK_EQ(ebb_close(host_rt), 0);
  lua_close(L);
}

static void close_it(lua_State *L, void *ud)
{
  (void)L;
  CHECK_EQ(ebb_close(ud), 0);
}

/* What was posted closes the runtime, in the middle of the step. */
TEST(closed_by_a_post)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  ebb_remote *remote = ebb_remote_new(rt);
  ebb_task *task = spawn(rt, "(require 'ebb').sleep(100)");
  step(rt);
  CHECK_EQ(ebb_post(remote, close_it, rt), 0);
  ebb_status status = {.n_ran = 4711};
  CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, &status), EBB_ECLOSED);
  CHECK_EQ(status.n_ran, 0);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_CANCELLED);
  CHECK_EQ(ebb_post(remote, close_it, rt), EBB_ECLOSED);
  ebb_task_release(task);
  ebb_remote_release(remote);
  CHECK_EQ(lua_gettop(L), 0);
  lua_close(L);
}

static int n_done;

static void on_done(ebb_task *task, int status, void *ud)
{
  (void)task, (void)status, (void)ud;
  n_done++;
}

/* Released in its callback, after it has asked for another call. */
static void again(ebb_task *task, int status, void *ud)
{
  CHECK_EQ(status, EBB_TASK_DONE);
  CHECK_EQ(ebb_task_on_done(task, on_done, ud), 0);
  ebb_task_release(task);
}

TEST(next_deadline)
{
  lua_State *L = new_state();
  uint64_t now_ns = 1000;
  ebb_config config = {.clock = some_clock, .clock_ud = &now_ns};
  ebb_runtime *rt = ebb_open(L, &config);
  CHECK_EQ(ebb_next_deadline(rt), -1);
  ebb_task *task = spawn(rt, "(require 'ebb').sleep(0.5)");
  CHECK_EQ(ebb_next_deadline(rt), 0); /* it is ready */
  step(rt);
  CHECK_EQ(ebb_next_deadline(rt), (int64_t)SECOND / 2);
  now_ns += SECOND; /* overdue */
  CHECK_EQ(ebb_next_deadline(rt), 0);
  step(rt);
  CHECK_EQ(ebb_next_deadline(rt), -1);
  /* a callback is due */
  n_done = 0;
  CHECK_EQ(ebb_task_on_done(task, NULL, NULL), EBB_EINVAL);
  CHECK_EQ(ebb_task_on_done(task, again, NULL), 0);
  CHECK_EQ(ebb_task_on_done(task, on_done, NULL), EBB_EBUSY);
  CHECK_EQ(ebb_next_deadline(rt), 0);
  step(rt);
  CHECK_EQ(ebb_next_deadline(rt), 0); /* it asked again */
  step(rt);
  CHECK_EQ(n_done, 1);
  CHECK_EQ(ebb_next_deadline(rt), -1);
  /* centuries */
  task = spawn(rt, "(require 'ebb').sleep(9e9)");
  step(rt);
  CHECK_EQ(ebb_next_deadline(rt), INT64_C(9000000000) * (int64_t)SECOND);
  ebb_task_release(task);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

/* --- what has gone ---------------------------------------------------------
 */

static ebb_scope *host_scope;

/* In a cleanup, while the runtime ends: nothing new. */
static int l_late(lua_State *L)
{
  lua_pushcfunction(L, l_late);
  CHECK(ebb_spawn(host_rt, L, 0) == NULL);
  lua_pushcfunction(L, l_late);
  CHECK(ebb_scope_spawn(host_scope, L, 0) == NULL);
  CHECK_EQ(ebb_scope_count(host_scope), 1);
  n_done++;
  return 0;
}

TEST(too_late)
{
  lua_State *L;
  host_rt = open_host(&L);
  lua_register(L, "late", l_late);
  host_scope = ebb_scope_new(host_rt);
  CHECK_EQ(luaL_loadstring(L, "local c <close> = setmetatable({}, {__close = "
                              "function() late() end}) ; "
                              "(require 'ebb').sleep(100)"),
           LUA_OK);
  ebb_task *task = ebb_scope_spawn(host_scope, L, 0);
  ebb_task *failed = spawn(host_rt, "error 'x'");
  step(host_rt);
  n_done = 0;
  CHECK(ebb_task_id(task) != 0);
  CHECK_EQ(ebb_close(host_rt), 0);
  CHECK_EQ(n_done, 1);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_CANCELLED);
  CHECK_EQ(ebb_task_status(failed), EBB_TASK_FAILED);
  CHECK_EQ(ebb_task_id(task), 0);
  CHECK_EQ(ebb_task_results(failed, L), EBB_ECLOSED);
  CHECK_EQ(ebb_task_cancel(task, "why"), 0);
  CHECK_EQ(ebb_scope_cancel(host_scope), 0);
  CHECK_EQ(ebb_scope_count(host_scope), 0);
  lua_pushcfunction(L, l_late);
  CHECK(ebb_scope_spawn(host_scope, L, 0) == NULL);
  CHECK_EQ(lua_gettop(L), 0);
  ebb_scope_release(host_scope);
  ebb_scope_release(NULL);
  ebb_task_release(task);
  ebb_task_release(failed);
  ebb_task_release(NULL);
  CHECK_EQ(ebb_close(NULL), 0);
  lua_close(L);
}

/* Objects that outlive the state, with a callback that is due. */
TEST(after_the_state)
{
  lua_State *L;
  ebb_runtime *rt = open_host(&L);
  ebb_scope *scope = ebb_scope_new(rt);
  CHECK_EQ(luaL_loadstring(L, "(require 'ebb').sleep(100)"), LUA_OK);
  ebb_task *task = ebb_scope_spawn(scope, L, 0);
  CHECK_EQ(ebb_task_on_done(task, on_done, NULL), 0);
  step(rt);
  n_done = 0;
  lua_close(L);
  CHECK_EQ(n_done, 1);
  CHECK(ebb_lua(rt) == NULL);
  CHECK(ebb_scope_new(rt) == NULL);
  CHECK_EQ(ebb_scope_count(scope), 0);
  CHECK_EQ(ebb_step(rt, 0, 0, NULL), EBB_ECLOSED);
  CHECK_EQ(ebb_next_deadline(rt), -1);
  CHECK_EQ(ebb_backend_fd(rt), EBB_ECLOSED);
  ebb_task_release(task);
  ebb_scope_release(scope);
  CHECK_EQ(ebb_close(rt), 0);
}

/* --- a stack without room --------------------------------------------------
 */

/* So full that lua_checkstack(L, n_free + 1) fails. */
static void fill(lua_State *L, int n_free)
{
  for (int n = 100000; n >= 1; n /= 10)
    while (lua_checkstack(L, n))
      lua_settop(L, lua_gettop(L) + n);
  lua_settop(L, lua_gettop(L) - n_free);
}

static void call(lua_State *L, void *ud)
{
  (void)L;
  ++*(int *)ud;
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
    lua_register(L, "promise", l_promise);
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

#if defined(EBB_WRAPS_MALLOC)

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
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(ops_of_little);
  RUN(classes_of_ops);
  RUN(without_ebb);
  RUN(promises_of_little);
  RUN(promises_that_are_gone);
  RUN(promises_taken_in_a_finaliser);
  RUN(promises_too_late);
  RUN(every_option);
  RUN(an_older_host);
  RUN(what_cannot_be_opened);
  RUN(the_module_twice);
  RUN(while_another_is_driven);
  RUN(closed_by_a_post);
  RUN(next_deadline);
  RUN(too_late);
  RUN(after_the_state);
  RUN(full_stack);
  RUN(full_stack_opening);
#if defined(EBB_WRAPS_MALLOC)
  RUN(without_memory);
#endif
  return check_report();
}
