/* SPDX-License-Identifier: MIT */
/* The module is loaded with dlopen by a state of Lua and goes with it, while
   threads, signals and requests of ebb are under way (R139); many times (R140).
   This program has ebb's objects in it, too, but uses those of the module. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"

/* build/x/spec/c/test_lua_unload → build/x/cmod */
static void modules(char *path, size_t n_room)
{
  ssize_t n = readlink("/proc/self/exe", path, n_room - 32);
  path[n > 0 ? n : 0] = 0;
  for (int i = 0; i < 3; i++) {
    char *slash = strrchr(path, '/');
    if (slash != NULL)
      *slash = 0;
  }
  strcat(path, "/cmod/?.so");
}

static const char script[] =
    "local cpath, spins = ...\n"
    "package.path, package.cpath = 'lua/?.lua;lua/?/init.lua', cpath\n"
    "local ebb = require 'ebb'\n"
    "assert(package.loaded['ebb.core'])\n"
    "local rt = ebb.runtime { name = 'left open', cleanup_timeout = 0.01 }\n"
    "ebb.use(rt)\n"
    "rt:spawn(function()\n"
    "  ebb.signal 'usr2'\n"
    "  ebb.go(ebb.sleep, 100)\n"
    "  ebb.go(ebb.fs.read, 'README.md')\n"
    "  ebb.go(ebb.net.resolve, 'localhost')\n"
    "  ebb.go(ebb.blocking, function()\n"
    "    local t = os.clock() while os.clock() - t < 0.05 do end end)\n"
    "  local l = ebb.net.listen('127.0.0.1', 0)\n"
    "  ebb.go(l.accept, l)\n"
    "  ebb.process.spawn { 'sleep', '100' }\n"
    "  if spins then ebb.thread.spawn(function() while true do end end) end\n"
    "end)\n"
    "for _ = 1, 20 do rt:step(0.001) end\n";

static void load_and_close(const char *cpath, bool spins)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  int status = luaL_loadstring(L, script);
  if (status == LUA_OK) {
    lua_pushstring(L, cpath);
    lua_pushboolean(L, spins);
    status = lua_pcall(L, 2, 0, 0);
  }
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK_EQ(status, LUA_OK);
  lua_close(L);
}

TEST(goes_with_its_state)
{
  char cpath[4200];
  modules(cpath, sizeof cpath);
  if (access("/proc/self/exe", R_OK) != 0)
    return;
  for (int i = 0; i < 8; i++) {
    load_and_close(cpath, i == 0);
    raise(SIGCHLD); /* nobody has it any more */
  }
  usleep(200000); /* what the workers do at their end */
}

int main(void)
{
  RUN(goes_with_its_state);
  return check_report();
}
