/* SPDX-License-Identifier: MIT */
/* Resuming the coroutines of ebb.coroutine. An await in such a coroutine parks
   the task and yields; whoever resumed the coroutine sees that the task no
   longer runs, yields outwards too, and resumes it again when the task goes on.
   So the consumer sees only what coroutine.yield gives it.

   task->L is the innermost coroutine while the task waits or runs in it. The
   call that resumed a coroutine has it at index 1 of its stack: that is how
   ebbL_coro_outer finds its way. At index 2 is the task's innermost region at
   that time: a yield with regions of the coroutine's own still open (a timeout
   around it) is refused, because they would stay open in the consumer.

   A body runs under the xpcall of the base library, so that to-be-closed
   variables may await when an error or a cancel leaves it. */
#include "lua/l_coro_drive.h"

#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"

/* How deep resumes may nest on the C stack. Lua's own count allows 200 calls
   from C, and one of these counts twice; so every NEST_RESET of them the count
   starts anew. */
#define NEST_MAX   190
#define NEST_RESET 16

static ebbL_coros *coros(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(3));
}

/* --- what state is it in? --- */

/* Has it yielded because its task waits (or was made to give way)? Then it is
   not there to be resumed by hand. */
static bool is_waiting(ebbL_state *S, lua_State *co)
{
  lua_Debug ar;
  if (!lua_checkstack(co, 2) || !lua_getstack(co, 0, &ar))
    return false;
  lua_getinfo(co, "f", &ar);
  lua_CFunction fn = lua_tocfunction(co, -1);
  bool waiting = true;
  if (fn == ebbL_coro_yield) {
    waiting = false;
  } else if (fn != NULL) { /* a C function of ebb, but no other */
    waiting = lua_getupvalue(co, -1, 1) != NULL;
    if (waiting) {
      waiting = lua_touserdata(co, -1) == (void *)S;
      lua_pop(co, 1);
    }
  }
  lua_pop(co, 1);
  return waiting;
}

int ebbL_coro_state(lua_State *L, ebbL_state *S, lua_State *co)
{
  lua_Debug ar;
  if (co == L)
    return EBBL_CO_RUNNING;
  switch (lua_status(co)) {
  case LUA_YIELD:
    return is_waiting(S, co) ? EBBL_CO_NORMAL : EBBL_CO_SUSPENDED;
  case LUA_OK:
    if (lua_getstack(co, 0, &ar))
      return EBBL_CO_NORMAL;
    return lua_gettop(co) == 0 ? EBBL_CO_DEAD : EBBL_CO_SUSPENDED;
  default:
    return EBBL_CO_DEAD;
  }
}

/* --- resuming --- */

/* The task goes on in `L`, and the hook that watches it along with it. */
static void enter(ebbL_task *task, lua_State *L)
{
  task->L = L;
  if (EBB_UNLIKELY(task->forced || task->unusual))
    ebbL_preempt_follow(task);
}

static int drive(lua_State *L, ebbL_task *task, int n_args, int mode);

/* Does the task that waits further in go on? Anybody may have resumed L, who
   got hold of it by coroutine.running: that is no wake-up. */
static bool is_resumed(lua_State *L, const ebbL_task *task)
{
  return task != NULL && task->core.state == EBB_TASK_RUNNING &&
         (task->co == L || coros(L)->resuming == L);
}

static int drive_k(lua_State *L, int status, lua_KContext mode)
{
  (void)status;
  ebbL_task *task = ebbL_S(L)->current;
  if (EBB_UNLIKELY(!is_resumed(L, task)))
    return lua_yieldk(L, 0, mode, drive_k);
  /* the values of the await are on the innermost coroutine */
  int n_args = lua_tothread(L, 1) == task->L ? task->n_args : 0;
  return drive(L, task, n_args, (int)mode);
}

/* The coroutine has yielded with regions of its own open, or while it is
   killed: makes its yield throw. Returns how many values it is resumed with. */
