/* SPDX-License-Identifier: MIT */
#include "lua/l_lock.h"

#include "lua/l_report.h"

#include <string.h>

const ebbL_type ebbL_lock_type = {"ebb.lock", NULL, NULL};

static const ebb_wait_class mutex_wait = {"mutex lock", true, NULL};
static const ebb_wait_class read_wait = {"rwlock read", true, NULL};
static const ebb_wait_class write_wait = {"rwlock write", true, ebb_sem_leave};

/* Who owns what the running code takes. */
static ebbL_task *owner_of(ebbL_state *S, ebbL_task *task)
{
  return task == NULL || task->is_internal ? S->nobody : task;
}

static const char *word_of(int kind)
{
  static const char *const words[] = {"mutex", "rwlock read", "rwlock write"};
  return words[kind];
}

/* --- taking and releasing
 * ----------------------------------------------------- */

ebbL_lock *ebbL_lock_new(lua_State *L, ebb_sem *sem, int kind, void *object,
                         int at)
{
  ebbL_state *S = ((ebbL_header *)object)->state;
  uint64_t n = kind == EBBL_LOCK_WRITE ? EBBL_LOCK_ALL : 1;
  if (EBB_UNLIKELY(S->closing))
    ebbL_error(L, "EBB052", "the state is closing");
  ebbL_lock *lock = ebbL_new(L, S, &ebbL_lock_type, sizeof *lock, 0);
  lock->claim = (ebb_sem_claim){.sem = sem, .n = n};
  lock->kind = (uint8_t)kind;
  ebbL_hold *hold = lock->hold = ebbL_record_get(L, S, &S->holds);
  hold->is_held = false;
  hold->is_over = true;
  if (EBB_UNLIKELY(hold->slot == 0)) {
    hold->slot = ebbL_slots_take(L, S, 0);
    S->n_pins++;
  }
  hold->is_over = false;
  hold->sem = sem;
  hold->n = n;
  hold->kind = (uint8_t)kind;
  ebbL_pushtarget(L, object, at);
  lua_rawseti(L, EBBL_SLOTS, hold->slot);
  return lock;
}

void ebbL_lock_taken(ebbL_lock *lock, ebbL_task *task)
{
  ebbL_hold *hold = lock->hold;
  hold->is_held = true;
  hold->owner = owner_of(lock->head.state, task);
  ebb_list_push_back(&hold->owner->locks, &hold->link);
}

/* The permits go back, if it had any, and what they are of is let go. */
static void let_go(lua_State *L, ebbL_hold *hold, bool had, int slots)
{
  if (hold->is_held)
    ebb_list_unlink(&hold->link);
  hold->is_held = false;
  hold->is_over = true;
  if (had)
    ebb_sem_release(hold->sem, hold->n);
  lua_pushboolean(L, 0);
  lua_rawseti(L, slots, hold->slot);
}

void ebbL_lock_release(lua_State *L, ebbL_lock *lock, int slots)
{
  ebbL_hold *hold = lock->hold;
  if (hold == NULL)
    return;
  lock->hold = NULL;
  if (!hold->is_over)
    let_go(L, hold, lock->claim.held, slots);
  ebbL_record_put(&lock->head.state->holds, hold);
}

int ebbL_lock_take(lua_State *L, ebbL_task *task, ebb_sem *sem, int kind,
                   void *object, int at)
{
  uint64_t n = kind == EBBL_LOCK_WRITE ? EBBL_LOCK_ALL : 1;
  if (sem->available < n || !ebb_list_is_empty(&sem->waiters))
    return EBB_EAGAIN;
  ebbL_lock *lock = ebbL_lock_new(L, sem, kind, object, at);
  int status = ebb_sem_acquire(sem, n);
  if (status != EBB_OK) { /* a finaliser was faster */
    lua_pop(L, 1);
    return status;
  }
  lock->claim.held = true;
  ebbL_lock_taken(lock, task);
  return EBB_OK;
}

