/* SPDX-License-Identifier: MIT */
/* From the running function of a coroutine outwards, in linear time:
   lua_getstack counts from the top each time, so that a deep recursion takes
   seconds to walk with it. */
#ifndef EBB_LUA_WALK_H
#define EBB_LUA_WALK_H

#include "lua/l_compat.h"

#include <stdbool.h>

typedef struct ebbL_walk {
  lua_State *L;
  lua_Debug ar; /* for lua_getinfo, lua_getlocal … */
  int level;
  bool is_fast, is_odd; /* the layout of frames is known, or is another */
} ebbL_walk;

/* False when there is no (further) frame. [no-raise] */
bool ebbL_walk_begin(ebbL_walk *walk, lua_State *L);
bool ebbL_walk_outer(ebbL_walk *walk);

#endif
