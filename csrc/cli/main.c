/* SPDX-License-Identifier: MIT */
/* The command `ebb`: a Lua interpreter with ebb.core linked in. All logic is in
   lua/ebb/command.lua, which LuaRocks installs as a script; this program only
   makes the state, points require at the Lua files and hands over. It is also
   the host under which the specs run with sanitizers, where loading a
   sanitized module into a plain interpreter would fail. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/base.h"
#include "ebb.h"

/* csrc/lua/l_ebb.c */
EBB_EXPORT int luaopen_ebb_core(lua_State *L);

#ifndef EBB_LUA_DIR
  #define EBB_LUA_DIR "/usr/local/share/lua/5.4"
#endif

static const char path_of_ebb[] =
    EBB_LUA_DIR "/?.lua;" EBB_LUA_DIR "/?/init.lua;";

/* Ctrl-C while Lua code runs, as under `lua`: an error "interrupted!" at the
   next instruction; a second one ends the program. While a runtime waits it
   has a handler of its own. A signal handler finds its state nowhere else. */
static lua_State *volatile interruptible;

static void raise_interrupted(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_where(L, 0); /* a hook has no frame of its own */
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

static void on_interrupt(int number)
{
  signal(number, SIG_DFL);
  lua_sethook(interruptible, raise_interrupted,
              LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* The message handler of the outermost call: what is raised gets a traceback,
   unless it is an object that prints itself. */
static int l_traceback(lua_State *L)
{
  const char *text = lua_tostring(L, 1);
  if (text == NULL) {
    if (luaL_callmeta(L, 1, "__tostring"))
      return 1;
    text =
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, text, 1);
  return 1;
}

/* [raises] Everything that may raise, so that main needs no Lua call outside a
   protected one: argc and argv in, exit code out. */
static int l_main(lua_State *L)
{
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);

  luaL_checkversion(L);
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_ebb_core);
  lua_setfield(L, -2, "ebb.core");
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_pushstring(L, path_of_ebb);
  lua_getfield(L, -2, "path");
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");

  lua_getglobal(L, "require");
  lua_pushliteral(L, "ebb.command");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return 1;
}

int main(int argc, char **argv)
{
  int code = EXIT_FAILURE;
  lua_State *L = ebb_newstate(NULL);

  if (L == NULL) {
    fputs("ebb: not enough memory\n", stderr);
    return EXIT_FAILURE;
  }
  interruptible = L;
  if (signal(SIGINT, on_interrupt) == SIG_IGN)
    signal(SIGINT, SIG_IGN); /* as whoever started it wants */
  lua_pushcfunction(L, l_traceback);
  lua_pushcfunction(L, l_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  if (lua_pcall(L, 2, 1, 1) == LUA_OK) {
    code = (int)lua_tointeger(L, -1);
  } else {
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "ebb: %s\n", message != NULL ? message : "(no message)");
  }
  signal(SIGINT, SIG_DFL);
  lua_close(L);
  return code;
}
