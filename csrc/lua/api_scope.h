/* SPDX-License-Identifier: MIT */
/* Between the files behind ebb.h: spawning in scopes. */
#ifndef EBB_LUA_API_SCOPE_H
#define EBB_LUA_API_SCOPE_H

#include "lua/api.h"
#include "lua/l_scope.h"

/* [-(n_args + 1), +0, no-raise] scope may be NULL. */
struct ebb_task *ebbL_host_spawn(ebbL_host_rt *host, ebbL_scope *scope,
                                 lua_State *L, int n_args);

/* What is asked to end takes no new work: the child never runs. */
static inline bool ebbL_host_scope_refuses(const ebbL_scope *scope)
{
  return scope->failed || scope->cancelled || scope->hard || scope->closing;
}

#endif
