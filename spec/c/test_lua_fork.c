/* SPDX-License-Identifier: MIT */
/* fork() (R137): in the child the parent's runtime says EBB056 and closes
   without touching what is the parent's; a new one works. The parent goes on as
   if nothing had happened. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "check.h"

int luaopen_ebb_core(lua_State *L);
#if defined(EBB_COVERAGE)
void __gcov_dump(void);
#endif

static int l_fork(lua_State *L)
{
  fflush(NULL);
  lua_pushinteger(L, fork());
  return 1;
}

/* wait(pid): the exit code, or -1 */
static int l_wait(lua_State *L)
{
  int status = 0;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 1;
}

/* leave(code, closes): as os.exit, but for libuv's end, which would join the
   threads that the child has not. Through another program: what those threads
   held is no leak for valgrind to find. */
static int l_leave(lua_State *L)
{
  int code = (int)luaL_checkinteger(L, 1);
  if (lua_toboolean(L, 2))
    lua_close(L);
  char word[16];
  snprintf(word, sizeof word, "exit %d", code);
#if defined(EBB_COVERAGE)
  __gcov_dump(); /* what the other program would lose */
#endif
  execl("/bin/sh", "sh", "-c", word, (char *)NULL);
  _exit(code);
}

static lua_State *new_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_ebb_core);
  lua_setfield(L, -2, "ebb.core");
  lua_pop(L, 1);
  lua_register(L, "fork", l_fork);
  lua_register(L, "wait", l_wait);
  lua_register(L, "leave", l_leave);
  CHECK_EQ(luaL_dostring(L, "package.path = 'lua/?.lua;lua/?/init.lua'\n"
                            "ebb = require 'ebb'"),
           LUA_OK);
  return L;
}

static void run(lua_State *L, const char *script)
{
  if (luaL_dostring(L, script) != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK_EQ(lua_gettop(L), 0);
}

/* What the child does; it ends there, with the state closed or not. */
static const char prelude[] =
    "local function child(closes, fn)\n"
    "  local pid = fork()\n"
    "  if pid == 0 then\n"
    "    local ok, err = xpcall(fn, debug.traceback)\n"
    "    if not ok then io.stderr:write(err, '\\n') end\n"
    "    leave(ok and 7 or 1, closes)\n"
    "  end\n"
    "  return pid\n"
    "end\n";

static void run_with_prelude(const char *script)
{
  lua_State *L = new_state();
  lua_pushfstring(L, "%s%s", prelude, script);
  char *whole = strdup(lua_tostring(L, -1));
  lua_pop(L, 1);
  run(L, whole);
  free(whole);
  lua_close(L);
}

TEST(the_parents_runtime_is_refused)
{
  run_with_prelude(
      "ebb.run(function() ebb.sleep(0.001) ebb.fs.read 'README.md' end)\n"
      "local pid = child(true, function()\n"
      "  for _, fn in ipairs { function() ebb.run(function() end) end,\n"
      "      function() ebb.sleep(0) ebb.sleep(0.001) end,\n"
      "      function() ebb.net.listen('127.0.0.1', 0) end } do\n"
      "    local ok, err = pcall(fn)\n"
      "    assert(not ok and tostring(err):find 'EBB056', err)\n"
      "  end\n"
      "end)\n"
      "assert(wait(pid) == 7)\n"
      "ebb.run(function() ebb.sleep(0.001) end)\n");
}

TEST(a_new_one_works)
{
  run_with_prelude(
      "ebb.run(function() assert(ebb.blocking(function() return 5 end) == 5)\n"
      "  ebb.fs.read 'README.md' end)\n"
      "local pid = child(true, function()\n"
      "  local rt = ebb.runtime()\n"
      "  ebb.use(rt)\n"
      "  rt:run(function()\n"
      "    ebb.sleep(0.001)\n"
      "    assert(#ebb.fs.read 'README.md' > 10)\n"
      "    assert(ebb.blocking(function() return 6 end) == 6)\n"
      "    assert(ebb.process.output { 'echo', 'x' }.stdout == 'x\\n')\n"
      "    local l = assert(ebb.net.listen('127.0.0.1', 0))\n"
      "    local _, port = l:local_address()\n"
      "    local a = assert(ebb.net.connect('127.0.0.1', port))\n"
      "    l:accept():write 'hello'\n"
      "    assert(a:read(5) == 'hello')\n"
      "  end)\n"
      "end)\n"
      "assert(wait(pid) == 7)\n");
}

/* The parent waits for a connection, a child process and a timer meanwhile; the
   fork comes in a task, and the child closes its state, or just ends. */
TEST(what_is_the_parents_stays)
{
  static const char script[] =
      "local path = os.tmpname()\n"
      "os.remove(path)\n"
      "ebb.run(function()\n"
      "  for _, closes in ipairs { true, false } do\n"
      "    local l = assert(ebb.net.unix.listen(path))\n"
      "    local p = assert(ebb.process.spawn { 'cat', stdin = 'pipe', stdout "
      "= "
      "'pipe' })\n"
      "    local a = assert(ebb.net.unix.connect(path))\n"
      "    local b = assert(l:accept())\n"
      "    local reader = ebb.spawn(b.read, b)\n"
      "    local accepting = ebb.spawn(l.accept, l)\n"
      "    local job = ebb.spawn(ebb.blocking, function()\n"
      "      local t = os.clock() while os.clock() - t < 0.05 do end\n"
      "      return 8 end)\n"
      "    ebb.sleep(0.005)\n"
      "    local pid = child(closes, function() end)\n"
      "    assert(wait(pid) == 7)\n"
      "    a:write 'line\\n'\n"
      "    assert(reader:await() == 'line')\n"
      "    local c = assert(ebb.net.unix.connect(path))\n"
      "    local d = accepting:await()\n"
      "    p.stdin:write 'alive'\n"
      "    p.stdin:close()\n"
      "    assert(p.stdout:read 'a' == 'alive' and p:wait() == 0)\n"
      "    assert(job:await() == 8)\n"
      "    for _, x in ipairs { a, b, c, d, l } do x:close() end\n"
      "  end\n"
      "end)\n";
  run_with_prelude(script);
}

int main(void)
{
  RUN(the_parents_runtime_is_refused);
  RUN(a_new_one_works);
  RUN(what_is_the_parents_stays);
  return check_report();
}
