/* SPDX-License-Identifier: MIT */
/* ebb.coroutine: the library coroutine, with one difference. An await in such a
   coroutine parks the task and yields; whoever resumed the coroutine sees that
   the task no longer runs, yields outwards too, and resumes it again when the
   task goes on. So the consumer sees only what coroutine.yield gives it.

   task->L is the innermost coroutine while the task waits or runs in it. The
   call that resumed a coroutine has it at index 1 of its stack: that is how
   ebbL_coro_outer finds its way. At index 2 is the task's innermost region at
   that time: a yield with regions of the coroutine's own still open (a timeout
   around it) is refused, because they would stay open in the consumer.

   A body runs under the xpcall of the base library, so that to-be-closed
   variables may await when an error or a cancel leaves it. */
#include "lua/l_coro.h"

#include "lua/l_region.h"
#include "lua/l_report.h"

#include <string.h>

/* How deep resumes may nest on the C stack. Lua's own count allows 200 calls
   from C, and one of these counts twice; so every NEST_RESET of them the count
   starts anew. */
#define NEST_MAX 190
#define NEST_RESET 16

/* Upvalue 3 of resume and wrap. */
typedef struct ebbL_coros {
  ebbL_header head;
  int depth; /* resumes on the C stack now */
} ebbL_coros;

static const ebbL_type coros_type = {"ebb.coroutines", NULL};

static ebbL_coros *coros(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(3));
}

/* What a coroutine that waits in coroutine.yield is resumed with to throw. */
static const char refuse_key, kill_key;

enum { MODE_RESUME, MODE_WRAP, MODE_CLOSE };

/* --- inside the coroutine ------------------------------------------------------ */

/* A cancel that unwinds the body stays what it is when a cleanup fails on the
   way: that error is reported instead. The cancel is kept in the table of
   errors, by the coroutine's address. */
static int body_msgh(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  if (S == NULL || S->current == NULL || !lua_checkstack(L, 12))
    return 1;
  lua_settop(L, 1);
  ebbL_pusherrors(L);
  lua_rawgetp(L, 2, L);
  if (ebbL_is_cancel(L, 1)) {
    if (lua_isnil(L, 3)) {
      lua_pushvalue(L, 1);
      lua_rawsetp(L, 2, L);
    }
    lua_settop(L, 1);
  } else if (lua_isnil(L, 3)) {
    lua_settop(L, 1);
  } else {
    ebbL_pushhandle(L, S->current);
    luaL_traceback(L, L, NULL, 1);
    ebbL_report(L, S, ebbL_rt_of(S->current->core.rt), 4, 1, 5);
    lua_settop(L, 3);
  }
  return 1;
}

static int body_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  if (EBB_LIKELY(lua_toboolean(L, 1)))
    return lua_gettop(L) - 1;
  lua_settop(L, 2);
  if (ebbL_is_cancel(L, 2)) {
    ebbL_pusherrors(L);
    lua_pushnil(L);
    lua_rawsetp(L, -2, L);
    lua_settop(L, 2);
  }
  return lua_error(L);
}

/* (xpcall, function, body_msgh, arguments…): what a coroutine runs */
static int coro_body(lua_State *L)
{
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, body_k);
  return body_k(L, LUA_OK, 0);
}

static int refuse(lua_State *L)
{
  return ebbL_error(L, "EBB051",
                    "cannot yield out of a timeout, scope, shield or token "
                    "that was opened in this coroutine");
}

static int yield_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  if (EBB_UNLIKELY(lua_islightuserdata(L, 1))) {
    const void *key = lua_touserdata(L, 1);
    if (key == &refuse_key)
      return refuse(L);
    if (key == &kill_key) {
      lua_pushnil(L); /* as for close: no error */
      return lua_error(L);
    }
  }
  return lua_gettop(L);
}

static int l_coro_yield(lua_State *L)
{
  ebbL_task *task = ebbL_S(L)->current;
  if (EBB_UNLIKELY(task != NULL && task->co == L && task->L == L))
    return ebbL_error(L, "EBB054",
                      "a task called coroutine.yield outside of a coroutine of "
                      "its own; use ebb.yield() to give way");
  return lua_yieldk(L, lua_gettop(L), 0, yield_k);
}

