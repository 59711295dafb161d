/* SPDX-License-Identifier: MIT */
/* The structured clone's decoder, given any bytes: it never crashes, never
   leaks, never makes more than the bytes can fill, calls no code that came with
   them; and what it accepts can be written and read again, and is the same then
   (spec/fuzz/clone.lua compares).

   Beside the bytes there are things that a message may have: code with none,
   one and three upvalues, blocks of memory, a channel.

   EBB_FUZZ_SEEDS=dir writes the messages of clone.lua's examples there. */
#include "fuzz.h"

#include "lua/l_clone.h"
#include "lua/l_thread_chan.h"

static fuzz the;
static ebb_message *message, *again;
static char *codes[3];
static size_t code_bytes[3];
static ebb_thread_chan *chan;

enum { CHECK = 1 }; /* stack index of clone.lua's function */

/* --- what lies beside the bytes --- */

static int keep_code(lua_State *L, const void *data, size_t n_bytes, void *ud)
{
  (void)L;
  int i = (int)(intptr_t)ud;
  char *code = realloc(codes[i], code_bytes[i] + n_bytes);
  if (code == NULL)
    return 1;
  memcpy(code + code_bytes[i], data, n_bytes);
  codes[i] = code;
  code_bytes[i] += n_bytes;
  return 0;
}

static void *copy_of(const void *data, size_t n_bytes)
{
  void *copy = malloc(n_bytes);
  if (copy == NULL)
    abort();
  memcpy(copy, data, n_bytes);
  return copy;
}

static void attach_all(ebb_message *to)
{
  static const char block[64] = "sixty-four bytes";
  for (int i = 0; i < 3; i++)
    ebb_message_attach(to, (ebb_attachment){EBBL_CLONE_CODE,
                                            copy_of(codes[i], code_bytes[i]),
                                            code_bytes[i], free});
  for (int i = 0; i < 2; i++)
    ebb_message_attach(to, (ebb_attachment){EBBL_CLONE_MEMORY,
                                            copy_of(block, sizeof block),
                                            sizeof block, free});
  ebb_thread_chan_retain(chan);
  ebb_message_attach(
      to, (ebb_attachment){EBBL_CLONE_CHANNEL, chan, 0, ebbL_thread_chan_drop});
}

static ebb_message *new_message(void)
{
  ebb_message *made = ebb_message_new();
  if (made == NULL)
    abort();
  return made;
}

/* --- one input --- */

static const ebbL_label label = {"value", NULL};

static bool is_memory(lua_State *L)
{
  return lua_type(L, -1) == LUA_TSTRING &&
         strstr(lua_tostring(L, -1), "not enough memory") != NULL;
}

/* [message] → values */
static int read_values(lua_State *L)
{
  return ebbL_clone_read(L, lua_touserdata(L, 1));
}

/* [message, values…] */
static int write_values(lua_State *L)
{
  ebbL_clone_write(L, lua_touserdata(L, 1), 2, lua_gettop(L) - 1, &label);
  return 0;
}

/* The values from `first` on are written and read; what has been read is above
   them. False when they cannot be written, which the decoder need not know. */
static bool round_trip(lua_State *L, int first)
{
  int n = lua_gettop(L) - first + 1;
  luaL_checkstack(L, 2 * n + 24, NULL);
  again = new_message();
  lua_pushcfunction(L, write_values);
  lua_pushlightuserdata(L, again);
  for (int i = 0; i < n; i++)
    lua_pushvalue(L, first + i);
  if (lua_pcall(L, n + 1, 0, 0) != LUA_OK)
    return false;
  lua_pushcfunction(L, read_values);
  lua_pushlightuserdata(L, again);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) {
    if (!is_memory(L))
      fuzz_die("what was written cannot be read", luaL_tolstring(L, -1, NULL));
    return false;
  }
  if (lua_gettop(L) - first + 1 != 2 * n)
    fuzz_die("what was written", "is another number of values");
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
  lua_State *L = the.L;
  message = new_message();
  if (n_bytes > 0 && !ebb_message_put(message, data, n_bytes))
    abort();
  attach_all(message);
  lua_pushcfunction(L, read_values);
  lua_pushlightuserdata(L, message);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) == LUA_OK) {
    int first = CHECK + 1, n = lua_gettop(L) - CHECK;
    if (n > 0 && n < 200 && round_trip(L, first)) {
      lua_pushvalue(L, CHECK);
      lua_insert(L, first);
      if (lua_pcall(L, 2 * n, 0, 0) != LUA_OK && !is_memory(L))
        fuzz_die("round trip", luaL_tolstring(L, -1, NULL));
    }
  }
  ebb_message_free(message);
  ebb_message_free(again);
  message = again = NULL;
  fuzz_look(&the);
  return 0;
}

/* --- the beginning and the end --- */

static void finish(void)
{
  fuzz_close(&the);
  for (int i = 0; i < 3; i++)
    free(codes[i]);
  ebb_thread_chan_release(chan);
}

/* [function] → each example that it returns, in a file of its own. */
static void write_seeds(lua_State *L, const char *dir)
{
  lua_getglobal(L, "examples");
  lua_Integer n = luaL_len(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    char path[256];
    ebb_message *seed = new_message();
    lua_pushcfunction(L, write_values);
    lua_pushlightuserdata(L, seed);
    lua_rawgeti(L, CHECK + 1, i);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
      fuzz_die("an example", luaL_tolstring(L, -1, NULL));
    snprintf(path, sizeof path, "%s/example-%02d", dir, (int)i);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
      fuzz_die("cannot write", path);
    fwrite(seed->bytes, 1, seed->n_bytes, file);
    fclose(file);
    ebb_message_free(seed);
  }
  lua_settop(L, CHECK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  static const char *const sources[] = {
      "ran = (ran or 0) + 1", "local a ran = a return a",
      "local a, b, c return function() ran = 1 return a, b, c end"};
  fuzz_open(&the, "spec/fuzz/clone.lua");
  lua_State *L = the.L;
  for (int i = 0; i < 3; i++) {
    if (luaL_loadstring(L, sources[i]) != LUA_OK)
      fuzz_die("code", lua_tostring(L, -1));
    if (i == 2) /* the inner one: three upvalues and the globals */
      lua_call(L, 0, 1);
    lua_dump(L, keep_code, (void *)(intptr_t)i, 0); // NOLINT
  }
  lua_settop(L, CHECK);
  chan = ebb_thread_chan_new(1);
  const char *dir = getenv("EBB_FUZZ_SEEDS");
  if (dir != NULL)
    write_seeds(L, dir);
  atexit(finish);
  return 0;
}
