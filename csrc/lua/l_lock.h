/* SPDX-License-Identifier: MIT */
/* Lock guards: what m:lock(), rw:read() and rw:write() give. A guard belongs to
   a task and stands in that task's list, so that a lock still held at the
   task's end is found: it is released and reported (EBB041). Code outside of
   tasks owns its guards as the state's `nobody`.

   A guard is made before its task waits; the wake marks its claim as held, and
   the task enters it into its list when it goes on. Collected, it releases.

   What stands in the list is not the guard but its hold, a record: a guard that
   Lua frees without its finaliser leaves the hold to its task's end. */
#ifndef EBB_LUA_LOCK_H
#define EBB_LUA_LOCK_H

#include "lua/l_record.h"
#include "lua/l_sync.h"
#include "sync/sem.h"

enum { EBBL_LOCK_MUTEX, EBBL_LOCK_READ, EBBL_LOCK_WRITE };

/* What a writer takes, and a reader one of. */
#define EBBL_LOCK_ALL (UINT64_C(1) << 62)

typedef struct ebbL_hold {
  ebb_list link;    /* in owner->locks while held */
  ebbL_task *owner; /* while held */
  ebb_sem *sem;
  uint64_t n;
  uint32_t slot; /* its own for good. slots[slot]: the mutex or rwlock */
  uint8_t kind;
  bool is_held; /* … and entered */
  bool is_over; /* its task, or the state, has ended holding it */
} ebbL_hold;

_Static_assert(sizeof(ebbL_hold) <= 64, "as S->holds has them");

typedef struct ebbL_lock {
  ebbL_header head;
  ebbL_hold *hold;     /* NULL once released */
  ebb_sem_claim claim; /* until it is entered */
  uint8_t kind;
} ebbL_lock;

extern const ebbL_type ebbL_lock_type;

/* [-0, +1, raises] A guard that is not held yet, of what the op class was
   called with (see ebbL_pushtarget). */
ebbL_lock *ebbL_lock_new(lua_State *L, ebb_sem *sem, int kind, void *object,
                         int at);
/* It is held: enters it into the list of the task that runs. [no-raise] */
void ebbL_lock_taken(ebbL_lock *lock, ebbL_task *task);
/* [no-raise] harmless twice. `slots` is the index of the table. */
void ebbL_lock_release(lua_State *L, ebbL_lock *lock, int slots);
/* The state closes: nobody holds anything any more. [no-raise] */
void ebbL_locks_forget(ebbL_task *task);

/* [-0, +1 if EBB_OK, raises] Takes it without waiting. EBB_EAGAIN: not now.
   Index `at` is what the op class was called with. */
int ebbL_lock_take(lua_State *L, ebbL_task *task, ebb_sem *sem, int kind,
                   void *object, int at);
/* [raises] EBB042 when the task that runs holds a guard of it already. */
void ebbL_lock_check(lua_State *L, ebbL_task *task, const ebb_sem *sem);

/* The task has ended: releases what it holds and reports it. [no-raise] */
void ebbL_locks_drop(lua_State *L, ebbL_task *task, int slots);

/* op class parts: link by guard, settle to guard */
void ebbL_lock_link(ebbL_task *task, uint32_t i, int payload);
int ebbL_lock_settle(lua_State *L, ebbL_task *task, int payload);

void ebbL_open_lock(lua_State *L, ebbL_state *S);
void ebbL_open_mutex(lua_State *L, ebbL_state *S);
void ebbL_open_rwlock(lua_State *L, ebbL_state *S);
#endif