void ebbL_lock_check(lua_State *L, ebbL_task *task, const ebb_sem *sem)
{
  if (EBB_UNLIKELY(task->S->closing))
    ebbL_error(L, "EBB052", "the state is closing");
  ebbL_task *owner = owner_of(task->S, task);
  ebb_list_foreach(node, &owner->locks) {
    const ebbL_hold *hold = ebb_container_of(node, ebbL_hold, link);
    if (hold->sem == sem)
      ebbL_error(L, "EBB042",
                 "this task holds the %s lock already and would wait for "
                 "itself",
                 word_of(hold->kind));
  }
}

void ebbL_lock_link(ebbL_task *task, uint32_t i, int payload)
{
  static const ebb_wait_class *const classes[] = {&mutex_wait, &read_wait,
                                                  &write_wait};
  ebbL_lock *lock = lua_touserdata(task->L, payload);
  ebb_sem_link(&task->core, i, classes[lock->kind], &lock->claim,
               (uint32_t)payload);
}

int ebbL_lock_settle(lua_State *L, ebbL_task *task, int payload)
{
  ebbL_lock_taken(lua_touserdata(L, payload), task);
  lua_pushvalue(L, payload);
  return 1;
}

/* --- a task has ended
 * ----------------------------------------------------------- */

/* (light task, word) -> handle, message */
static int push_held(lua_State *L)
{
  ebbL_task *task = lua_touserdata(L, 1);
  const char *word = lua_touserdata(L, 2);
  ebbL_pushhandle(L, task);
  const char *label = ebbL_tasklabel(L, task, 0);
  lua_pushfstring(L,
                  "EBB041: task %s ended holding a %s lock, which was "
                  "released; hold it in a to-be-closed variable",
                  label, word);
  lua_remove(L, -2);
  return 2;
}

void ebbL_locks_drop(lua_State *L, ebbL_task *task, int slots)
{
  ebbL_state *S = task->S;
  while (!ebb_list_is_empty(&task->locks)) {
    ebbL_hold *hold = ebb_container_of(task->locks.next, ebbL_hold, link);
    const char *word = word_of(hold->kind);
    let_go(L, hold, true, slots);
    if (S->closing || !lua_checkstack(L, 8))
      continue;
    int top = lua_gettop(L);
    lua_pushcfunction(L, push_held);
    lua_pushlightuserdata(L, task);
    lua_pushlightuserdata(L, (void *)word);
    if (lua_pcall(L, 2, 2, 0) == LUA_OK)
      ebbL_report(L, S, ebbL_rt_of(task->core.rt), top + 1, top + 2, 0);
    lua_settop(L, top);
  }
}

void ebbL_locks_forget(ebbL_task *task)
{
  while (!ebb_list_is_empty(&task->locks)) {
    ebbL_hold *hold = ebb_container_of(task->locks.next, ebbL_hold, link);
    ebb_list_unlink(&hold->link);
    hold->is_held = false;
    hold->is_over = true;
  }
}

/* --- methods
 * ---------------------------------------------------------------------- */

static ebbL_lock *check_lock(lua_State *L)
{
  return ebbL_check(L, 1, &ebbL_lock_type);
}

static bool is_held(const ebbL_lock *lock)
{
  return lock->hold != NULL && lock->hold->is_held;
}

static ebbL_lock *check_held(lua_State *L)
{
  ebbL_lock *lock = check_lock(L);
  if (!is_held(lock))
    ebbL_throw(L, "this lock has been released");
  return lock;
}

static int lock_close(lua_State *L)
{
  ebbL_lock *lock = check_lock(L);
  ebbL_state *S = lock->head.state;
  ebbL_task *task = S->current;
  if (lock->hold == NULL)
    return 0;
  if (lock->hold->is_held && task != NULL &&
      lock->hold->owner != owner_of(S, task))
    ebbL_error(L, "EBB045",
               "this %s lock is held by another task; guard:adopt() takes it "
               "over",
               word_of(lock->kind));
  ebbL_lock_release(L, lock, EBBL_SLOTS);
  ebbL_retire(L, S, 1, &ebbL_lock_type);
  return 0;
}

