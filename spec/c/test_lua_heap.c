/* SPDX-License-Identifier: MIT */
/* Lua states on ebb's allocator, as a host has them: ebb.h. */
#include <stdbool.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"
#include "ebb.h"

int luaopen_ebb_core(lua_State *L);

typedef struct back {
  size_t live_bytes;
  long n_asked, fail_at;
} back;

static void *back_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  back *b = ud;
  if (ptr == NULL)
    old_bytes = 0;
  if (new_bytes == 0) {
    b->live_bytes -= old_bytes;
    free(ptr);
    return NULL;
  }
  if (new_bytes > old_bytes && ++b->n_asked == b->fail_at)
    return NULL;
  void *got = realloc(ptr, new_bytes);
  if (got != NULL)
    b->live_bytes += new_bytes - old_bytes;
  return got;
}

static ebb_alloc_info info(lua_State *L)
{
  ebb_alloc_info i = {0};
  CHECK_EQ(ebb_alloc_stats(L, &i), 0);
  return i;
}

static size_t lua_bytes(lua_State *L)
{
  return (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 +
         (size_t)lua_gc(L, LUA_GCCOUNTB);
}

/* The expression's truth; its error fails the test. */
static bool is_true(lua_State *L, const char *code)
{
  if (luaL_dostring(L, code) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
    CHECK(!"ran");
    return false;
  }
  bool is = lua_toboolean(L, -1);
  lua_settop(L, 0);
  return is;
}

TEST(what_lua_counts_is_what_is_live)
{
  lua_State *L = ebb_newstate(NULL);
  CHECK_EQ(info(L).live_bytes, lua_bytes(L));
  luaL_openlibs(L);
  CHECK_EQ(info(L).live_bytes, lua_bytes(L));
  CHECK(info(L).live_bytes < 40000);
  CHECK(is_true(L, "T = {} for i = 1, 1000 do T[i] = {('x'):rep(i * 10)} end "
                   "return true"));
  CHECK_EQ(info(L).live_bytes, lua_bytes(L));
  CHECK(is_true(L, "T = nil collectgarbage() return true"));
  CHECK_EQ(info(L).live_bytes, lua_bytes(L));
  CHECK(info(L).peak_bytes > 5000000);
  CHECK(info(L).n_made[LUA_TTABLE] > 1000);
  CHECK_EQ(info(L).limit_bytes, 0);
  lua_close(L);
}

TEST(the_backing_gets_everything_back)
{
  for (int unpaged = 0; unpaged < 2; unpaged++) {
    back b = {0};
    ebb_alloc_config config = {
        .backing = back_alloc, .backing_ud = &b, .unpaged = unpaged};
    lua_State *L = ebb_newstate(&config);
    luaL_openlibs(L);
    luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
    lua_pop(L, 1);
    CHECK(is_true(L, "T = {} for i = 1, 100 do T[i] = ('x'):rep(i * 1000) end "
                     "return true"));
    CHECK(b.live_bytes > 0);
    lua_close(L);
    CHECK_EQ(b.live_bytes, 0);
  }
}

TEST(out_of_memory_while_it_is_made)
{
  for (long k = 1; k < 400; k++) {
    back b = {.fail_at = k};
    ebb_alloc_config config = {
        .backing = back_alloc, .backing_ud = &b, .unpaged = 1};
    lua_State *L = ebb_newstate(&config);
    if (L != NULL)
      lua_close(L);
    CHECK_EQ(b.live_bytes, 0);
  }
}

TEST(the_limit_is_exact_and_the_state_goes_on)
{
  ebb_alloc_config config = {.limit_bytes = 1 << 20};
  lua_State *L = ebb_newstate(&config);
  luaL_openlibs(L);
  CHECK(!luaL_dostring(L, "return true"));
  int status = luaL_dostring(L, "local t = {} for i = 1, 1e7 do t[i] = {} end");
  CHECK(status != LUA_OK);
  CHECK_STR(lua_tostring(L, -1), "not enough memory");
  lua_settop(L, 0);
  CHECK(info(L).peak_bytes <= 1 << 20);
  CHECK(info(L).peak_bytes > (1 << 20) / 2);
  CHECK(is_true(L, "return #('x'):rep(500000) == 500000"));
  CHECK_EQ(ebb_alloc_set_limit(L, 0), 0);
  CHECK(is_true(L, "return #('x'):rep(5000000) == 5000000"));
  CHECK_EQ(ebb_alloc_set_limit(L, 1000), 0); /* less than there is */
  CHECK(luaL_dostring(L, "return {}, {}, ('x'):rep(1000)") != LUA_OK);
  lua_settop(L, 0);
  ebb_alloc_set_limit(L, 0);
  CHECK(is_true(L, "return true"));
  lua_close(L);
  config.limit_bytes = 1000; /* too little to begin with */
  CHECK(ebb_newstate(&config) == NULL);
}

static int n_soft;
static void on_soft(void *ud)
{
  CHECK(ud == &n_soft);
  n_soft++;
}

TEST(the_soft_limit_tells)
{
  ebb_alloc_config config = {
      .soft_bytes = 1 << 20, .on_soft = on_soft, .soft_ud = &n_soft};
  lua_State *L = ebb_newstate(&config);
  luaL_openlibs(L);
  CHECK_EQ(n_soft, 0);
  for (int round = 1; round <= 3; round++) {
    CHECK(is_true(L, "T = {} for i = 1, 20000 do T[i] = {i} end return true"));
    CHECK_EQ(n_soft, round);
    CHECK(is_true(L, "T = nil collectgarbage() for i = 1, 2000 do local _ = "
                     "{i} end collectgarbage() return true"));
  }
  lua_close(L);
}

TEST(another_allocator_is_told_apart)
{
  lua_State *L = luaL_newstate();
  ebb_alloc_info i;
  CHECK_EQ(ebb_alloc_stats(L, &i), -1);
  CHECK_EQ(ebb_alloc_set_limit(L, 5), -1);
  lua_close(L);
}

/* --- ebb in it --- */

static lua_State *open_ebb(lua_Alloc fn, void *ud)
{
  lua_State *L = fn != NULL ? lua_newstate(fn, ud) : ebb_newstate(NULL);
  luaL_openlibs(L);
  CHECK(is_true(L, "package.path = './lua/?.lua;./lua/?/init.lua' "
                   "return true"));
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_ebb_core);
  lua_setfield(L, -2, "ebb.core");
  lua_settop(L, 0);
  return L;
}