static void refuse_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  refuse(L);
}

/* --- what state is it in? --------------------------------------------------------- */

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
  if (fn == l_coro_yield) {
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

enum { CO_SUSPENDED, CO_RUNNING, CO_NORMAL, CO_DEAD };

static int state_of(lua_State *L, ebbL_state *S, lua_State *co)
{
  lua_Debug ar;
  if (co == L)
    return CO_RUNNING;
  switch (lua_status(co)) {
  case LUA_YIELD:
    return is_waiting(S, co) ? CO_NORMAL : CO_SUSPENDED;
  case LUA_OK:
    if (lua_getstack(co, 0, &ar))
      return CO_NORMAL;
    return lua_gettop(co) == 0 ? CO_DEAD : CO_SUSPENDED;
  default:
    return CO_DEAD;
  }
}

/* --- resuming ----------------------------------------------------------------------- */

static int drive(lua_State *L, ebbL_task *task, int n_args, int mode);

static int drive_k(lua_State *L, int status, lua_KContext mode)
{
  (void)status;
  ebbL_task *task = ebbL_S(L)->current;
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
  if (fn == l_coro_yield) {
    lua_pushlightuserdata(co, (void *)key);
    return 1;
  }
  lua_sethook(co, refuse_hook, LUA_MASKCOUNT, 1);
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
    status = lua_resume(co, from, n_args, &n_values);
    C->depth--;
    if (task == NULL)
      break;
    if (status == LUA_YIELD && task->core.state != EBB_TASK_RUNNING)
      return lua_yieldk(L, 0, (lua_KContext)mode, drive_k);
    task->L = L;
    if (EBB_LIKELY(status != LUA_YIELD))
      break;
    const char *key = mode == MODE_CLOSE ? &kill_key : NULL;
    if (EBB_UNLIKELY(task->core.region != lua_touserdata(L, 2)))
      key = &refuse_key;
    if (EBB_LIKELY(key == NULL))
      break;
    n_args = throw_at_yield(co, n_values, key);
    task->L = co;
  }
  switch (mode) {
  case MODE_RESUME:
    return finish_resume(L, co, status, n_values);
  case MODE_WRAP:
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
  int state = state_of(L, S, co);
  if (state == CO_DEAD)
    return "cannot resume dead coroutine";
  if (state != CO_SUSPENDED)
    return "cannot resume non-suspended coroutine";
  if (EBB_UNLIKELY(coros(L)->depth >= NEST_MAX))
    return "C stack overflow";
  if (!lua_checkstack(co, n + 5))
    return "too many arguments to resume";
  if (lua_status(co) == LUA_OK) {
    /* the function is at 1; stray values may follow */
    lua_pushcfunction(co, body_msgh);
    lua_insert(co, 2);
    lua_pushcfunction(co, coro_body);
    lua_pushcfunction(co, S->lua_xpcall_fn);
    lua_rotate(co, 1, 2);
  }
  lua_xmove(L, co, n);
  *n_args = lua_status(co) == LUA_OK ? lua_gettop(co) - 1 : n;
  lua_pushlightuserdata(L, task != NULL ? task->core.region : NULL);
  if (task != NULL)
    task->L = co;
  return NULL;
}

static lua_State *check_coroutine(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  if (co == NULL)
    ebbL_typeerror(L, 1, "coroutine");
  return co;
}

static int l_coro_resume(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_State *co = check_coroutine(L);
  ebbL_task *task = bridge(L, S);
  int n_args;
  luaL_checkstack(L, 4, NULL);
  const char *why = begin(L, S, task, co, &n_args);
  if (why == NULL)
    return drive(L, task, n_args, MODE_RESUME);
  lua_pushboolean(L, 0);
  lua_pushstring(L, why);
  return 2;
}

/* The function that wrap gives; upvalue 4 is the coroutine. */
static int l_coro_step(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = bridge(L, S);
  int n_args;
  luaL_checkstack(L, 4, NULL);
  lua_pushvalue(L, lua_upvalueindex(4));
  lua_insert(L, 1);
  const char *why = begin(L, S, task, lua_tothread(L, 1), &n_args);
  if (EBB_LIKELY(why == NULL))
    return drive(L, task, n_args, MODE_WRAP);
  return ebbL_throw(L, "%s", why);
}

/* --- close ---------------------------------------------------------------------------- */

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
    if (level == 0 && fn != l_coro_yield)
      return false;
    n_pcalls += fn != NULL && (fn == S->lua_pcall_fn || fn == S->lua_xpcall_fn);
  }
  return fn == coro_body && n_pcalls == 1;
