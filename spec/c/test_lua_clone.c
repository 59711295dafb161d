/* SPDX-License-Identifier: MIT */
/* The copying of values, from one state to another, and what reading does with
   bytes that are no message: it raises, and touches nothing it should not. */
#include "check.h"
#include "lua/l_clone.h"

#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

int luaopen_ebb_core(lua_State *L);

static lua_State *open_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_setfield(L, LUA_REGISTRYINDEX, "spec.core"); /* stands for ebb */
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  lua_setfield(L, -2, "ebb.core");
  lua_settop(L, 0);
  return L;
}

static int write_all(lua_State *L)
{
  static const ebbL_label label = {"value", NULL};
  ebb_message *message = lua_touserdata(L, 1);
  ebbL_clone_write(L, message, 2, lua_gettop(L) - 1, &label);
  return 0;
}

static int read_all(lua_State *L)
{
  ebb_message *message = lua_touserdata(L, 1);
  return ebbL_clone_read(L, message);
}

/* The values that the chunk returns, as a message; NULL if it cannot be. */
static ebb_message *message_of(lua_State *L, const char *chunk)
{
  ebb_message *message = ebb_message_new();
  lua_settop(L, 0);
  lua_pushcfunction(L, write_all);
  lua_pushlightuserdata(L, message);
  if (luaL_loadstring(L, chunk) != LUA_OK ||
      lua_pcall(L, 0, LUA_MULTRET, 0) != LUA_OK ||
      lua_pcall(L, lua_gettop(L) - 1, 0, 0) != LUA_OK) {
    ebb_message_free(message);
    return NULL;
  }
  return message;
}

/* The values of the message are given to the chunk, which returns true. */
static bool holds(lua_State *L, ebb_message *message, const char *chunk)
{
  lua_settop(L, 0);
  CHECK_EQ(luaL_loadstring(L, chunk), LUA_OK);
  lua_pushcfunction(L, read_all);
  lua_pushlightuserdata(L, message);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK ||
      lua_pcall(L, lua_gettop(L) - 1, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return false;
  }
  return lua_toboolean(L, -1);
}

TEST(from_one_state_to_another)
{
  static const char *const pairs[][2] = {
      {"return nil, true, false, 1, -1, 2^63, 0.5, 'a\\0b', nil",
       "local n = select('#', ...) local t = {...} return n == 9 and "
       "t[2] == true and t[3] == false and t[4] == 1 and t[5] == -1 and "
       "math.type(t[6]) == 'float' and t[8] == 'a\\0b'"},
      {"return math.mininteger, math.maxinteger, -0.0, 0/0, 1/0, -1/0",
       "local a, b, c, d, e, f = ... return a == math.mininteger and "
       "b == math.maxinteger and 1/c < 0 and d ~= d and e == math.huge and "
       "f == -math.huge"},
      {"local t = {1, {2}, x = {}} t.self = t t[2][t] = t.x return t, t.x",
       "local t, x = ... return t.self == t and t[2][t] == x and t.x == x"},
      {"local n = 0 return function() n = n + 1 return n end, "
       "function() return n end",
       "local up, get = ... up() up() return get() == 2"},
      {"return string.format, print, string, _G, table.concat",
       "local a, b, c, d, e = ... return a == string.format and b == print and "
       "c == string and d == _G and e == table.concat"},
      {"return setmetatable({}, {__index = function(_, k) return k end})",
       "return (...).hello == 'hello'"},
      {"local t = {} local at = t for i = 1, 200000 do at.n = {} at = at.n end "
       "return t",
       "local n, t = 0, ... while t.n do t, n = t.n, n + 1 end "
       "return n == 200000"},
      {"return function() return x end", "x = 5 return (...)() == 5"},
  };
  lua_State *from = open_state(), *to = open_state();
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    ebb_message *message = message_of(from, pairs[i][0]);
    CHECK(message != NULL);
    CHECK(holds(to, message, pairs[i][1]));
    CHECK(holds(to, message, pairs[i][1])); /* it can be read again */
    ebb_message_free(message);
  }
  lua_close(from);
  lua_close(to);
}

TEST(what_cannot_be_copied)
{
  static const char *const chunks[] = {
      "return io.stdout", "return {{{coroutine.create(print)}}}",
      "return string.gmatch('a', 'a')",
      "return setmetatable({}, {__gc = function() end})"};
  lua_State *L = open_state();
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
    CHECK(message_of(L, chunks[i]) == NULL);
    CHECK(strstr(lua_tostring(L, -1), "EBB071") != NULL);
  }
  lua_close(L);
}

/* --- bytes that are no message -------------------------------------------- */

static uint32_t seed = 12345;

static uint32_t dice(uint32_t n)
{
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % n;
}

static void read_bytes(lua_State *L, ebb_message *message)
{
  lua_settop(L, 0);
  lua_pushcfunction(L, read_all);
  lua_pushlightuserdata(L, message);
  (void)lua_pcall(L, 1, 0, 0); /* results or an error, no more */
}

