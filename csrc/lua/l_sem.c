/* SPDX-License-Identifier: MIT */
/* ebb.semaphore. A permit is made before its task waits, so that the wake
   itself hands it over; collected while held, it goes back. */
#include "lua/l_sync.h"
#include "sync/sem.h"

typedef struct ebbL_sem {
  ebbL_header head;
  ebb_sem core;
  uint64_t total; /* permits in it and out; fits a lua_Integer */
} ebbL_sem;

typedef struct ebbL_semaphorepermit {
  ebbL_header head; /* user value 1: the semaphore */
  ebb_sem_claim claim;
} permit;

static const ebbL_opclass acquire_class;
static const ebbL_type sem_type = {"ebb.semaphore", &acquire_class, NULL};
static const ebbL_type permit_type = {"ebb.semaphorepermit", NULL, NULL};

static ebbL_sem *check_sem(lua_State *L)
{
  return ebbL_check(L, 1, &sem_type);
}

static ebbL_sem *sem_of(const permit *p)
{
  return ebb_container_of(p->claim.sem, ebbL_sem, core);
}

/* --- acquire ----------------------------------------------------------------
 */

/* How many the op asks for. */
static uint64_t wanted(void *object)
{
  ebbL_header *header = object;
  return header->type == &ebbL_op_type ? (uint64_t)((ebbL_op *)object)->n : 1;
}

/* [-0, +1] A permit that is not held yet, of what the op class was called with.
 */
static permit *new_permit(lua_State *L, void *object, int at, uint64_t n)
{
  ebbL_sem *sem = ebbL_target(object);
  permit *p = ebbL_new(L, sem->head.state, &permit_type, sizeof *p, 1);
  p->claim = (ebb_sem_claim){.sem = &sem->core, .n = n};
  ebbL_pushtarget(L, object, at);
  lua_setiuservalue(L, -2, 1);
  return p;
}

/* The permit is made first: that may fail, and a collection may run code that
   changes the semaphore. */
static int take(lua_State *L, ebb_sem *sem, uint64_t n, void *object, int at)
{
  if (sem->closed)
    return EBB_ECLOSED;
  if (n > 0 && (sem->available < n || !ebb_list_is_empty(&sem->waiters)))
    return EBB_EAGAIN;
  permit *p = new_permit(L, object, at, n);
  int status = ebb_sem_acquire(sem, n);
  if (status == EBB_OK)
    p->claim.held = true;
  else
    lua_pop(L, 1);
  return status;
}

static int acquire_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  ebbL_sem *sem = ebbL_target(object);
  int status = take(L, &sem->core, wanted(object), object, at);
  if (status == EBB_OK)
    return 1;
  return status == EBB_EAGAIN ? EBBL_WAIT
                              : ebbL_pushoutcome(L, ebb_err_word(status));
}

static void acquire_prepare(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task;
  new_permit(L, object, at, wanted(object));
}

static void acquire_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)object;
  permit *p = lua_touserdata(task->L, payload);
  ebb_sem_link(&task->core, i,
               p->claim.n > 1 ? &ebb_sem_many_class : &ebb_sem_class, &p->claim,
               (uint32_t)payload);
}

static int acquire_settle(lua_State *L, ebbL_task *task, void *object, int at,
                          int payload)
{
  (void)object, (void)at;
  if (task->core.status != EBB_OK)
    return ebbL_pushoutcome(L, ebb_err_word(task->core.status));
  lua_pushvalue(L, payload);
  return 1;
}

static const ebbL_opclass acquire_class = {.name = "semaphore acquire",
                                           .attempt = acquire_attempt,
                                           .prepare = acquire_prepare,
                                           .link = acquire_link,
                                           .settle = acquire_settle};

static lua_Integer check_count(lua_State *L, int arg)
{
  return lua_isnoneornil(L, arg) ? 1
                                 : ebbL_checkinteger(L, arg, 0, LUA_MAXINTEGER);
}

static int l_acquire_op(lua_State *L)
{
  check_sem(L);
  lua_Integer n = check_count(L, 2);
  ebbL_newop(L, ebbL_S(L), &acquire_class, 1, 0)->n = n;
  return 1;
}

static int l_acquire(lua_State *L)
{
  if (lua_isnoneornil(L, 2)) {
    ebbL_sem *sem = ebbL_test(L, 1, &sem_type);
    if (EBB_LIKELY(sem != NULL)) {
      lua_settop(L, 1);
      return ebbL_perform(L, &acquire_class, sem, l_acquire);
    }
  }
  if (ebbL_ownop(L, &acquire_class) == NULL) {
    check_sem(L);
    if (check_count(L, 2) != 1) {
      l_acquire_op(L);
      lua_replace(L, 1);
    }
  }
  lua_settop(L, 1);
  return ebbL_perform(L, &acquire_class, lua_touserdata(L, 1), l_acquire);
}

static int l_try_acquire(lua_State *L)
{
  ebbL_sem *sem = check_sem(L);
  int status = take(L, &sem->core, (uint64_t)check_count(L, 2), sem, 1);
  if (status == EBB_OK)
    return 1;
  return ebbL_pushoutcome(L, status == EBB_EAGAIN ? "empty"
                                                  : ebb_err_word(status));
}

/* --- the semaphore
 * ------------------------------------------------------------ */

