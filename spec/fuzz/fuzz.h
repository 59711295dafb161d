/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: a Lua state with ebb in it, whose memory is
   bounded (too much is refused, as it may be) and counted (what is left from
   one input to the next is a leak).

   A target is libFuzzer's LLVMFuzzerTestOneInput; without libFuzzer driver.c is
   its main. Broken promises abort. */
#ifndef EBB_SPEC_FUZZ_H
#define EBB_SPEC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int luaopen_ebb_core(lua_State *L);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* More live bytes than this are refused. */
#define FUZZ_MAX_BYTES ((size_t)48 << 20)
/* Between two looks for leaks. */
#define FUZZ_LOOK_EVERY 256

typedef struct fuzz {
  lua_State *L;
  size_t live_bytes, usual_bytes;
  uint64_t n_inputs;
  int n_grown; /* how often, after a look */
} fuzz;

static void *fuzz_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  fuzz *self = ud;
  if (ptr == NULL)
    old_bytes = 0;
  if (new_bytes == 0) {
    self->live_bytes -= old_bytes;
    free(ptr);
    return NULL;
  }
  if (new_bytes > old_bytes &&
      self->live_bytes + (new_bytes - old_bytes) > FUZZ_MAX_BYTES)
    return NULL;
  void *block = realloc(ptr, new_bytes);
  if (block != NULL)
    self->live_bytes += new_bytes - old_bytes;
  return block;
}

static inline void fuzz_die(const char *what, const char *detail)
{
  fprintf(stderr, "fuzz: %s: %s\n", what, detail != NULL ? detail : "?");
  fflush(stderr);
  abort();
}

/* The function that the script returns is left on the stack, at 1. The working
   directory is the project's. */
static inline void fuzz_open(fuzz *self, const char *script)
{
  lua_State *L = self->L = lua_newstate(fuzz_alloc, self);
  if (L == NULL)
    fuzz_die("no state", NULL);
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  if (luaL_dostring(L, "package.path = 'lua/?.lua;lua/?/init.lua'") != LUA_OK ||
      luaL_loadfile(L, script) != LUA_OK)
    fuzz_die(script, lua_tostring(L, -1));
  lua_insert(L, 1);
  lua_settop(L, 1);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK)
    fuzz_die(script, lua_tostring(L, -1));
}

static inline void fuzz_close(fuzz *self)
{
  if (self->L != NULL)
    lua_close(self->L);
  self->L = NULL;
  if (self->live_bytes != 0)
    fuzz_die("bytes are left", "after lua_close");
}

/* After each input. */
static inline void fuzz_look(fuzz *self)
{
  lua_settop(self->L, 1);
  if (++self->n_inputs % FUZZ_LOOK_EVERY != 0)
    return;
  lua_gc(self->L, LUA_GCCOLLECT);
  lua_gc(self->L, LUA_GCCOLLECT);
  if (self->n_inputs <= 4 * FUZZ_LOOK_EVERY)
    self->usual_bytes = self->live_bytes;
  else if (self->live_bytes > self->usual_bytes + 65536) {
    /* a larger program than those before has made lists longer; a leak goes on
     */
    self->usual_bytes = self->live_bytes;
    if (++self->n_grown > 8)
      fuzz_die("the state grows", "a leak");
  }
}

#endif
