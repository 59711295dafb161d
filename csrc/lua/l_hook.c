/* SPDX-License-Identifier: MIT */
#include "lua/l_hook.h"

#include <stddef.h>

/* A handler may come between any two instructions here and do the same for the
   same coroutine: it finds either the user's hook, and notes the same, or ours,
   and changes only mask and count. */

static ebbL_lent *find(ebbL_hooks *hooks, const lua_State *L)
{
  for (int i = 0; i < EBBL_LENT_MAX; i++)
    if (hooks->lent[i].L == L)
      return &hooks->lent[i];
  return NULL;
}

static void note(ebbL_hooks *hooks, lua_State *L)
{
  lua_Hook hook = lua_gethook(L);
  ebbL_lent *lent = find(hooks, L);
  if (hook == hooks->own)
    return;
  if (hook == NULL) {
    if (lent != NULL)
      lent->L = NULL;
    return;
  }
  if (lent == NULL)
    lent = find(hooks, NULL);
  if (lent == NULL) /* all taken, perhaps by coroutines that are gone */
    lent = &hooks->lent[0];
  lent->hook = hook;
  lent->mask = lua_gethookmask(L);
  lent->count = lua_gethookcount(L);
  lent->left = lent->count;
  lent->L = L;
}

void ebbL_hook_arm(ebbL_hooks *hooks, lua_State *L, int mask, int count)
{
  note(hooks, L);
  ebbL_lent *lent = find(hooks, L);
  if (lent != NULL) {
    mask |= lent->mask;
    if ((lent->mask & LUA_MASKCOUNT) != 0 && lent->count < count)
      count = lent->count;
    lent->step = count;
  }
  lua_sethook(L, hooks->own, mask | LUA_MASKCOUNT, count);
}

void ebbL_hook_drop(ebbL_hooks *hooks, lua_State *L)
{
  ebbL_lent *lent = find(hooks, L);
  if (lua_gethook(L) != hooks->own)
    return;
  if (lent == NULL) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  lua_sethook(L, lent->hook, lent->mask, lent->count);
  lent->L = NULL;
}

static bool is_wanted(ebbL_lent *lent, int event)
{
  switch (event) {
  case LUA_HOOKCOUNT:
    if ((lent->mask & LUA_MASKCOUNT) == 0)
      return false;
    lent->left -= lent->step;
    if (lent->left > 0)
      return false;
    lent->left = lent->count;
    return true;
  case LUA_HOOKTAILCALL:
    return (lent->mask & LUA_MASKCALL) != 0;
  default:
    return (lent->mask & (1 << event)) != 0;
  }
}

bool ebbL_hook_forward(ebbL_hooks *hooks, lua_State *L, lua_Debug *ar)
{
  ebbL_lent *lent = find(hooks, L);
  if (lent == NULL || !is_wanted(lent, ar->event))
    return true;
  lent->hook(L, ar);
  return lua_gethook(L) == hooks->own && lua_status(L) != LUA_YIELD;
}
