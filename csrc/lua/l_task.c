/* SPDX-License-Identifier: MIT */
/* Spawning tasks, and where code may await. Running them is in l_resume.c. */
#include "lua/l_task.h"

#include "lua/l_fence.h"
#include "lua/l_frame.h"
#include "lua/l_local.h"
#include "lua/l_lock.h"
#include "lua/l_luv.h"
#include "lua/l_op.h"
#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt.h"
#include "lua/l_scope.h"

#include <string.h>

#define EAGER_ROOM 8 /* what a task body needs above its arguments */
#define LAZY_MAX   8 /* function and arguments that fit a slots block */

/* --- spawning --- */

static int size_class(int n)
{
  return n <= 1 ? 0 : n <= 2 ? 1 : n <= 4 ? 2 : 3;
}

/* [raises] The task and its slots. Collecting for one of them may run
   finalisers that spawn, so all are there only when nothing had to be asked
   for. */
static void reserve(lua_State *L, ebbL_state *S, int size)
{
  do {
    if (!ebb_slab_reserve(&S->tasks, 1)) {
      ebbL_collect(L);
      if (!ebb_slab_reserve(&S->tasks, 1))
        ebbL_nomem(L);
    }
    ebbL_slots_reserve(L, S, 0, EBBL_SPAWN_SLOTS);
    ebbL_slots_reserve(L, S, size, 1);
  } while (S->tasks.n_live == S->tasks.n_total ||
           S->blocks[0].n_free < EBBL_SPAWN_SLOTS);
}

ebbL_task *ebbL_spawn(lua_State *L, ebbL_state *S, ebbL_rt *rt, int n_args,
                      bool with_handle, ebbL_scope *scope)
{
  int n = n_args + 1, slots = EBBL_SLOTS;
  int first = lua_gettop(L) - n_args;
  lua_Debug ar;
  ebbL_handle *handle = NULL;
  /* all that can raise comes first */
  bool eager = S->n_idle > 0 || n > LAZY_MAX;
  int size = size_class(n);
  luaL_checkstack(L, n + 8, "too many arguments");
  if (with_handle)
    handle = ebbL_new(L, S, &ebbL_task_type, sizeof *handle, 1);
  reserve(L, S, eager ? 0 : size);
  ar.currentline = -1;
  if (lua_getstack(L, 1, &ar))
    lua_getinfo(L, "fl", &ar);
  else
    lua_pushboolean(L, 0);
  ebbL_task *task = ebb_slab_get(&S->tasks);
  task->S = S;
  task->co = task->L = NULL;
  task->is_spoiled = task->is_known = false;
  if (eager) {
    bool bound = ebbL_bind_thread(L, task);
    if (!bound || !lua_checkstack(task->co, n + EAGER_ROOM)) {
      if (bound) {
        lua_settop(task->co, EBBL_FENCE);
        ebbL_recycle_thread(L, task, slots, false);
      }
      ebb_slab_put(&S->tasks, task);
      if (!bound)
        ebbL_nomem(L);
      ebbL_throw(L, "too many arguments (%d)", n_args);
    }
  }
  /* from here on nothing fails */
  task->handle = handle;
  task->scope = scope;
  task->slot = ebbL_slots_pop(S, 0);
  task->args = 0;
  task->outcome = EBBL_ALIVE;
  task->foreign_yield = task->has_trace = false;
  task->has_guard = task->is_internal = task->is_main = false;
  task->has_run = task->closing_guard = false;
  task->forced = task->preempted = false;
  task->unusual = rt->counts;
  task->over = 0;
  task->n_told = 0;
  task->allocated = 0;
  task->account = NULL;
  if (EBB_UNLIKELY(S->current != NULL && S->current->account != NULL))
    ebbL_account_join(task, S->current->account);
  else if (EBB_UNLIKELY(rt->account != NULL))
    ebbL_account_join(task, rt->account);
  task->spawn_line = ar.currentline;
  task->guard = task->locals = 0;
  task->frame_gen = ebbL_frame_gen(S);
  task->await_site = NULL;
  ebb_list_init(&task->locks);
  uint32_t locals = ebbL_locals_giver(S)->locals;
  if (EBB_UNLIKELY(locals != 0)) {
    task->locals = ebbL_slots_pop(S, 0);
    lua_rawgeti(L, slots, locals);
    lua_rawseti(L, slots, task->locals);
  }
  task->frame_seen_s = rt->core.frame_time_s;
  if (handle != NULL)
    lua_setiuservalue(L, -2, 1);
  else
    lua_rawseti(L, slots, task->slot);
  if (eager) {
    for (int i = 0; i < n; i++)
      lua_pushvalue(L, first + i);
    lua_xmove(L, task->co, n);
    task->n_args = n + 1;
  } else {
    task->args = ebbL_slots_pop(S, size);
    task->args_size = (uint8_t)size;
    for (int i = 0; i < n; i++) {
      lua_pushvalue(L, first + i);
      lua_rawseti(L, slots, (lua_Integer)task->args + i);
    }
    task->n_args = n;
  }
  if (EBB_UNLIKELY(rt->core.n_alive == 0)) {
    ebb_rt_spawn(&rt->core, &task->core);
    ebbL_rt_anchor(L, rt, slots);
  } else {
    ebb_rt_spawn(&rt->core, &task->core);
  }
  if (handle != NULL) {
    handle->task = task;
    handle->id = task->core.id;
    lua_pushvalue(L, -1);
    lua_rawseti(L, slots, task->slot);
    lua_replace(L, first); /* the arguments are gone, the handle stays */
  }
  lua_settop(L, handle != NULL ? first : first - 1);
  if (scope != NULL)
    ebbL_scope_adopt(scope, task);
  if (EBB_UNLIKELY(rt->with_luv) && !rt->running)
    ebbL_luv_kick(L, rt);
  return task;
}