static int lock_gc(lua_State *L)
{
  ebbL_lock_release(L, check_lock(L), EBBL_SLOTS);
  return 0;
}

static int lock_adopt(lua_State *L)
{
  ebbL_lock *lock = check_held(L);
  ebb_list_unlink(&lock->hold->link);
  ebbL_lock_taken(lock, ebbL_S(L)->current);
  lua_settop(L, 1);
  return 1;
}

/* A writer becomes a reader: nobody can write in between, and readers at the
   head of the queue come in. */
static int lock_downgrade(lua_State *L)
{
  ebbL_lock *lock = check_held(L);
  if (lock->kind != EBBL_LOCK_WRITE)
    ebbL_throw(L, "only a write lock can be downgraded, this is a %s lock",
               word_of(lock->kind));
  lock->kind = lock->hold->kind = EBBL_LOCK_READ;
  lock->hold->n = 1;
  ebb_sem_release(lock->hold->sem, EBBL_LOCK_ALL - 1);
  lua_settop(L, 1);
  return 1;
}

static bool is_value(lua_State *L)
{
  return lua_type(L, 2) == LUA_TSTRING &&
         strcmp(lua_tostring(L, 2), "value") == 0;
}

/* upvalue 3: the methods, looked at first: none is called "value" */
static int lock_index(lua_State *L)
{
  lua_pushvalue(L, 2);
  if (EBB_LIKELY(lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL))
    return 1;
  ebbL_lock *lock = check_lock(L);
  if (!is_value(L))
    return 1;
  if (lock->kind != EBBL_LOCK_MUTEX)
    lua_pushnil(L);
  else {
    lua_rawgeti(L, EBBL_SLOTS, check_held(L)->hold->slot);
    lua_getiuservalue(L, -1, 1);
  }
  return 1;
}

static int lock_newindex(lua_State *L)
{
  ebbL_lock *lock = check_lock(L);
  if (!is_value(L) || lock->kind != EBBL_LOCK_MUTEX)
    ebbL_throw(L, "a lock has no field to set but a mutex lock's value");
  lua_rawgeti(L, EBBL_SLOTS, check_held(L)->hold->slot);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, 1);
  return 0;
}

static int lock_tostring(lua_State *L)
{
  ebbL_lock *lock = check_lock(L);
  if (!is_held(lock))
    lua_pushfstring(L, "ebb.lock: %s, released", word_of(lock->kind));
  else if (lock->hold->owner == lock->head.state->nobody)
    lua_pushfstring(L, "ebb.lock: %s, held", word_of(lock->kind));
  else
    lua_pushfstring(L, "ebb.lock: %s, held by task %s", word_of(lock->kind),
                    ebbL_tasklabel(L, lock->hold->owner, 0));
  return 1;
}

void ebbL_open_lock(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg methods[] = {{"close", lock_close},
                                     {"adopt", lock_adopt},
                                     {"downgrade", lock_downgrade},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__newindex", lock_newindex},
                                  {"__close", lock_close},
                                  {"__gc", lock_gc},
                                  {"__tostring", lock_tostring},
                                  {NULL, NULL}};
  S->holds.record_bytes = sizeof(ebbL_hold);
  ebbL_newtype(L, S, &ebbL_lock_type, methods, meta);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_getfield(L, -3, "__index");
  lua_pushcclosure(L, lock_index, 3);
  lua_setfield(L, -2, "__index");
  ebbL_newretired(L, S, &ebbL_lock_type);
  lua_pop(L, 1);
  ebbL_open_mutex(L, S);
  ebbL_open_rwlock(L, S);
}
