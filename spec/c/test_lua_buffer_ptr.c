/* SPDX-License-Identifier: MIT */
/* What a host sees of ebb's memory: the pointer, its size and alignment; and
   that a handle is no way into the memory of another Lua state (R167, R172). */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "lua/l_mem.h"

int luaopen_ebb_core(lua_State *L);

static lua_State *open_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setglobal(L, "core");
  return L;
}

/* Leaves what the chunk returns on the stack. */
static bool run(lua_State *L, const char *code)
{
  if (luaL_dostring(L, code) == LUA_OK)
    return true;
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK(!"an error");
  return false;
}

static unsigned char *ptr_of(lua_State *L, const char *code, size_t *n_bytes)
{
  return run(L, code) ? ebbL_buffer_ptr(L, -1, n_bytes) : NULL;
}

TEST(pointer_and_size)
{
  lua_State *L = open_state();
  size_t n = 1;
  CHECK(run(L, "g = core.guard()"));
  unsigned char *p = ptr_of(L, "b = g:bytes(5):set(1, 'hello') return b", &n);
  CHECK(n == 5 && p != NULL && memcmp(p, "hello", 5) == 0);
  unsigned char *q = ptr_of(L, "return b:view(2, 3)", &n);
  CHECK(n == 2 && q == p + 1);
  p[0] = 'j';
  CHECK(run(L, "assert(b:string() == 'jello')"));
  p = ptr_of(L, "return g:buffer():put('abcdef'):put('gh')", &n);
  CHECK(n == 8 && p != NULL && memcmp(p, "abcdefgh", 8) == 0);
  p = ptr_of(L, "buf = g:buffer():put('abcdef') buf:get(2) return buf", &n);
  CHECK(n == 4 && p != NULL && memcmp(p, "cdef", 4) == 0);
  p = ptr_of(L, "return g:array('f64', 3):fill(1.5)", &n);
  CHECK(n == 24 && p != NULL && ((double *)p)[2] == 1.5);
  CHECK(ptr_of(L, "return g:vec('i32', 9)", &n) != NULL && n == 0);
  CHECK(ptr_of(L, "return g:bytes(0)", &n) != NULL && n == 0);
  lua_close(L);
}

TEST(no_pointer_to_what_is_stale_or_no_memory)
{
  lua_State *L = open_state();
  size_t n = 1;
  CHECK(run(L, "g = core.guard() v = g:vec('u8', 1) w = v:view()"));
  CHECK(ptr_of(L, "v:push(1, 2, 3) return w", &n) == NULL && n == 0);
  CHECK(ptr_of(L, "return v", &n) != NULL && n == 3);
  CHECK(ptr_of(L, "g:close() return v", &n) == NULL && n == 0);
  static const char *const others[] = {
      "return 1",     "return 'abc'", "return nil",
      "return {}",    "return core",  "return io.stdout",
      "return print", "return g",     "return true"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    CHECK(ptr_of(L, others[i], &n) == NULL && n == 0);
  lua_settop(L, 0);
  CHECK(ebbL_buffer_ptr(L, 1, &n) == NULL);
  lua_close(L);
}

TEST(alignment)
{
  lua_State *L = open_state();
  CHECK(run(L, "g = core.guard() kept = {}"));
  for (unsigned align = 1; align <= 4096; align *= 2) {
    for (unsigned n_bytes = 0; n_bytes < 70000; n_bytes = n_bytes * 3 + 1) {
      char code[200];
      size_t n;
      snprintf(code, sizeof code,
               "local b = g:bytes(%u, {align = %u}) kept[#kept + 1] = b "
               "return b",
               n_bytes, align);
      unsigned char *p = ptr_of(L, code, &n);
      CHECK(p != NULL && n == n_bytes && (uintptr_t)p % align == 0);
      lua_settop(L, 0);
    }
    char code[200];
    size_t n;
    snprintf(code, sizeof code,
             "local v = g:vec('u8', 1, {align = %u}) kept[#kept + 1] = v "
             "for i = 1, 5000 do v:push(i & 255) end "
             "for i = 1, 5000 do assert(v[i] == i & 255) end return v",
             align);
    unsigned char *p = ptr_of(L, code, &n);
    CHECK(p != NULL && n == 5000 && (uintptr_t)p % align == 0);
    lua_settop(L, 0);
  }
  CHECK(run(L, "g:close() local s = core.alloc.stats() "
               "assert(s.pool.live == 0 and s.heap.live == 0)"));
  lua_close(L);
}

/* All that can go from one state to another is an address. */
TEST(another_state_has_no_way_in)
{
  lua_State *A = open_state(), *B = open_state();
  size_t n;
  CHECK(run(A, "g = core.guard() b = g:bytes(100):fill(7) return g, b"));
  void *guard = lua_touserdata(A, -2), *bytes = lua_touserdata(A, -1);
  lua_pushlightuserdata(B, guard);
  lua_setglobal(B, "g");
  lua_pushlightuserdata(B, bytes);
  lua_setglobal(B, "b");
  CHECK(ptr_of(B, "return b", &n) == NULL);
  CHECK(run(B, "h = core.guard() c = h:bytes(100)"
               "assert(not pcall(h.release, h, b))"
               "assert(not pcall(h.promote, h, b))"
               "assert(not pcall(h.promote, h, c, g))"
               "assert(not pcall(h.close, g))"
               "assert(not pcall(c.copy, c, b))"
               "assert(not pcall(c.fill, b, 1))"
               "h:close()"));
  lua_close(B);
  CHECK(run(A, "assert(b[1] == 7 and g:stats().live == 100) g:close()"));
  lua_close(A);
}

int main(void)
{
  RUN(pointer_and_size);
  RUN(no_pointer_to_what_is_stale_or_no_memory);
  RUN(alignment);
  RUN(another_state_has_no_way_in);
  return check_report();
}
