/* SPDX-License-Identifier: MIT */
/* A Lua state on ebb's allocator or on the C library's, and a script in it:
   host ebb|libc script [arguments]. Prints the CPU seconds, lua_close
   included, and the KiB that were resident at the most. bench/memory/alloc.lua
   compiles and runs it. mimalloc is preloaded: it takes malloc's place in the
   process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "alloc/heap.h"

static void *libc_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, new_bytes);
}

int main(int argc, char **argv)
{
  if (argc < 3)
    return 2;
  lua_Alloc fn = libc_alloc;
  void *ud = NULL;
  if (strcmp(argv[1], "ebb") == 0) {
    ebb_heap_config config = {.first_is_root = true};
    fn = ebb_heap_alloc;
    ud = ebb_heap_open(&config);
  }
  lua_State *L = lua_newstate(fn, ud);
  luaL_openlibs(L);
  if (luaL_loadfile(L, argv[2]) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 1;
  }
  for (int i = 3; i < argc; i++)
    lua_pushstring(L, argv[i]);
  if (lua_pcall(L, argc - 3, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 1;
  }
  lua_close(L);
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double seconds =
      (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  printf("%.6f %ld\n", seconds, used.ru_maxrss);
  return 0;
}
