/* SPDX-License-Identifier: MIT */
/* The edges of ebb.h: what a host may leave out when it opens, calls at a
   moment that is none, objects that have gone. Each call answers as the header
   says, raises nothing through the host, and leaves the stack as it was (R131
   to R146 as far as they concern hosts). */
#include <stddef.h>

#include "check.h"
#include "ebb_host.h"

/* --- opening --- */

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

/* --- the moment --- */

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

/* --- what has gone --- */

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

int main(void)
{
  host_lua_path();
  RUN(every_option);
  RUN(an_older_host);
  RUN(what_cannot_be_opened);
  RUN(the_module_twice);
  RUN(while_another_is_driven);
  RUN(closed_by_a_post);
  RUN(next_deadline);
  RUN(too_late);
  RUN(after_the_state);
  return check_report();
}
