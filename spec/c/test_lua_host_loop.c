/* SPDX-License-Identifier: MIT */
/* A host with an event loop of its own (R141), one that sleeps on a descriptor,
   and states by the thousand (R131, R140, R144). */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>
#include <uv.h>

#include "check.h"
#include "ebb.h"

static ebb_task *spawn(ebb_runtime *rt, const char *code)
{
  lua_State *L = ebb_lua(rt);
  CHECK_EQ(luaL_loadstring(L, code), LUA_OK);
  return ebb_spawn(rt, L, 0);
}

static lua_State *open_state(void)
{
  lua_State *L = ebb_newstate(NULL);
  luaL_openlibs(L);
  return L;
}

/* --- the host's loop --- */

typedef struct host {
  uv_timer_t frames, own;
  ebb_runtime *rt;
  ebb_task *task;
  int n_frames, n_own;
} host;

static void on_own(uv_timer_t *timer)
{
  ((host *)timer->data)->n_own++;
}

/* A step in a callback of the loop: it does not run the loop once more. */
static void on_frame(uv_timer_t *timer)
{
  host *self = timer->data;
  self->n_frames++;
  CHECK_EQ(ebb_step(self->rt, EBB_UNLIMITED, 0, NULL), 0);
  if (ebb_task_status(self->task) != EBB_TASK_ALIVE || self->n_frames > 5000) {
    uv_timer_stop(&self->frames);
    uv_timer_stop(&self->own);
  }
}