#endif
}

static const char *const state_names[] = {"suspended", "running", "normal",
                                          "dead"};

static int l_coro_close(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_State *co = check_coroutine(L);
  int state = state_of(L, S, co);
  if (state != CO_DEAD && state != CO_SUSPENDED)
    return ebbL_throw(L, "cannot close a %s coroutine", state_names[state]);
  lua_settop(L, 1);
  ebbL_task *task = bridge(L, S);
  if (task == NULL || coros(L)->depth >= NEST_MAX || !can_unwind(S, co))
    return finish_close(L, co);
  lua_pushlightuserdata(L, task->core.region);
  lua_pushlightuserdata(co, (void *)&kill_key);
  task->L = co;
  return drive(L, task, 1, MODE_CLOSE);
}

/* --- the rest --------------------------------------------------------------------------- */

static int l_coro_create(lua_State *L)
{
  if (!lua_isfunction(L, 1))
    return ebbL_typeerror(L, 1, "function");
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int l_coro_wrap(lua_State *L)
{
  l_coro_create(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_pushvalue(L, -4);
  lua_pushcclosure(L, l_coro_step, 4);
  return 1;
}

static int l_coro_status(lua_State *L)
{
  lua_State *co = check_coroutine(L);
  lua_pushstring(L, state_names[state_of(L, ebbL_S(L), co)]);
  return 1;
}

static int l_coro_isyieldable(lua_State *L)
{
  lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, lua_isyieldable(co));
  return 1;
}

static int l_coro_running(lua_State *L)
{
  lua_pushboolean(L, lua_pushthread(L));
  return 2;
}

/* The functions take the place of those in the global table coroutine; upvalue
   4 is ebb's table. */
static int l_coro_install(lua_State *L)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "coroutine") != LUA_TTABLE)
    return ebbL_throw(L, "there is no library coroutine");
  int target = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(4))) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2); /* key, key, value */
    if (strcmp(lua_tostring(L, -2), "install") != 0)
      lua_rawset(L, target);
    else
      lua_pop(L, 2);
  }
  return 0;
}

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

static void set_functions(lua_State *L, ebbL_state *S, const luaL_Reg *funcs)
{
  for (; funcs->name != NULL; funcs++) {
    lua_pushlightuserdata(L, S);
    ebbL_pushslots(L, S);
    lua_pushvalue(L, -3); /* the ebbL_coros */
    lua_pushcclosure(L, funcs->func, 3);
    lua_setfield(L, -3, funcs->name);
  }
}

void ebbL_open_coro(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"create", l_coro_create}, {"wrap", l_coro_wrap},
      {"resume", l_coro_resume}, {"yield", l_coro_yield},
      {"status", l_coro_status}, {"isyieldable", l_coro_isyieldable},
      {"close", l_coro_close},   {"running", l_coro_running},
      {NULL, NULL},
  };
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  ebbL_newtype(L, S, &coros_type, no_methods, NULL);
  lua_pop(L, 1);
  lua_newtable(L);
  ebbL_new(L, S, &coros_type, sizeof(ebbL_coros), 0);
  set_functions(L, S, funcs);
  lua_pushlightuserdata(L, S);
  ebbL_pushslots(L, S);
  lua_pushvalue(L, -3);
  lua_pushvalue(L, -5);
  lua_pushcclosure(L, l_coro_install, 4);
  lua_setfield(L, -3, "install");
  lua_pop(L, 1);
  lua_setfield(L, -2, "coroutine");
  ebbL_open_require(L, S);
}