static int spawn_checked(lua_State *L, bool with_handle)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_checkcallable(L, 1);
  ebbL_rt *rt = S->current != NULL ? ebbL_rt_of(S->current->core.rt)
                                   : ebbL_current_rt(L, S);
  ebbL_rt_accepts(L, rt);
  ebbL_spawn(L, S, rt, lua_gettop(L) - 1, with_handle, NULL);
  return with_handle;
}

static int l_spawn(lua_State *L)
{
  return spawn_checked(L, true);
}

static int l_go(lua_State *L)
{
  return spawn_checked(L, false);
}

/* --- where may L await? --- */

/* The C function that stands between L and its task, for the message: the
   first one outwards that is not ebb's own and no pcall. */
static void push_boundary(lua_State *L, ebbL_state *S)
{
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sf", &ar);
    lua_CFunction fn = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (fn == NULL || fn == S->lua_pcall_fn || fn == S->lua_xpcall_fn)
      continue;
    const char *name = ebbL_fullname(L, &ar);
    if (strcmp(name, "?") != 0) {
      const char *part = strcmp(name, "table.sort") == 0    ? "'s comparator"
                         : strcmp(name, "string.gsub") == 0 ? "'s callback"
                                                            : "";
      lua_pushfstring(L, "inside %s%s (a C function)", name, part);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pushliteral(L, "inside a C function");
}

void ebbL_drop_strange(lua_State *L, const ebbL_state *S)
{
  ebb_list_foreach(link, &S->runtimes) {
    ebbL_rt *rt = ebb_container_of(link, ebbL_rt, link);
    ebb_list_foreach(node, &rt->core.tasks) {
      ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
      if (task->L == L && task->has_run)
        lua_settop(L, task->waits_top);
    }
  }
}

ebbL_task *ebbL_awaiting(lua_State *L, ebbL_state *S)
{
  ebbL_task *task = S->current;
  if (task == NULL) {
    if (S->driving != NULL)
      ebbL_error(L, "EBB052",
                 "cannot await inside a callback of the runtime; spawn a task "
                 "there");
    return NULL;
  }
  if (task->L != L) {
    ebbL_error(L, "EBB051",
               "cannot await inside a plain coroutine of a task; make it with "
               "ebb.coroutine.wrap or ebb.coroutine.create");
  } else {
    push_boundary(L, S);
    ebbL_error(L, "EBB051",
               "cannot await %s; do it before or after that call, or use "
               "ebb.coroutine or ebb.require",
               lua_tostring(L, -1));
  }
  return NULL;
}

/* --- guard of a task --- */

void ebbL_task_set_guard(lua_State *L, int idx)
{
  ebbL_state *S = ebbL_state_find(L);
  ebbL_task *task = S->current;
  idx = lua_absindex(L, idx);
  if (!task->has_guard)
    task->guard = ebbL_slots_take(L, S, 0);
  ebbL_pushslots(L, S);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, task->guard);
  lua_pop(L, 1);
  task->has_guard = true;
}

bool ebbL_task_get_guard(lua_State *L)
{
  ebbL_state *S = ebbL_state_find(L);
  if (S->current == NULL || !S->current->has_guard)
    return false;
  ebbL_pushslots(L, S);
  lua_rawgeti(L, -1, S->current->guard);
  lua_remove(L, -2);
  return true;
}

/* --- yield --- */

static int yield_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  EBBL_OWN_RESUME(L, ((ebbL_task *)ctx)->S, yield_k, ctx);
  ebbL_check_woken(L, (ebbL_task *)ctx);
  return 0;
}

static int l_yield(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_yield);
  ebbL_check_waiting(L, task);
  return ebbL_let_others(L, task, yield_k, (lua_KContext)task);
}

/* ebb.exclusive(fn, ...): neither preempted nor suspended, for Lua itself
   cannot yield across this call. */
static int l_exclusive(lua_State *L)
{
  ebbL_checkcallable(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int l_current(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (S->current == NULL || S->current->is_internal)
    lua_pushnil(L);
  else
    ebbL_pushhandle(L, S->current);
  return 1;
}

void ebbL_open_task(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"spawn", l_spawn},         {"go", l_go},           {"yield", l_yield},
      {"exclusive", l_exclusive}, {"current", l_current}, {NULL, NULL}};
  if (S->nobody == NULL) { /* not the second require of a state */
    ebb_slab_init(&S->tasks, &S->alloc, sizeof(ebbL_task));
    /* also in the finalisers after ours: a userdata, which lives until then */
    ebbL_task *nobody = lua_newuserdatauv(L, sizeof *nobody, 0);
    memset(nobody, 0, sizeof *nobody);
    nobody->S = S;
    ebb_list_init(&nobody->locks);
    lua_rawsetp(L, LUA_REGISTRYINDEX, nobody);
    S->nobody = nobody;
  }
  ebbL_setfuncs(L, S, funcs);
  ebbL_open_handle(L, S);
}