static int l_add(lua_State *L)
{
  ebbL_sem *sem = check_sem(L);
  uint64_t n = (uint64_t)check_count(L, 2);
  if (n > (uint64_t)LUA_MAXINTEGER - sem->total)
    ebbL_argerror(L, 2, "too many permits");
  sem->total += n;
  ebb_sem_release(&sem->core, n);
  return 0;
}

/* Takes permits that nobody holds away: how many there were. */
static int l_forget(lua_State *L)
{
  ebbL_sem *sem = check_sem(L);
  uint64_t n = ebb_sem_forget(&sem->core, (uint64_t)check_count(L, 2));
  sem->total -= n;
  lua_pushinteger(L, (lua_Integer)n);
  return 1;
}

static int l_available(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)check_sem(L)->core.available);
  return 1;
}

static int l_close(lua_State *L)
{
  ebb_sem_close(&check_sem(L)->core);
  return 0;
}

static int l_is_closed(lua_State *L)
{
  lua_pushboolean(L, check_sem(L)->core.closed);
  return 1;
}

static int sem_tostring(lua_State *L)
{
  ebbL_sem *sem = check_sem(L);
  lua_pushfstring(L, "ebb.semaphore: %I of %I available%s",
                  (LUAI_UACINT)sem->core.available, (LUAI_UACINT)sem->total,
                  sem->core.closed ? ", closed" : "");
  return 1;
}

static int l_semaphore(lua_State *L)
{
  lua_Integer n = ebbL_checkinteger(L, 1, 0, LUA_MAXINTEGER);
  ebbL_sem *sem = ebbL_new(L, ebbL_S(L), &sem_type, sizeof *sem, 0);
  ebb_sem_init(&sem->core, (uint64_t)n);
  sem->total = (uint64_t)n;
  return 1;
}

/* --- permits
 * ------------------------------------------------------------------- */

static permit *check_permit(lua_State *L, int arg)
{
  return ebbL_check(L, arg, &permit_type);
}

static permit *check_held(lua_State *L, int arg)
{
  permit *p = check_permit(L, arg);
  if (!p->claim.held)
    ebbL_argerror(L, arg, "this permit has been given back");
  return p;
}

static int permit_close(lua_State *L)
{
  permit *p = check_permit(L, 1);
  if (p->claim.held) {
    p->claim.held = false;
    ebb_sem_release(p->claim.sem, p->claim.n);
    ebbL_retire(L, p->head.state, 1, &permit_type);
  }
  return 0;
}

/* Of one that is dropped. */
static int permit_gc(lua_State *L)
{
  permit *p = check_permit(L, 1);
  if (p->claim.held) {
    p->claim.held = false;
    ebb_sem_release(p->claim.sem, p->claim.n);
  }
  return 0;
}

static int permit_forget(lua_State *L)
{
  permit *p = check_permit(L, 1);
  if (p->claim.held) {
    p->claim.held = false;
    sem_of(p)->total -= p->claim.n;
  }
  return 0;
}

/* (k): a permit of its own for k of these, or nil when there are fewer. */
static int permit_split(lua_State *L)
{
  permit *p = check_held(L, 1);
  uint64_t n = (uint64_t)ebbL_checkinteger(L, 2, 0, LUA_MAXINTEGER);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, 1);
  permit *part = new_permit(L, lua_touserdata(L, 2), 2, n);
  check_held(L, 1); /* a finaliser may have given it back, or split it */
  if (n > p->claim.n) {
    lua_pushnil(L);
    return 1;
  }
  p->claim.n -= n;
  part->claim.held = true;
  return 1;
}

/* (other): these and those are one permit, this one. */
static int permit_merge(lua_State *L)
{
  permit *p = check_held(L, 1), *other = check_held(L, 2);
  if (other->claim.sem != p->claim.sem)
    ebbL_argerror(L, 2, "this permit is of another semaphore");
  if (other != p) {
    p->claim.n += other->claim.n;
    other->claim.held = false;
  }
  lua_settop(L, 1);
  return 1;
}

static int permit_count(lua_State *L)
{
  permit *p = check_permit(L, 1);
  lua_pushinteger(L, p->claim.held ? (lua_Integer)p->claim.n : 0);
  return 1;
}

static int permit_tostring(lua_State *L)
{
  permit *p = check_permit(L, 1);
  if (p->claim.held)
    lua_pushfstring(L, "ebb.semaphorepermit: %I held", (LUAI_UACINT)p->claim.n);
  else
    lua_pushliteral(L, "ebb.semaphorepermit: given back");
  return 1;
}

void ebbL_open_sem(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"semaphore", l_semaphore}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"acquire", l_acquire},
                                     {"try_acquire", l_try_acquire},
                                     {"acquire_op", l_acquire_op},
                                     {"add", l_add},
                                     {"forget", l_forget},
                                     {"available", l_available},
                                     {"close", l_close},
                                     {"is_closed", l_is_closed},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__close", l_close}, {"__tostring", sem_tostring}, {NULL, NULL}};
  static const luaL_Reg permit_methods[] = {
      {"close", permit_close}, {"forget", permit_forget},
      {"split", permit_split}, {"merge", permit_merge},
      {"count", permit_count}, {NULL, NULL}};
  static const luaL_Reg permit_meta[] = {{"__close", permit_close},
                                         {"__gc", permit_gc},
                                         {"__tostring", permit_tostring},
                                         {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newoptype(L, S, &sem_type, methods, meta);
  ebbL_newtype(L, S, &permit_type, permit_methods, permit_meta);
  ebbL_newretired(L, S, &permit_type);
  lua_pop(L, 1);
}
