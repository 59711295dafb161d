/* SPDX-License-Identifier: MIT */
/* Code that misbehaves: what happens to a task that computes for too long,
   beyond its quota, or on and on after it was asked to end.

   The hook of its coroutine is armed only then: by a signal handler on the
   loop's own thread (see uv/watchdog.h), by the allocator, or by a strike. A
   task that is being ended (`forced`) keeps it armed for every instruction: the
   error of the struck region is thrown at each one that no running cleanup or
   shield protects, until the region is left. A pcall cannot hold it, and an
   xpcall's message handler does not see it: hooks are off while one runs. */
#ifndef EBB_LUA_PREEMPT_H
#define EBB_LUA_PREEMPT_H

#include "lua/l_task.h"

/* What a task has used up. */
enum {
  EBBL_QUOTA_NONE,
  EBBL_QUOTA_MEMORY,
  EBBL_QUOTA_CPU,
  EBBL_QUOTA_SLICE, /* threw once already in this turn, and went on */
};

/* The task throws EBB031 at its next instruction, and at every later one until
   its frame is left (awaits throw it as well); it fails with that error. Does
   not allocate; may be called within lua_Alloc, in a signal handler of the
   task's thread, of a running task as of one that waits. Harmless twice: the
   first quota counts. [no-raise] */
void ebbL_preempt_quota(ebbL_task *task, int why);

/* The running task is forced, and the coroutine that it runs in has changed:
   the hook goes along. [no-raise] */
void ebbL_preempt_follow(ebbL_task *task);

/* Before the turn of a task that is `unusual`. [no-raise] */
void ebbL_preempt_resuming(ebbL_task *task);

void ebbL_open_preempt(lua_State *L, ebbL_state *S);

#endif
