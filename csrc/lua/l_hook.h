/* SPDX-License-Identifier: MIT */
/* The hook of a coroutine, borrowed: a debugger's or profiler's own hook goes
   on being called meanwhile and is back afterwards.

   Arming is async-signal-safe, as lua_sethook is in lua.c, and so may happen
   within a signal handler of the thread that runs the coroutine, or within
   lua_Alloc. Nothing here allocates or raises (but a user's hook that is
   called). */
#ifndef EBB_LUA_HOOK_H
#define EBB_LUA_HOOK_H

#include "lua/l_compat.h"

#include <stdbool.h>

#define EBBL_LENT_MAX 8

/* What was there before; the entry of a coroutine that is gone is overwritten
   by the next one, and never used before. */
typedef struct ebbL_lent {
  lua_State *L;
  lua_Hook hook;
  int mask, count;
  int left; /* instructions until its count hook is due */
  int step; /* instructions between two calls of ours */
} ebbL_lent;

typedef struct ebbL_hooks {
  lua_Hook own; /* the one that is armed */
  ebbL_lent lent[EBBL_LENT_MAX];
} ebbL_hooks;

/* Our hook on L, for COUNT events after `count` instructions and those of
   `mask`. */
void ebbL_hook_arm(ebbL_hooks *hooks, lua_State *L, int mask, int count);
/* Gives L its own hook back. */
void ebbL_hook_drop(ebbL_hooks *hooks, lua_State *L);
/* From within our hook, first thing: calls the user's if the event is one of
   its own. False when the user's hook has put itself or another one in our
   place, or has yielded. [raises] */
bool ebbL_hook_forward(ebbL_hooks *hooks, lua_State *L, lua_Debug *ar);

#endif
