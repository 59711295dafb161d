/* SPDX-License-Identifier: MIT */
/* ebb.signal and ebb.ctrl_c: signals as something to receive. */
#ifndef EBB_LUA_SIGNAL_H
#define EBB_LUA_SIGNAL_H

#include "lua/l_state.h"

/* Adds signal and ctrl_c to the table on top. */
void ebbL_open_signal(lua_State *L, ebbL_state *S);

#endif