static int throw_at_yield(lua_State *co, int n_values, const char *key)
{
  lua_Debug ar;
  lua_pop(co, n_values);
  lua_checkstack(co, 2);
  lua_CFunction fn = NULL;
  if (lua_getstack(co, 0, &ar)) {
    lua_getinfo(co, "f", &ar);
    fn = lua_tocfunction(co, -1);
    lua_pop(co, 1);
  }
  if (fn == ebbL_coro_yield) {
    lua_pushlightuserdata(co, (void *)key);
    return 1;
  }
  lua_sethook(co, ebbL_coro_refuse_hook, LUA_MASKCOUNT, 1);
  return 0;
}

static int finish_resume(lua_State *L, lua_State *co, int status, int n_values)
{
  bool ok = status == LUA_OK || status == LUA_YIELD;
  if (ok && !lua_checkstack(L, n_values + 1)) {
    lua_pop(co, n_values);
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "too many results to resume");
    return 2;
  }
  if (!ok)
    n_values = 1;
  lua_pushboolean(L, ok);
  lua_xmove(co, L, n_values);
  return n_values + 1;
}

static int finish_wrap(lua_State *L, lua_State *co, int status, int n_values)
{
  if (EBB_LIKELY(status == LUA_OK || status == LUA_YIELD)) {
    if (!lua_checkstack(L, n_values + 1)) {
      lua_pop(co, n_values);
      return luaL_error(L, "too many results to resume");
    }
    lua_xmove(co, L, n_values);
    return n_values;
  }
  if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD)
    ebbL_closethread(co, L);
  lua_xmove(co, L, 1);
  return lua_error(L);
}

