/* SPDX-License-Identifier: MIT */
/* The options of ebb.runtime{}. */
#ifndef EBB_LUA_RT_OPTIONS_H
#define EBB_LUA_RT_OPTIONS_H

#include "lua/l_rt.h"

/* Applies the option whose value is on top (not nil) to a runtime that has just
   been made and is at 2; the table of options is at 1. May leave values. Raises
   with ebbL_option_error, or to refuse what cannot be had. [raises] */
typedef void (*ebbL_option)(lua_State *L, ebbL_rt *rt);

/* [raises] "option 'seed': integer expected, got a string" (the value on top).
 */
int ebbL_option_error(lua_State *L, const char *name, const char *expected);

/* memory = bytes (l_quota.c) */
void ebbL_option_memory(lua_State *L, ebbL_rt *rt);

/* The table at 1: only known names; is the clock virtual? [-0, +0, raises] */
bool ebbL_options_check(lua_State *L);
/* [options, runtime] [-0, +0, raises] */
void ebbL_options_apply(lua_State *L, ebbL_rt *rt);

#endif
