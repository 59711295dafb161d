/* SPDX-License-Identifier: MIT */
/* Which struck region an await must obey, given the cleanups that run: user
   code in a __close handler is shielded, however its block was left. Looked for
   only while a cancel or deadline is pending. */
#include "lua/l_region.h"

#include "lua/l_preempt.h"
#include "lua/l_walk.h"

#include <string.h>

/* ebb's own closers (their first upvalue tells) are not shielded. */
static bool is_own_closer(lua_State *L, ebbL_state *S, lua_Debug *ar)
{
  lua_getinfo(L, "f", ar);
  bool own = lua_iscfunction(L, -1);
  if (own) {
    own = lua_getupvalue(L, -1, 1) != NULL;
    if (own) {
      own = lua_touserdata(L, -1) == (void *)S;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return own;
}

/* A vararg function moves itself up the stack, above its arguments. */
static int vararg_shift(lua_State *L, lua_Debug *ar)
{
  int n = 0;
  lua_getinfo(L, "Su", ar);
  if (!ar->isvararg || strcmp(ar->what, "C") == 0)
    return 0;
  while (lua_getlocal(L, ar, -(n + 1)) != NULL) {
    lua_pop(L, 1);
    n++;
  }
  return ar->nparams + n + 1;
}

/* Is the call at `ar` a __close handler that the frame `caller` runs while an
   error unwinds it? A C function's callee starts right above what the caller
   keeps below it; a handler starts higher. */
static bool is_unwinding_handler(lua_State *L, ebbL_state *S, lua_Debug *ar,
                                 lua_Debug *caller, const ebb_region *region)
{
  int expected;
  lua_getinfo(L, "Sf", caller);
  lua_CFunction fn = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  if (fn == NULL)
    return false;
  if (region != NULL && region->frame == (void *)caller->i_ci)
    return region->unwinding ||
           (region->outer == NULL && ebbL_task_of(region->task)->closing_guard);
  if (fn == S->lua_pcall_fn)
    expected = 1;
  else if (fn == S->lua_xpcall_fn)
    expected = 3;
  else
    return false;
  if (lua_getlocal(L, caller, expected + vararg_shift(L, ar) + 1) == NULL)
    return false;
  lua_pop(L, 1);
  return true;
}

/* Is the call at `ar` (with its name) a cleanup of the user? */
static bool is_closer(lua_State *L, ebbL_state *S, lua_Debug *ar,
                      lua_Debug *caller, const ebb_region *region)
{
  bool closer = ar->namewhat != NULL && ar->name != NULL &&
                strcmp(ar->namewhat, "metamethod") == 0 &&
                strcmp(ar->name, "close") == 0;
  if (!closer)
    closer = is_unwinding_handler(L, S, ar, caller, region);
  return closer && !is_own_closer(L, S, ar);
}

enum { NOT_HIDDEN, HIDDEN_BY_CLEANUP, HIDDEN_BY_SHIELD };

/* Walks one coroutine's frames from the innermost outwards, until a running
   cleanup of the user, or a shield, hides what lies further out. */
static int walk_frames(lua_State *L, ebbL_state *S, ebb_region **region,
                       ebb_region **seen)
{
  ebbL_walk caller;
  if (!lua_checkstack(L, 4))
    return NOT_HIDDEN;
  for (bool more = ebbL_walk_begin(&caller, L); more;) {
    lua_Debug ar = caller.ar;
    if (*region != NULL && (*region)->frame == (void *)ar.i_ci) {
      ebb_region *at = *region;
      *region = at->outer;
      if (at->kind == EBB_REGION_SHIELD)
        return at->cleanup ? HIDDEN_BY_CLEANUP : HIDDEN_BY_SHIELD;
      if (at->struck)
        *seen = at;
    }
    more = ebbL_walk_outer(&caller);
    if (!more)
      break;
    lua_getinfo(L, "n", &ar);
    if (is_closer(L, S, &ar, &caller.ar, *region))
      return HIDDEN_BY_CLEANUP;
  }
  return NOT_HIDDEN;
}

ebb_region *ebbL_hidden(ebbL_task *task)
{
  ebb_region *region = task->core.region, *seen = NULL;
  for (lua_State *L = task->L; L != NULL;
       L = L == task->co ? NULL : ebbL_coro_outer(task, L))
    if (walk_frames(L, task->S, &region, &seen) != NOT_HIDDEN)
      return region;
  return NULL;
}

/* Is there a running cleanup anywhere in the task? A shield within one hides
   nothing once the cleanups are overdue. */
static bool in_cleanup(lua_State *L, ebbL_task *task)
{
  for (ebb_region *at = task->core.region; at != NULL; at = at->outer)
    if (at->cleanup)
      return true;
  for (; L != NULL; L = L == task->co ? NULL : ebbL_coro_outer(task, L)) {
    ebbL_walk caller;
    ebb_region *region = task->core.region;
    bool more = ebbL_walk_begin(&caller, L);
    for (lua_Debug ar = caller.ar; more && ebbL_walk_outer(&caller);
         ar = caller.ar) {
      if (region != NULL && region->frame == (void *)ar.i_ci)
        region = region->outer;
      lua_getinfo(L, "n", &ar);
      if (is_closer(L, task->S, &ar, &caller.ar, region))
        return true;
    }
  }
  return false;
}

ebb_region *ebbL_visible(ebb_task *core)
{
  ebbL_task *task = ebbL_task_of(core);
  if (task->co == NULL)
    return ebb_region_visible(core);
  ebb_region *region = core->region, *seen = NULL;
  lua_State *L = task->L;
  bool ends = core->overdue && ebbL_rt_of(core->rt)->ending;
  if (core->overdue && ebbL_is_over(task))
    ends = true; /* a shield does not hold for what may use no more */
  if (ends)      /* nothing protects it any more */
    return &core->base;
  while (L != NULL) {
    int hidden = walk_frames(L, task->S, &region, &seen);
    if (hidden == HIDDEN_BY_CLEANUP && core->overdue)
      return &core->base; /* its cleanups have had their time */
    if (hidden == HIDDEN_BY_SHIELD && core->overdue &&
        in_cleanup(task->L, task))
      return &core->base;
    if (hidden != NOT_HIDDEN)
      return seen;
    L = L == task->co ? NULL : ebbL_coro_outer(task, L);
  }
  /* the task's own region has no frame of its own until its body runs */
  for (; region != NULL; region = region->outer) {
    if (region->kind == EBB_REGION_SHIELD)
      return seen;
    if (region->struck)
      seen = region;
  }
  return seen;
}

ebb_region *ebbL_verdict(ebbL_task *task)
{
  return ebbL_visible(&task->core);
}