/* Closes a coroutine that runs no more. */
static int finish_close(lua_State *L, lua_State *co)
{
  if (ebbL_closethread(co, L) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

/* A killed one has thrown nil, unless one of its cleanups failed. */
static int finish_kill(lua_State *L, lua_State *co, int status)
{
  if (status != LUA_OK && lua_isnil(co, -1)) {
    ebbL_closethread(co, L);
    lua_settop(co, 0);
    lua_pushboolean(L, 1);
    return 1;
  }
  if (status == LUA_OK)
    lua_settop(co, 0);
  return finish_close(L, co);
}

/* [coroutine, region]: resumes it with the n_args values on its stack until it
   yields a value or ends. `task` is NULL where awaits cannot pass. */
static int drive(lua_State *L, ebbL_task *task, int n_args, int mode)
{
  lua_State *co = lua_tothread(L, 1);
  ebbL_coros *C = coros(L);
  int status, n_values = 0;
  for (;;) {
    lua_State *from = C->depth % NEST_RESET == NEST_RESET - 1 ? NULL : L;
    C->depth++;
    C->resuming = co;
    status = lua_resume(co, from, n_args, &n_values);
    C->resuming = NULL;
    C->depth--;
    if (task == NULL)
      break;
    if (status == LUA_YIELD && task->core.state != EBB_TASK_RUNNING)
      return lua_yieldk(L, 0, (lua_KContext)mode, drive_k);
    enter(task, L);
    if (EBB_LIKELY(status != LUA_YIELD))
      break;
    const char *key = mode == EBBL_CO_CLOSE ? &ebbL_coro_kill : NULL;
    if (EBB_UNLIKELY(task->core.region != lua_touserdata(L, 2)))
      key = &ebbL_coro_refuse;
    if (EBB_LIKELY(key == NULL))
      break;
    n_args = throw_at_yield(co, n_values, key);
    enter(task, co);
  }
  switch (mode) {
  case EBBL_CO_RESUME:
    return finish_resume(L, co, status, n_values);
  case EBBL_CO_WRAP:
    return finish_wrap(L, co, status, n_values);
  default:
    return finish_kill(L, co, status);
  }
}

/* The task whose awaits pass through what L resumes now, or NULL. */
static ebbL_task *bridge(lua_State *L, ebbL_state *S)
{
  ebbL_task *task = S->current;
  return task != NULL && task->L == L && lua_isyieldable(L) ? task : NULL;
}

/* [coroutine, arguments…] Why it cannot be resumed, or NULL when the arguments
   (with what starts it) have been moved and L is as drive wants it. */
static const char *begin(lua_State *L, ebbL_state *S, ebbL_task *task,
                         lua_State *co, int *n_args)
{
  int n = lua_gettop(L) - 1;
  int state = ebbL_coro_state(L, S, co);
  if (state == EBBL_CO_DEAD)
    return "cannot resume dead coroutine";
  if (state != EBBL_CO_SUSPENDED)
    return "cannot resume non-suspended coroutine";
  if (EBB_UNLIKELY(coros(L)->depth >= NEST_MAX))
    return "C stack overflow";
  if (!lua_checkstack(co, n + 5))
    return "too many arguments to resume";
  if (lua_status(co) == LUA_OK) {
    /* the function is at 1; stray values may follow */
    lua_pushcfunction(co, ebbL_coro_msgh);
    lua_insert(co, 2);
    lua_pushcfunction(co, ebbL_coro_body);
    lua_pushcfunction(co, S->lua_xpcall_fn);
    lua_rotate(co, 1, 2);
  }
  lua_xmove(L, co, n);
  *n_args = lua_status(co) == LUA_OK ? lua_gettop(co) - 1 : n;
  lua_pushlightuserdata(L, task != NULL ? task->core.region : NULL);
  if (task != NULL)
    enter(task, co);
  return NULL;
}

int ebbL_coro_drive(lua_State *L, int mode)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = bridge(L, S);
  int n_args;
  luaL_checkstack(L, 4, NULL);
  const char *why = begin(L, S, task, lua_tothread(L, 1), &n_args);
  if (EBB_LIKELY(why == NULL))
    return drive(L, task, n_args, mode);
  if (mode == EBBL_CO_WRAP)
    return ebbL_throw(L, "%s", why);
  lua_pushboolean(L, 0);
  lua_pushstring(L, why);
  return 2;
}

/* --- closing --- */

/* May it be unwound from within, by an error thrown at its yield? Then its
   cleanups can await. A pcall of its own would catch that error. */
static bool can_unwind(ebbL_state *S, lua_State *co)
{
#if LUA_VERSION_NUM > 504 /* error(nil) is replaced there */
  (void)S, (void)co;
  return false;
#else
  lua_Debug ar;
  lua_CFunction fn = NULL;
  int n_pcalls = 0;
  if (lua_status(co) != LUA_YIELD || !lua_checkstack(co, 2))
    return false;
  for (int level = 0; lua_getstack(co, level, &ar); level++) {
    lua_getinfo(co, "f", &ar);
    fn = lua_tocfunction(co, -1);
    lua_pop(co, 1);
    if (level == 0 && fn != ebbL_coro_yield)
      return false;
    n_pcalls += fn != NULL && (fn == S->lua_pcall_fn || fn == S->lua_xpcall_fn);
  }
  return fn == ebbL_coro_body && n_pcalls == 1;
#endif
}

int ebbL_coro_unwind(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_State *co = lua_tothread(L, 1);
  ebbL_task *task = bridge(L, S);
  if (task == NULL || coros(L)->depth >= NEST_MAX || !can_unwind(S, co))
    return finish_close(L, co);
  lua_pushlightuserdata(L, task->core.region);
  lua_pushlightuserdata(co, (void *)&ebbL_coro_kill);
  enter(task, co);
  return drive(L, task, 1, EBBL_CO_CLOSE);
}

/* --- who resumed whom --- */

/* The coroutine that `at` resumes at the moment, or NULL. */
static lua_State *resumed_by(lua_State *at)
{
  lua_Debug ar;
  if (!lua_checkstack(at, 2) || !lua_getstack(at, 0, &ar) ||
      lua_getlocal(at, &ar, 1) == NULL)
    return NULL;
  lua_State *inner = lua_tothread(at, -1);
  lua_pop(at, 1);
  return inner;
}

lua_State *ebbL_coro_outer(ebbL_task *task, lua_State *inner)
{
  lua_State *at = task->co;
  while (at != NULL && at != inner) {
    lua_State *next = resumed_by(at);
    if (next == inner)
      return at;
    at = next;
  }
  return NULL;
}