#define QUOTA                                                                  \
  "local ebb = require 'ebb' "                                                 \
  "local task = ebb.spawn_with({memory = 1 << 20}, function() "                \
  "  local t = {} for i = 1, math.huge do t[i] = {} end end) "                 \
  "local ok, err = task:join() "                                               \
  "return not ok and tostring(err):find 'EBB031' ~= nil"

TEST(quotas_in_a_state_of_a_host)
{
  lua_State *L = open_ebb(NULL, NULL);
  CHECK(is_true(L, QUOTA));
  CHECK(is_true(L, QUOTA));
  CHECK(is_true(L, "return require 'ebb'.alloc.install()")); /* no-op */
  CHECK(is_true(L, QUOTA));
  lua_close(L);
}

TEST(two_states_know_nothing_of_each_other)
{
  lua_State *a = open_ebb(NULL, NULL), *b = open_ebb(NULL, NULL);
  CHECK(is_true(a, QUOTA));
  size_t b_live = info(b).live_bytes;
  CHECK(is_true(a, "T = ('x'):rep(1000000) return true"));
  CHECK_EQ(info(b).live_bytes, b_live);
  CHECK(is_true(b, QUOTA));
  lua_close(a);
  CHECK(is_true(b, QUOTA));
  lua_close(b);
}

/* Tasks with quotas, asleep and not yet begun, and a runtime with one. */
#define LEFTOVERS                                                              \
  "local ebb = require 'ebb' "                                                 \
  "ebb.spawn_with({memory = 1 << 20}, function() "                             \
  "  ebb.spawn(ebb.sleep, 1000) "                                              \
  "  ebb.spawn_with({memory = 1 << 19, cpu = 1}, ebb.sleep, 1000) "            \
  "  T = {('x'):rep(100000), {}} ebb.sleep(1000) end) "                        \
  "RT = ebb.runtime{memory = 1 << 20} "                                        \
  "RT:spawn(function() U = {('x'):rep(50000)} ebb.sleep(1000) end) "           \
  "RT:step(0) ebb.yield() ebb.spawn_with({memory = 5}, print) "                \
  "return ebb.alloc.stats().state.live > 150000"

TEST(a_state_that_is_closed_with_quotas_in_use)
{
  lua_State *L = open_ebb(NULL, NULL);
  CHECK(is_true(L, LEFTOVERS));
  lua_close(L);
  back b = {0};
  L = open_ebb(back_alloc, &b);
  CHECK(is_true(L, "return require 'ebb'.alloc.install()"));
  CHECK(is_true(L, LEFTOVERS));
  lua_close(L);
  CHECK_EQ(b.live_bytes, 0);
}

/* Whoever had the state before gets its blocks back, all of them, and of the
   right size: lua_close included. */
TEST(installed_on_a_hosts_state)
{
  for (int use = 0; use < 4; use++) {
    back b = {0};
    lua_State *L = open_ebb(back_alloc, &b);
    CHECK(is_true(L, "T = {} for i = 1, 2000 do T[i] = {('x'):rep(i)} end "
                     "return true"));
    if (use > 0)
      CHECK(is_true(L, "return require 'ebb'.alloc.install()"));
    if (use > 1)
      CHECK(is_true(L, QUOTA));
    if (use > 2)
      CHECK(is_true(L, "for i = 1, 2000 do for k = 2, 9 do T[i][k] = {k} end "
                       "end T = nil collectgarbage() return true"));
    lua_close(L);
    CHECK_EQ(b.live_bytes, 0);
  }
}

TEST(out_of_memory_while_it_is_installed)
{
  for (long k = 1; k < 60; k++) {
    back b = {0};
    lua_State *L = open_ebb(back_alloc, &b);
    CHECK(is_true(L, "I = require 'ebb'.alloc.install return true"));
    b.fail_at = b.n_asked + k;
    lua_getglobal(L, "I");
    int status = lua_pcall(L, 0, 0, 0);
    b.fail_at = 0;
    if (status != LUA_OK) {
      CHECK(strstr(lua_tostring(L, -1), "not enough memory") != NULL);
      lua_pop(L, 1);
    }
    CHECK(is_true(L, "return I()"));
    CHECK(is_true(L, QUOTA));
    lua_close(L);
    CHECK_EQ(b.live_bytes, 0);
  }
}

int main(void)
{
  RUN(what_lua_counts_is_what_is_live);
  RUN(the_backing_gets_everything_back);
  RUN(out_of_memory_while_it_is_made);
  RUN(the_limit_is_exact_and_the_state_goes_on);
  RUN(the_soft_limit_tells);
  RUN(another_allocator_is_told_apart);
  RUN(quotas_in_a_state_of_a_host);
  RUN(two_states_know_nothing_of_each_other);
  RUN(a_state_that_is_closed_with_quotas_in_use);
  RUN(installed_on_a_hosts_state);
  RUN(out_of_memory_while_it_is_installed);
  return check_report();
}
