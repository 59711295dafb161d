/* SPDX-License-Identifier: MIT */
/* ebb.once: one task computes, all who come meanwhile wait. The attempt is a
   to-be-closed value in the frame of get, so that an error, a cancel or the end
   of the coroutine lets the next one try. */
#include "lua/l_sync.h"

enum { ONCE_EMPTY, ONCE_RUNNING, ONCE_DONE };

typedef struct ebbL_once {
  ebbL_header head; /* user value 1: fn, then the value or list of values */
  ebb_waitq waiters;
  ebbL_task *runner; /* whose attempt is under way */
  int n_values;
  uint8_t state;
} ebbL_once;

typedef struct ebbL_attempt {
  ebbL_header head; /* user value 1: the once */
  bool open;
} once_attempt;

static const ebbL_type once_type = {"ebb.once", NULL, NULL};
static const ebbL_type attempt_type = {"ebb.once attempt", NULL, NULL};
static const ebb_wait_class once_wait = {"once", false, NULL};

static ebbL_once *check_once(lua_State *L)
{
  return ebbL_check(L, 1, &once_type);
}

/* The attempt is over: all who wait look again, and the first of them tries if
   there is no result. [no-raise] */
static int attempt_close(lua_State *L)
{
  once_attempt *attempt = ebbL_check(L, 1, &attempt_type);
  if (!attempt->open)
    return 0;
  attempt->open = false;
  lua_getiuservalue(L, 1, 1);
  ebbL_once *once = lua_touserdata(L, -1);
  once->runner = NULL;
  if (once->state == ONCE_RUNNING)
    once->state = ONCE_EMPTY;
  ebb_wake_all(&once->waiters, EBB_OK);
  return 0;
}

static int push_values(lua_State *L, ebbL_once *once)
{
  int n = once->n_values;
  luaL_checkstack(L, n + 4, "too many values");
  lua_getiuservalue(L, 1, 1);
  if (n == 1)
    return 1;
  int list = lua_gettop(L);
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, list, i);
  return n;
}

/* [once, attempt, results…] nil, err is for this caller only. */
static int ran_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  ebbL_once *once = lua_touserdata(L, 1);
  int n = lua_gettop(L) - 2;
  if (n >= 2 && lua_isnil(L, 3) && !lua_isnil(L, 4))
    return n;
  luaL_checkstack(L, 4, NULL);
  if (n == 1) {
    lua_pushvalue(L, 3);
  } else {
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
      lua_pushvalue(L, 2 + i);
      lua_rawseti(L, -2, i);
    }
  }
  lua_setiuservalue(L, 1, 1);
  once->n_values = n;
  once->state = ONCE_DONE;
  return n;
}

static int run(lua_State *L, ebbL_once *once, ebbL_task *task)
{
  once_attempt *attempt =
      ebbL_new(L, once->head.state, &attempt_type, sizeof *attempt, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, 1);
  lua_toclose(L, 2);
  once->state = ONCE_RUNNING;
  once->runner = task;
  attempt->open = true;
  lua_getiuservalue(L, 1, 1);
  lua_callk(L, 0, LUA_MULTRET, 0, ran_k);
  return ran_k(L, LUA_OK, 0);
}

static int get(lua_State *L, ebbL_task *task);

static int woken_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  ebbL_state *S = ebbL_S(L);
  EBBL_OWN_RESUME(L, S, woken_k, ctx);
  ebbL_check_woken(L, S->current);
  return get(L, S->current);
}

static int get(lua_State *L, ebbL_task *task)
{
  ebbL_once *once = lua_touserdata(L, 1);
  if (once->state == ONCE_DONE)
    return push_values(L, once);
  if (once->state == ONCE_EMPTY)
    return run(L, once, task);
  if (once->runner == task)
    ebbL_error(L, "EBB042",
               "this task computes the once already and would wait for itself");
  ebbL_check_waiting(L, task);
  ebb_wait_link(&task->core, 0, &once_wait, once, &once->waiters, 0);
  return ebbL_park(L, task, 1, woken_k, 0);
}

static int l_get(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_once *once = check_once(L);
  lua_settop(L, 1);
  if (S->current == NULL && once->state == ONCE_DONE)
    return push_values(L, once);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_get);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_get);
  return get(L, task);
}

static int l_is_done(lua_State *L)
{
  lua_pushboolean(L, check_once(L)->state == ONCE_DONE);
  return 1;
}

static int once_tostring(lua_State *L)
{
  static const char *const words[] = {"empty", "computing", "done"};
  lua_pushfstring(L, "ebb.once: %s", words[check_once(L)->state]);
  return 1;
}

static int l_once(lua_State *L)
{
  ebbL_checkcallable(L, 1);
  ebbL_once *once = ebbL_new(L, ebbL_S(L), &once_type, sizeof *once, 1);
  ebb_list_init(&once->waiters);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void ebbL_open_once(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"once", l_once}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"get", l_get}, {"is_done", l_is_done}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", once_tostring}, {NULL, NULL}};
  static const luaL_Reg attempt_meta[] = {
      {"__close", attempt_close}, {"__gc", attempt_close}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &once_type, methods, meta);
  lua_pop(L, 1);
  ebbL_newtype(L, S, &attempt_type, NULL, attempt_meta);
  lua_pop(L, 1);
}
