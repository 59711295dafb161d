/* SPDX-License-Identifier: MIT */
/* What the scenarios of test_lua_oom.c need a host for: the global `host`. */
#ifndef EBB_SPEC_OOM_HOST_H
#define EBB_SPEC_OOM_HOST_H

#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "alloc/poison.h"
#include "alloc/pool.h"
#include "check.h"
#include "lua/l_mem.h"
#include "oom_alloc.h"

int luaopen_ebb_core(lua_State *L);

/* In another state: the addresses of a handle and of its guard. */
static int try_handles(lua_State *L)
{
  luaL_openlibs(L);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  if (luaL_loadstring(L, "local b, g, core = ... "
                         "local h = core.guard() local c = h:bytes(100) "
                         "assert(not pcall(h.release, h, b)) "
                         "assert(not pcall(h.promote, h, b)) "
                         "assert(not pcall(h.promote, h, c, g)) "
                         "assert(not pcall(h.close, g)) "
                         "assert(not pcall(c.copy, c, b)) "
                         "assert(not pcall(c.fill, b, 1)) "
                         "h:close()") != LUA_OK)
    return lua_error(L);
  lua_insert(L, 1);
  lua_call(L, 3, 0);
  return 0;
}

/* other_state(bytes, guard): the state is on the allocator that fails. */
static int other_state(lua_State *L)
{
  failing *f = lua_touserdata(L, lua_upvalueindex(1));
  lua_State *B = lua_newstate(failing_alloc, f);
  bool ok = B != NULL;
  if (ok) {
    lua_pushcfunction(B, try_handles);
    lua_pushlightuserdata(B, lua_touserdata(L, 1));
    lua_pushlightuserdata(B, lua_touserdata(L, 2));
    ok = lua_pcall(B, 2, 0, 0) == LUA_OK;
    if (!ok && strstr(luaL_tolstring(B, -1, NULL), "memory") == NULL)
      CHECK_STR(lua_tostring(B, -1), "want of memory");
    lua_close(B);
  }
  return ok ? 0 : luaL_error(L, "not enough memory");
}

/* fence(bytes): what is written behind them is seen. */
static int check_fence(lua_State *L)
{
  size_t n;
  unsigned char *bytes = ebbL_buffer_ptr(L, 1, &n);
  CHECK(bytes != NULL && ebb__pool_is_intact(bytes, n, 0));
#if defined(EBB_DEBUG_CHECKS)
  if (bytes != NULL && n != EBB_POOL_MAX_BYTES) { /* the last class has none */
    ebb_poison_open(bytes + n, 1);
    unsigned char was = bytes[n];
    bytes[n] = (unsigned char)~was;
    CHECK(!ebb__pool_is_intact(bytes, n, 0));
    ebb_poison_open(bytes + n, 1);
    bytes[n] = was;
    CHECK(ebb__pool_is_intact(bytes, n, 0));
  }
#endif
  return 0;
}

/* write(memory): into all of it, as a host does. */
static int write_all(lua_State *L)
{
  size_t n;
  unsigned char *bytes = ebbL_buffer_ptr(L, 1, &n);
  CHECK(bytes != NULL);
  if (bytes != NULL)
    memset(bytes, 0x5a, n);
  return 0;
}

static void open_host(lua_State *L, failing *f)
{
  lua_createtable(L, 0, 3);
  lua_pushlightuserdata(L, f);
  lua_pushcclosure(L, other_state, 1);
  lua_setfield(L, -2, "other_state");
  lua_pushcfunction(L, check_fence);
  lua_setfield(L, -2, "fence");
  lua_pushcfunction(L, write_all);
  lua_setfield(L, -2, "write");
  lua_setglobal(L, "host");
}

#endif
