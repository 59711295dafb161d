/* SPDX-License-Identifier: MIT */
/* Programs of tasks, channels, locks, select, timeouts, scopes and cancels,
   made of any bytes: spec/fuzz/ops.lua runs them on virtual time and knows what
   must hold afterwards. The build walks all invariants at every step besides.
 */
#include "fuzz.h"

static fuzz the;

enum { RUN = 1 }; /* stack index of ops.lua's function */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
  lua_State *L = the.L;
  lua_pushvalue(L, RUN);
  lua_pushlstring(L, (const char *)data, n_bytes);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    fuzz_die("program", luaL_tolstring(L, -1, NULL));
  fuzz_look(&the);
  return 0;
}

static void finish(void)
{
  fuzz_close(&the);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  fuzz_open(&the, "spec/fuzz/ops.lua");
  atexit(finish);
  return 0;
}
