/* SPDX-License-Identifier: MIT */
/* The memory part of ebb.h: a state on ebb's allocator, frames shared with Lua,
   memory of Lua's handles read and written in place (R162, R167, R172). */
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/err.h"
#include "check.h"
#include "ebb.h"

int luaopen_ebb_core(lua_State *L);

static void run(lua_State *L, const char *code)
{
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"an error");
  }
}

static void open_ebb(lua_State *L)
{
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setglobal(L, "core");
  lua_settop(L, 0);
}

TEST(state_with_a_limit)
{
  ebb_alloc_config config = {.limit_bytes = 4 << 20};
  ebb_alloc_info info;
  lua_State *L = ebb_newstate(&config);
  CHECK(L != NULL);
  if (L == NULL)
    return;
  open_ebb(L);
  run(L, "local ok, e = pcall(string.rep, 'x', 8 << 20)"
         "assert(not ok and e:find 'not enough memory', e)"
         "kept = ('x'):rep(1 << 20)");
  CHECK_EQ(ebb_alloc_stats(L, &info), 0);
  CHECK_EQ(info.limit_bytes, 4 << 20);
  CHECK(info.live_bytes >= 1 << 20 && info.live_bytes <= 4 << 20);
  CHECK(info.n_refused > 0);
  lua_close(L);
  L = luaL_newstate();
  CHECK_EQ(ebb_alloc_stats(L, &info), -1);
  lua_close(L);
}

/* A host's loop: scratch memory of C and Lua in one frame. */
TEST(frames)
{
  lua_State *L = ebb_newstate(NULL);
  CHECK_EQ(ebb_frame_begin(L), EBB_EINVAL); /* ebb is not open */
  CHECK_EQ(ebb_frame_end(L), EBB_EINVAL);
  CHECK(ebb_frame_alloc(L, 8, 0) == NULL);
  open_ebb(L);
  CHECK(ebb_frame_alloc(L, 8, 0) == NULL);
  CHECK_EQ(ebb_frame_end(L), EBB_EINVAL);
  for (int frame = 0; frame < 200; frame++) {
    CHECK_EQ(ebb_frame_begin(L), 0);
    CHECK_EQ(ebb_frame_begin(L), EBB_EBUSY);
    unsigned char *scratch = ebb_frame_alloc(L, 1000, 64);
    CHECK(scratch != NULL && ((uintptr_t)scratch & 63) == 0);
    if (scratch != NULL)
      memset(scratch, frame, 1000);
    CHECK(ebb_frame_alloc(L, 8, 3) == NULL);
    run(L, "if seen then"
           "  local ok, e = pcall(seen.sum, seen)"
           "  assert(not ok and e:find 'EBB002', e)"
           "end "
           "seen = core.alloc.frame():array('i32', 4):fill(5)"
           "assert(core.alloc.stats().frame.live == 1016)");
    CHECK(scratch != NULL && scratch[999] == (unsigned char)frame);
    CHECK_EQ(ebb_frame_end(L), 0);
    CHECK_EQ(ebb_frame_end(L), EBB_EINVAL);
  }
  lua_close(L);
}

static int l_try(lua_State *L)
{
  CHECK_EQ(ebb_frame_begin(L), EBB_EINVAL);
  CHECK_EQ(ebb_frame_end(L), EBB_EINVAL);
  CHECK(ebb_frame_alloc(L, 8, 0) == NULL);
  return 0;
}

/* A C function that a task calls is in the task: it may be suspended over the
   end of the frame, so it has none. */
TEST(no_frames_in_tasks)
{
  lua_State *L = ebb_newstate(NULL);
  open_ebb(L);
  lua_register(L, "try", l_try);
  CHECK_EQ(ebb_frame_begin(L), 0);
  run(L, "local rt = core.runtime{} rt:run(function() try() end) rt:close()");
  CHECK(ebb_frame_alloc(L, 8, 0) != NULL);
  CHECK_EQ(ebb_frame_end(L), 0);
  lua_close(L);
}

TEST(memory_of_handles)
{
  lua_State *L = ebb_newstate(NULL);
  size_t n = 0;
  open_ebb(L);
  run(L, "g = core.guard() v = g:vec('f32'):push(1, 2, 3) return v");
  float *floats = ebb_buffer_ptr(L, -1, &n);
  CHECK(floats != NULL && n == 3 * sizeof(float));
  if (floats != NULL)
    floats[1] = 20;
  run(L, "assert(v:sum() == 24) g:close()");
  lua_getglobal(L, "v");
  CHECK(ebb_buffer_ptr(L, -1, &n) == NULL); /* freed */
  lua_pushliteral(L, "a string");
  CHECK(ebb_buffer_ptr(L, -1, &n) == NULL);
  lua_settop(L, 0);
  CHECK(ebb_buffer_ptr(L, 1, &n) == NULL);
  /* frame memory too, for as long as its frame */
  CHECK_EQ(ebb_frame_begin(L), 0);
  run(L, "return core.alloc.frame():bytes(16):fill(9)");
  unsigned char *bytes = ebb_buffer_ptr(L, -1, &n);
  CHECK(bytes != NULL && n == 16 && bytes[15] == 9);
  CHECK_EQ(ebb_frame_end(L), 0);
  CHECK(ebb_buffer_ptr(L, -1, &n) == NULL);
  lua_close(L);
}

int main(void)
{
  RUN(state_with_a_limit);
  RUN(frames);
  RUN(no_frames_in_tasks);
  RUN(memory_of_handles);
  return check_report();
}
