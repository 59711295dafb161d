/* SPDX-License-Identifier: MIT */
/* ebb.rwlock: a semaphore of which a reader takes one permit and a writer all.
   Its queue is strict, so that writers do not starve: while one waits, readers
   that come later wait behind it. */
#include "lua/l_lock.h"

typedef struct ebbL_rwlock {
  ebbL_header head;
  ebb_sem core;
} ebbL_rwlock;

static const ebbL_opclass read_class, write_class;
static const ebbL_type rwlock_type = {"ebb.rwlock", NULL, NULL};

static ebbL_rwlock *check_rwlock(lua_State *L)
{
  return ebbL_check(L, 1, &rwlock_type);
}

static int attempt(lua_State *L, ebbL_task *task, void *object, int at,
                   int kind)
{
  ebbL_rwlock *rw = ebbL_target(object);
  if (ebbL_lock_take(L, task, &rw->core, kind, object, at) == EBB_OK)
    return 1;
  ebbL_lock_check(L, task, &rw->core);
  return EBBL_WAIT;
}

static void prepare(lua_State *L, void *object, int at, int kind)
{
  ebbL_rwlock *rw = ebbL_target(object);
  ebbL_lock_new(L, &rw->core, kind, object, at);
}

static int read_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  return attempt(L, task, object, at, EBBL_LOCK_READ);
}

static int write_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  return attempt(L, task, object, at, EBBL_LOCK_WRITE);
}

static void read_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  prepare(L, object, at, EBBL_LOCK_READ);
}

static void write_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  prepare(L, object, at, EBBL_LOCK_WRITE);
}

static void either_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  ebbL_lock_link(task, i, payload);
}

static int either_settle(lua_State *L, ebbL_task *task, void *object, int at,
                         int payload)
{
  (void)object, (void)at;
  return ebbL_lock_settle(L, task, payload);
}

static const ebbL_opclass read_class = {.name = "rwlock read",
                                        .attempt = read_attempt,
                                        .prepare = read_prepare,
                                        .link = either_link,
                                        .settle = either_settle};
static const ebbL_opclass write_class = {.name = "rwlock write",
                                         .attempt = write_attempt,
                                         .prepare = write_prepare,
                                         .link = either_link,
                                         .settle = either_settle};

static int l_read(lua_State *L)
{
  ebbL_rwlock *rw = check_rwlock(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &read_class, rw, l_read);
}

static int l_write(lua_State *L)
{
  ebbL_rwlock *rw = check_rwlock(L);
  lua_settop(L, 1);
  return ebbL_perform(L, &write_class, rw, l_write);
}

static int l_read_op(lua_State *L)
{
  check_rwlock(L);
  ebbL_newop(L, ebbL_S(L), &read_class, 1, 0);
  return 1;
}

static int l_write_op(lua_State *L)
{
  check_rwlock(L);
  ebbL_newop(L, ebbL_S(L), &write_class, 1, 0);
  return 1;
}

static int try_take(lua_State *L, int kind)
{
  ebbL_rwlock *rw = check_rwlock(L);
  if (ebbL_lock_take(L, ebbL_S(L)->current, &rw->core, kind, rw, 1) != EBB_OK)
    return ebbL_pushoutcome(L, "locked");
  return 1;
}

static int l_try_read(lua_State *L)
{
  return try_take(L, EBBL_LOCK_READ);
}

static int l_try_write(lua_State *L)
{
  return try_take(L, EBBL_LOCK_WRITE);
}

static int rwlock_tostring(lua_State *L)
{
  ebbL_rwlock *rw = check_rwlock(L);
  lua_Integer n = ebbL_count(&rw->core.waiters);
  if (rw->core.available == EBBL_LOCK_ALL)
    lua_pushliteral(L, "ebb.rwlock: unlocked");
  else if (rw->core.available == 0)
    lua_pushliteral(L, "ebb.rwlock: locked for writing");
  else
    lua_pushfstring(L, "ebb.rwlock: %I reading",
                    (LUAI_UACINT)(EBBL_LOCK_ALL - rw->core.available));
  if (n > 0) {
    lua_pushfstring(L, ", %I waiting", (LUAI_UACINT)n);
    lua_concat(L, 2);
  }
  return 1;
}

static int l_rwlock(lua_State *L)
{
  ebbL_rwlock *rw = ebbL_new(L, ebbL_S(L), &rwlock_type, sizeof *rw, 0);
  ebb_sem_init(&rw->core, EBBL_LOCK_ALL);
  return 1;
}

void ebbL_open_rwlock(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"rwlock", l_rwlock}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"read", l_read},
                                     {"write", l_write},
                                     {"try_read", l_try_read},
                                     {"try_write", l_try_write},
                                     {"read_op", l_read_op},
                                     {"write_op", l_write_op},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", rwlock_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &rwlock_type, methods, meta);
  lua_pop(L, 1);
}
