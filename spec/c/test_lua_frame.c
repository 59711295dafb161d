/* SPDX-License-Identifier: MIT */
/* Frames as a C host has them, in two states, and when a state closes in the
   middle of one (R162, R172, 2.9g, 2.9h). */
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "lua/l_frame.h"

int luaopen_ebb_core(lua_State *L);

static lua_State *open_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  return L;
}

static ebbL_state *open_ebb(lua_State *L)
{
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setglobal(L, "core");
  return ebbL_state_find(L);
}

static void run(lua_State *L, const char *code)
{
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"an error");
  }
}

TEST(from_c)
{
  lua_State *L = open_state();
  ebbL_state *S = open_ebb(L);
  CHECK(ebbL_frame_alloc(S, 8, 0) == NULL);
  CHECK_EQ(ebbL_frame_end(S), EBB_EINVAL);
  CHECK_EQ(ebbL_frame_begin(S), 0);
  CHECK_EQ(ebbL_frame_begin(S), EBB_EBUSY);
  unsigned char *p = ebbL_frame_alloc(S, 100, 64);
  CHECK(p != NULL && ((uintptr_t)p & 63) == 0);
  memset(p, 7, 100);
  CHECK(ebbL_frame_alloc(S, 8, 3) == NULL);
  /* Lua is in the same frame. */
  run(L, "b = core.alloc.frame():bytes(16)"
         "assert(core.alloc.stats().frame.live == 116)"
         "local ok, e = pcall(core.alloc.begin_frame)"
         "assert(not ok and e:find 'EBB004')"
         "local cp <close> = core.alloc.frame():checkpoint()"
         "core.alloc.frame():bytes(1000):fill(9)");
  for (int i = 0; i < 100; i++)
    CHECK_EQ(p[i], 7);
  CHECK_EQ(ebbL_frame_end(S), 0);
  run(L, "local ok, e = pcall(b.string, b)"
         "assert(not ok and e:find 'EBB002', e)");
  lua_close(L);
}

static int l_try(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  lua_pushboolean(L, ebbL_frame_begin(S) == 0 || ebbL_frame_end(S) == 0 ||
                         ebbL_frame_alloc(S, 1, 1) != NULL);
  return 1;
}

/* A C function that a task calls is in the task. */
TEST(from_c_in_a_task)
{
  lua_State *L = open_state();
  ebbL_state *S = open_ebb(L);
  lua_pushcfunction(L, l_try);
  lua_setglobal(L, "try");
  CHECK_EQ(ebbL_frame_begin(S), 0);
  run(L, "local rt = core.runtime{clock = 'virtual'}"
         "rt:spawn(function() result = try() end) rt:step(1)"
         "assert(result == false)");
  CHECK(ebbL_frame_alloc(S, 1, 1) != NULL);
  CHECK_EQ(ebbL_frame_end(S), 0);
  lua_close(L);
}

/* R172, 2.9g */
TEST(two_states)
{
  lua_State *A = open_state(), *B = open_state();
  ebbL_state *SA = open_ebb(A), *SB = open_ebb(B);
  CHECK_EQ(ebbL_frame_begin(SA), 0);
  CHECK(ebbL_frame_alloc(SB, 1, 1) == NULL);
  CHECK_EQ(ebbL_frame_begin(SB), 0);
  run(A, "b = core.alloc.frame():bytes(8):fill(1)");
  run(B, "b = core.alloc.frame():bytes(8):fill(2)");
  CHECK_EQ(ebbL_frame_end(SB), 0);
  run(A, "assert(b[1] == 1)");
  run(B, "assert(not pcall(b.string, b))");
  CHECK_EQ(SB->memory->frame.count.live_bytes, 0);
  CHECK_EQ(SA->memory->frame.count.live_bytes, 8);
  lua_close(B);
  run(A, "assert(b[1] == 1)");
  lua_close(A);
}

static char said[300];

static int l_say(lua_State *L)
{
  snprintf(said, sizeof said, "%s", luaL_tolstring(L, 1, NULL));
  return 0;
}

/* The finaliser is older than ebb, so it runs after all of ebb's. */
TEST(closed_in_a_frame)
{
  lua_State *L = open_state();
  lua_pushcfunction(L, l_say);
  lua_setglobal(L, "say");
  run(L, "old = setmetatable({}, {__gc = function(o)"
         "  local ok, e = pcall(function() return o.b[1] end)"
         "  assert(not ok)"
         "  assert(not pcall(o.v.push, o.v, 1))"
         "  assert(not pcall(function() return #o.w end))"
         "  o.cp:close() o.p:close()"
         "  assert(not pcall(o.cp.commit, o.cp))"
         "  assert(not pcall(o.core.alloc.begin_frame))"
         "  assert(not pcall(o.f.bytes, o.f, 1))"
         "  say(e) end})");
  open_ebb(L);
  run(L, "local f = core.alloc.begin_frame()"
         "f:checkpoint()"
         "old.f, old.core = f, core "
         " old.b, old.v = f:bytes(8), f:vec('i32', 3):push(1, 2)"
         "old.w = old.v:view()"
         "old.cp, old.p = f:checkpoint(), f:phase 'x'"
         "f:bytes(1 << 21)");
  said[0] = '\0';
  lua_close(L);
  CHECK(strstr(said, "EBB002") != NULL);
}

int main(void)
{
  RUN(from_c);
  RUN(from_c_in_a_task);
  RUN(two_states);
  RUN(closed_in_a_frame);
  return check_report();
}
