/* SPDX-License-Identifier: MIT */
#include "lua/l_walk.h"

#include <stddef.h>

/* A frame (`struct CallInfo`) begins alike in every Lua 5.4 and in 5.5. That it
   does is checked on each walk before it is relied upon. */
typedef struct frame {
  void *func, *top;
  struct frame *previous, *next;
} frame;

/* So many levels are asked for, and must agree. */
#define ASKED 32

bool ebbL_walk_begin(ebbL_walk *walk, lua_State *L)
{
  walk->L = L;
  walk->level = 0;
  walk->is_fast = walk->is_odd = false;
  return lua_getstack(L, 0, &walk->ar) != 0;
}

static const frame *frame_of(const lua_Debug *ar)
{
  return (const void *)ar->i_ci;
}

bool ebbL_walk_outer(ebbL_walk *walk)
{
  const frame *at = frame_of(&walk->ar);
  if (walk->is_fast) {
    const frame *outer = at->previous;
    if (outer == NULL || outer->previous == NULL) /* the base has no function */
      return false;
    walk->ar.i_ci = (void *)outer;
    return true;
  }
  if (!lua_getstack(walk->L, walk->level + 1, &walk->ar))
    return false;
  walk->level++;
  if (at->previous != frame_of(&walk->ar) || frame_of(&walk->ar)->next != at)
    walk->is_odd = true;
  else if (walk->level == ASKED && !walk->is_odd)
    walk->is_fast = true;
  return true;
}
