/* SPDX-License-Identifier: MIT */
/* The differences between Lua 5.4.0 and 5.5 that matter here. */
#ifndef EBB_LUA_COMPAT_H
#define EBB_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 504
  #error "ebb needs Lua 5.4 or newer"
#endif

/* lua_closethread came with 5.4.6; before that lua_resetthread does it. */
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
  #define ebbL_closethread(co, from) lua_closethread((co), (from))
#else
  #define ebbL_closethread(co, from) ((void)(from), lua_resetthread(co))
#endif

#endif