TEST(loop_of_the_host)
{
  uv_loop_t loop;
  host self;
  ebb_config config;
  memset(&config, 0, sizeof config);
  memset(&self, 0, sizeof self);
  CHECK_EQ(uv_loop_init(&loop), 0);
  lua_State *L = open_state();
  config.loop = &loop;
  self.rt = ebb_open(L, &config);
  CHECK(self.rt != NULL);
  uv_timer_init(&loop, &self.frames);
  uv_timer_init(&loop, &self.own);
  self.frames.data = self.own.data = &self;
  self.task =
      spawn(self.rt, "local ebb = require 'ebb' "
                     "local l = assert(ebb.net.listen('127.0.0.1', 0)) "
                     "local host, port = l:local_address() "
                     "local c = ebb.spawn(function() "
                     "local s <close> = assert(ebb.net.connect(host, port)) "
                     "s:write('hello\\n') return s:read('l') end) "
                     "local s <close> = assert(l:accept()) "
                     "s:write(s:read('l'), ' back\\n') "
                     "ebb.sleep(0.01) "
                     "assert(ebb.fs.read('README.md'):find 'ebb') "
                     "return c:await()");
  uv_timer_start(&self.frames, on_frame, 0, 1);
  uv_timer_start(&self.own, on_own, 0, 1);
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQ(ebb_task_status(self.task), EBB_TASK_DONE);
  CHECK(ebb_task_results(self.task, L) == 1);
  CHECK_STR(lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "nil",
            "hello back");
  lua_settop(L, 0);
  CHECK(self.n_own > 0);
  ebb_task_release(self.task);
  CHECK_EQ(ebb_close(self.rt), 0);
  lua_close(L);
  /* the host's handles are as they were, ebb's are gone */
  CHECK(!uv_is_closing((uv_handle_t *)&self.frames));
  uv_close((uv_handle_t *)&self.frames, NULL);
  uv_close((uv_handle_t *)&self.own, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQ(uv_loop_close(&loop), 0);
}

/* --- sleeping until there is work --- */

static void nothing(lua_State *L, void *ud)
{
  (void)L;
  *(int *)ud = 1;
}

typedef struct posting {
  ebb_remote *remote;
  int was_called;
} posting;

static void *post_later(void *ud)
{
  posting *self = ud;
  usleep(5000);
  CHECK_EQ(ebb_post(self->remote, nothing, &self->was_called), 0);
  return NULL;
}

TEST(sleeping_on_the_descriptor)
{
  lua_State *L = open_state();
  ebb_runtime *rt = ebb_open(L, NULL);
  posting self = {ebb_remote_new(rt), 0};
  pthread_t thread;
  struct pollfd fd = {ebb_backend_fd(rt), POLLIN, 0};
  CHECK(fd.fd >= 0);
  ebb_step(rt, EBB_UNLIMITED, 0, NULL);
  CHECK_EQ(poll(&fd, 1, 0), 0);
  pthread_create(&thread, NULL, post_later, &self);
  CHECK_EQ(poll(&fd, 1, 20000), 1);
  ebb_step(rt, EBB_UNLIMITED, 0, NULL);
  CHECK(self.was_called);
  CHECK_EQ(poll(&fd, 1, 0), 0); /* and it is quiet again */
  pthread_join(thread, NULL);
  ebb_task *task = spawn(rt, "require 'ebb'.sleep(0.02)");
  for (int i = 0; i < 1000 && ebb_task_status(task) == EBB_TASK_ALIVE; i++) {
    int64_t wait_ns = ebb_next_deadline(rt);
    CHECK(wait_ns >= 0);
    poll(&fd, 1, (int)((wait_ns + 999999) / 1000000));
    ebb_step(rt, EBB_UNLIMITED, 0, NULL);
  }
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  ebb_task_release(task);
  ebb_remote_release(self.remote);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

/* --- states --- */

TEST(states_in_turns)
{
  lua_State *L[3];
  ebb_runtime *rt[3];
  ebb_task *task[3];
  for (int i = 0; i < 3; i++) {
    L[i] = open_state();
    rt[i] = ebb_open(L[i], NULL);
    task[i] = spawn(rt[i], "for i = 1, 5 do require 'ebb'.next_frame() "
                           "n = (n or 0) + 1 end");
  }
  for (int frame = 0; frame < 7; frame++)
    for (int i = 0; i < 3; i++)
      CHECK_EQ(ebb_step(rt[i], EBB_UNLIMITED, 1, NULL), 0);
  for (int i = 0; i < 3; i++) {
    lua_getglobal(L[i], "n");
    CHECK_EQ(lua_tointeger(L[i], -1), 5);
    ebb_task_release(task[i]);
    if (i == 1) /* in any order */
      CHECK_EQ(ebb_close(rt[i]), 0);
    lua_close(L[i]);
    if (i != 1)
      CHECK_EQ(ebb_close(rt[i]), 0);
  }
}

TEST(opened_in_a_coroutine)
{
  lua_State *L = open_state();
  lua_State *co = lua_newthread(L);
  ebb_runtime *rt = ebb_open(co, NULL);
  CHECK(rt != NULL && ebb_lua(rt) == L);
  CHECK_EQ(luaL_loadstring(co, "return 1"), LUA_OK);
  ebb_task *task = ebb_spawn(rt, co, 0);
  lua_settop(L, 0); /* the coroutine may go */
  lua_gc(L, LUA_GCCOLLECT, 0);
  CHECK_EQ(ebb_step(rt, EBB_UNLIMITED, 0, NULL), 0);
  CHECK_EQ(ebb_task_status(task), EBB_TASK_DONE);
  ebb_task_release(task);
  CHECK_EQ(ebb_close(rt), 0);
  lua_close(L);
}

TEST(runtimes_by_the_thousand)
{
  lua_State *L = open_state();
  ebb_alloc_info before, after;
  for (int i = 0; i < 2000; i++) {
    ebb_runtime *rt = ebb_open(L, NULL);
    CHECK(rt != NULL);
    ebb_task_release(spawn(rt, "require 'ebb'.sleep(1e9)"));
    ebb_step(rt, EBB_UNLIMITED, 0, NULL);
    if (i % 10 == 0)
      ebb_remote_release(ebb_remote_new(rt));
    CHECK_EQ(ebb_close(rt), 0);
    if (i == 99 || i == 1999) {
      lua_gc(L, LUA_GCCOLLECT, 0);
      lua_gc(L, LUA_GCCOLLECT, 0);
      ebb_alloc_stats(L, i == 99 ? &before : &after);
    }
  }
  CHECK(after.live_bytes < before.live_bytes + 20000);
  lua_close(L);
}

int main(void)
{
  setenv("LUA_PATH", "./lua/?.lua;./lua/?/init.lua;;", 1);
  RUN(loop_of_the_host);
  RUN(sleeping_on_the_descriptor);
  RUN(states_in_turns);
  RUN(opened_in_a_coroutine);
  RUN(runtimes_by_the_thousand);
  return check_report();
}
