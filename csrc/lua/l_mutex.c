/* SPDX-License-Identifier: MIT */
/* ebb.mutex: a semaphore of one permit whose guards have an owner. */
#include "lua/l_lock.h"

typedef struct ebbL_mutex {
  ebbL_header head; /* user value 1: what it protects */
  ebb_sem core;
  bool has_value;
} ebbL_mutex;

static const ebbL_opclass lock_class;
static const ebbL_type mutex_type = {"ebb.mutex", &lock_class, NULL};

static ebbL_mutex *check_mutex(lua_State *L)
{
  return ebbL_check(L, 1, &mutex_type);
}

/* --- lock -------------------------------------------------------------------
 */

static int lock_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  ebbL_mutex *mutex = ebbL_target(object);
  if (ebbL_lock_take(L, task, &mutex->core, EBBL_LOCK_MUTEX, object, at) ==
      EBB_OK)
    return 1;
  ebbL_lock_check(L, task, &mutex->core);
  return EBBL_WAIT;
}

static void lock_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_mutex *mutex = ebbL_target(object);
  ebbL_lock_new(L, &mutex->core, EBBL_LOCK_MUTEX, object, at);
}

static void lock_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  ebbL_lock_link(task, i, payload);
}

static int lock_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)object, (void)at;
  return ebbL_lock_settle(L, task, payload);
}

static const ebbL_opclass lock_class = {.name = "mutex lock",
                                        .attempt = lock_attempt,
                                        .prepare = lock_prepare,
                                        .link = lock_link,
                                        .settle = lock_settle};

static int l_lock(lua_State *L)
{
  ebbL_mutex *mutex = check_mutex(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &lock_class, mutex, l_lock);
}

static int l_lock_op(lua_State *L)
{
  check_mutex(L);
  ebbL_newop(L, ebbL_S(L), &lock_class, 1, 0);
  return 1;
}

static int l_try_lock(lua_State *L)
{
  ebbL_mutex *mutex = check_mutex(L);
  if (ebbL_lock_take(L, ebbL_S(L)->current, &mutex->core, EBBL_LOCK_MUTEX,
                     mutex, 1) != EBB_OK)
    return ebbL_pushoutcome(L, "locked");
  return 1;
}

/* --- with
 * ---------------------------------------------------------------------- */

static int with_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  return lua_gettop(L) - 1;
}

/* [mutex, fn, …, guard]: the guard is closed however fn ends. */
static int with_locked(lua_State *L)
{
  const ebbL_mutex *mutex = lua_touserdata(L, 1);
  if (mutex->has_value) {
    lua_getiuservalue(L, 1, 1);
    lua_insert(L, 3);
  }
  lua_replace(L, 1);
  lua_toclose(L, 1);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, with_k);
  return with_k(L, LUA_OK, 0);
}

/* guard: where it is */
static int with_lock_k(lua_State *L, int status, lua_KContext guard)
{
  (void)status;
  ebbL_state *S = ebbL_S(L);
  EBBL_OWN_RESUME(L, S, with_lock_k, guard);
  ebbL_check_woken(L, S->current);
  lua_settop(L, (int)guard); /* without a stranger's values */
  ebbL_lock_taken(lua_touserdata(L, -1), S->current);
  return with_locked(L);
}

static int l_with(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_mutex *mutex = check_mutex(L);
  ebbL_checkcallable(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_with);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_with);
  luaL_checkstack(L, 8, NULL);
  if (lock_attempt(L, task, mutex, 1) >= 0)
    return with_locked(L);
  ebbL_check_waiting(L, task);
  lock_prepare(L, task, mutex, 1);
  int payload = lua_gettop(L);
  if (lock_attempt(L, task, mutex, 1) >= 0) { /* a finaliser has let it go */
    lua_remove(L, payload);
    return with_locked(L);
  }
  ebbL_lock_link(task, 0, payload);
  return ebbL_park(L, task, 1, with_lock_k, payload);
}

/* --- the mutex
 * ------------------------------------------------------------------- */

static int l_is_locked(lua_State *L)
{
  lua_pushboolean(L, check_mutex(L)->core.available == 0);
  return 1;
}

static int mutex_tostring(lua_State *L)
{
  ebbL_mutex *mutex = check_mutex(L);
  lua_Integer n = ebbL_count(&mutex->core.waiters);
  if (mutex->core.available > 0)
    lua_pushliteral(L, "ebb.mutex: unlocked");
  else if (n == 0)
    lua_pushliteral(L, "ebb.mutex: locked");
  else
    lua_pushfstring(L, "ebb.mutex: locked, %I waiting", (LUAI_UACINT)n);
  return 1;
}

static int l_mutex(lua_State *L)
{
  bool has_value = !lua_isnoneornil(L, 1);
  ebbL_mutex *mutex = ebbL_new(L, ebbL_S(L), &mutex_type, sizeof *mutex, 1);
  ebb_sem_init(&mutex->core, 1);
  mutex->has_value = has_value;
  if (has_value) {
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
  }
  return 1;
}

void ebbL_open_mutex(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"mutex", l_mutex}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"lock", l_lock}, {"lock_op", l_lock_op},     {"try_lock", l_try_lock},
      {"with", l_with}, {"is_locked", l_is_locked}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", mutex_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newoptype(L, S, &mutex_type, methods, meta);
}