/* Its own random bytes, with tags that are often right. */
TEST(random_bytes)
{
  lua_State *L = open_state();
  for (int round = 0; round < 20000; round++) {
    ebb_message *message = ebb_message_new();
    uint32_t n = dice(60);
    ebb_message_put_number(message, dice(4));
    for (uint32_t i = 0; i < n; i++)
      ebb_message_put_byte(
          message, (unsigned char)(dice(3) == 0 ? dice(256) : dice(20)));
    read_bytes(L, message);
    ebb_message_free(message);
  }
  lua_close(L);
}

/* What is right but for one byte, or its end. What lies beside the bytes stays
   right: it never comes from outside. */
TEST(damaged_messages)
{
  static const char *const chunks[] = {
      "return 1, 'two', {3, x = {4, 5.5, [{}] = true}}, nil",
      "local t = {} t[1] = t t.t = {t} return setmetatable(t, {__index = t})",
      "local n = {} return function() return n end, function() n = 1 end",
      "return print, string, {string.format}"};
  lua_State *L = open_state();
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
    ebb_message *message = message_of(L, chunks[i]);
    CHECK(message != NULL);
    size_t n_bytes = message->n_bytes;
    for (size_t at = 0; at < n_bytes; at++) {
      unsigned char right = message->bytes[at];
      message->n_bytes = at;
      read_bytes(L, message);
      message->n_bytes = n_bytes;
      for (int change = 1; change < 256; change++) {
        message->bytes[at] = (unsigned char)(right ^ change);
        read_bytes(L, message);
      }
      message->bytes[at] = right;
    }
    ebb_message_free(message);
  }
  lua_close(L);
}

/* A size that the bytes cannot hold is not believed. */
/* Two tables: one with __gc, which is the metatable of the other. */
TEST(nothing_is_finalised_that_came_as_bytes)
{
  static const unsigned char bytes[] = {2,
                                        EBBL_TAG_TABLE,
                                        0,
                                        0,
                                        EBBL_TAG_TABLE,
                                        0,
                                        0, /* two objects */
                                        EBBL_TAG_KEY,
                                        EBBL_TAG_STRING,
                                        4,
                                        '_',
                                        '_',
                                        'g',
                                        'c',
                                        EBBL_TAG_TRUE,
                                        EBBL_TAG_END,
                                        EBBL_TAG_META,
                                        EBBL_TAG_REF,
                                        1,
                                        EBBL_TAG_END};
  lua_State *L = open_state();
  ebb_message *message = ebb_message_new();
  ebb_message_put(message, bytes, sizeof bytes);
  lua_pushcfunction(L, read_all);
  lua_pushlightuserdata(L, message);
  CHECK(lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK);
  CHECK(strstr(lua_tostring(L, -1), "EBB073") != NULL);
  ebb_message_free(message);
  lua_close(L);
}

/* Each of many tables claims to be as large as the message. */
TEST(claims_are_counted_together)
{
  enum { N = 20000 };
  lua_State *L = open_state();
  ebb_message *message = ebb_message_new();
  ebb_message_put_number(message, N);
  for (int i = 0; i < N; i++) {
    ebb_message_put_byte(message, EBBL_TAG_TABLE);
    ebb_message_put_number(message, N);
    ebb_message_put_number(message, N);
  }
  for (int i = 0; i < N; i++)
    ebb_message_put_byte(message, EBBL_TAG_END);
  lua_pushcfunction(L, read_all);
  lua_pushlightuserdata(L, message);
  CHECK_EQ(lua_pcall(L, 1, LUA_MULTRET, 0), LUA_OK);
  CHECK(lua_gc(L, LUA_GCCOUNT) < 64 * 1024);
  ebb_message_free(message);
  lua_close(L);
}

TEST(claims_that_are_too_large)
{
  lua_State *L = open_state();
  for (int tag = 0; tag < 24; tag++) {
    for (int shift = 20; shift < 64; shift += 3) {
      ebb_message *message = ebb_message_new();
      ebb_message_put_number(message, 1);
      ebb_message_put_byte(message, (unsigned char)tag);
      ebb_message_put_number(message, UINT64_C(1) << shift);
      ebb_message_put_number(message, UINT64_C(1) << shift);
      ebb_message_put_number(message, UINT64_C(1) << shift);
      size_t before = (size_t)lua_gc(L, LUA_GCCOUNT);
      read_bytes(L, message);
      CHECK((size_t)lua_gc(L, LUA_GCCOUNT) < before + 1024);
      ebb_message_free(message);
    }
  }
  lua_close(L);
}

int main(void)
{
  RUN(from_one_state_to_another);
  RUN(what_cannot_be_copied);
  RUN(random_bytes);
  RUN(damaged_messages);
  RUN(nothing_is_finalised_that_came_as_bytes);
  RUN(claims_are_counted_together);
  RUN(claims_that_are_too_large);
  return check_report();
}
