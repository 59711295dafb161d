/* SPDX-License-Identifier: MIT */
/* The runtime object: options, who is current, metrics, the end. */
#include "lua/l_rt.h"

#include "lua/api.h"
#include "lua/l_loop.h"
#include "lua/l_luv.h"
#include "lua/l_preempt.h"
#include "lua/l_region.h"
#include "lua/l_report.h"
#include "lua/l_rt_options.h"
#include "lua/l_shake.h"
#include "lua/l_threads.h"
#include "uv/error.h"

#include <errno.h>

static const char objects_key; /* weak: runtime userdata by address */
static const char default_key, used_key;

/* --- finding it --- */

void ebbL_pushrt(lua_State *L, ebbL_rt *rt)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  lua_rawgetp(L, -1, rt);
  lua_remove(L, -2);
}

void ebbL_rt_pushhandler(lua_State *L, ebbL_rt *rt)
{
  if (rt == NULL) {
    lua_pushnil(L);
    return;
  }
  ebbL_pushrt(L, rt);
  if (lua_isnil(L, -1))
    return;
  lua_getiuservalue(L, -1, 1);
  lua_remove(L, -2);
}

void ebbL_rt_anchor(lua_State *L, ebbL_rt *rt, int slots)
{
  if (rt->core.n_alive > 0)
    ebbL_pushrt(L, rt);
  else
    lua_pushboolean(L, 0);
  lua_rawseti(L, slots, rt->slot);
}

int ebbL_rt_try_driver(lua_State *L, ebbL_rt *rt)
{
  int error = 0;
  rt->driver = ebb_driver_open(&rt->head.state->alloc, NULL, &error);
  if (rt->driver == NULL) { /* memory or descriptors that garbage holds? */
    ebbL_collect(L);
    if (rt->driver == NULL) /* a finaliser may have needed it */
      rt->driver = ebb_driver_open(&rt->head.state->alloc, NULL, &error);
  }
  if (rt->driver != NULL)
    return 0;
  return error;
}

void ebbL_rt_check_process(lua_State *L, const ebbL_rt *rt)
{
  if (EBB_UNLIKELY(rt->driver != NULL && ebb_driver_is_inherited(rt->driver)))
    ebbL_error(L, "EBB056",
               "this runtime belongs to the process that forked this one; use "
               "one that is opened here: ebb.use(ebb.runtime())");
}

static void throw_no_loop(lua_State *L, int error)
{
  ebb_uv_error words;
  ebb_uv_error_of(error, &words);
  ebbL_error(L, "EBB057", "cannot open an event loop (%s: %s)", words.name,
             words.words);
}

ebb_driver *ebbL_rt_driver(lua_State *L, ebbL_rt *rt)
{
  if (EBB_LIKELY(rt->driver != NULL)) {
    ebbL_rt_check_process(L, rt);
    return rt->driver;
  }
  int error = ebbL_rt_try_driver(L, rt);
  if (error == -ENOMEM)
    ebbL_nomem(L);
  if (error != 0)
    throw_no_loop(L, error);
  return rt->driver;
}

static ebbL_rt *new_rt(lua_State *L, ebbL_state *S, bool is_virtual)
{
  if (S->closing)
    ebbL_error(L, "EBB052", "the state is closing");
  ebbL_rt *rt = ebbL_newlinked(L, S, &ebbL_rt_type, sizeof *rt, 5, 0);
  /* once this has succeeded nothing fails but keeping its address, which gives
     the slot back when it is collected */
  rt->slot = ebbL_slots_take(L, S, 0);
  rt->is_virtual = is_virtual;
  ebb_list_init(&rt->unobserved);
  ebb_list_init(&rt->dying);
  ebb_list_init(&rt->promises);
  ebb_rt_init(&rt->core, &ebbL_host, &S->alloc,
              is_virtual ? NULL : ebb_driver_clock, NULL);
  rt->last_step_ns = rt->core.now_ns;
  ebb_list_push_back(&S->runtimes, &rt->link);
  rt->is_open = true;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, rt);
  lua_pop(L, 1);
  return rt;
}

ebbL_rt *ebbL_current_rt(lua_State *L, ebbL_state *S)
{
  if (S->current != NULL)
    return ebbL_rt_of(S->current->core.rt);
  if (S->driving != NULL)
    return S->driving;
  if (S->used_rt != NULL)
    return S->used_rt;
  if (S->default_rt == NULL) {
    luaL_checkstack(L, 8, NULL);
    ebbL_rt *rt = new_rt(L, S, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
    rt->is_default = true;
    S->default_rt = rt;
  }
  return S->default_rt;
}

void ebbL_rt_accepts(lua_State *L, ebbL_rt *rt)
{
  if (EBB_UNLIKELY(rt->closed || rt->shutting_down))
    ebbL_error(L, "EBB052", "cannot spawn: the runtime is shut down");
}

static int l_runtime(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  if (!lua_istable(L, 1))
    ebbL_typeerror(L, 1, "table of options");
  lua_settop(L, 1);
  ebbL_rt *rt = new_rt(L, S, ebbL_options_check(L));
  ebbL_options_apply(L, rt);
  if (rt->gc_frames) { /* last: an option that is wrong leaves no trace */
    rt->gc_is_mine = true;
    ebbL_gc_open(L, S);
  }
  return 1;
}

/* --- use, spawn, advance, metrics --- */

static ebbL_rt *check_open(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  if (rt->closed || rt->shutting_down)
    ebbL_error(L, "EBB052", "this runtime is shut down");
  return rt;
}

/* ebb.current_runtime(): whose metrics() are of interest. */
static int l_current_runtime(lua_State *L)
{
  ebbL_pushrt(L, ebbL_current_rt(L, ebbL_S(L)));
  return 1;
}

/* _seed(rt, n): for specs, which shuffle runtimes that they did not make. */
static int l_seed(lua_State *L)
{
  ebbL_rt *rt = check_open(L);
  ebb_rt_seed(&rt->core, (uint64_t)luaL_checkinteger(L, 2));
  return 0;
}

static int l_use(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  if (lua_isnoneornil(L, 1)) {
    S->used_rt = NULL;
    lua_pushnil(L);
  } else {
    S->used_rt = check_open(L);
    lua_pushvalue(L, 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &used_key);
  return 0;
}

static int l_rt_spawn(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_checkcallable(L, 2);
  ebbL_rt_accepts(L, rt);
  ebbL_spawn(L, rt->head.state, rt, lua_gettop(L) - 2, true, NULL);
  return 1;
}

static int l_rt_advance(lua_State *L)
{
  ebbL_rt *rt = check_open(L);
  double seconds = ebbL_checkseconds(L, 2);
  if (!rt->is_virtual)
    ebbL_argerror(L, 1, "runtime with a virtual clock expected");
  uint64_t to_ns = ebb_due_in(rt->core.now_ns, seconds);
  if (to_ns == EBB_NEVER)
    ebbL_argerror(L, 2, "finite number of seconds expected");
  ebb_rt_advance(&rt->core, to_ns);
  return 0;
}

static void metric(lua_State *L, const char *key, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, key);
}

static int l_rt_metrics(lua_State *L)
{
  ebbL_rt *rt = check_open(L);
  const ebb_rt *core = &rt->core;
  ebb_crew_count count;
  ebbL_threads_counts(rt->head.state, &count);
  lua_createtable(L, 0, 18);
  metric(L, "alive", core->n_alive);
  metric(L, "spawned", core->count.spawned);
  metric(L, "done", core->count.done);
  metric(L, "failed", core->count.failed);
  metric(L, "cancelled", core->count.cancelled);
  metric(L, "ready", core->n_ready);
  metric(L, "polls", core->count.polls);
  metric(L, "wakeups", core->count.wakeups);
  metric(L, "timers", core->timers.n_armed);
  metric(L, "iterations", core->count.turns);
  metric(L, "blocking_threads", count.n_threads);
  metric(L, "blocking_queued", count.n_queued);
  metric(L, "handles", rt->driver != NULL ? ebb_driver_handles(rt->driver) : 0);
  metric(L, "alloc_bytes",
         rt->head.state->alloc.live_bytes + rt->head.state->charged.live_bytes);
  lua_pushnumber(L, (double)core->count.busy_ns / 1e9);
  lua_setfield(L, -2, "busy");
  lua_pushnumber(L, (double)core->count.slowest_ns / 1e9);
  lua_setfield(L, -2, "slowest");
  return 1;
}

static int rt_tostring(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  const char *name = rt->name[0] != 0 ? rt->name
                     : rt->is_default ? "default"
                                      : "unnamed";
  if (rt->closed)
    lua_pushfstring(L, "ebb.runtime: \"%s\" closed", name);
  else
    lua_pushfstring(L, "ebb.runtime: \"%s\" %s clock, %I task(s)", name,
                    rt->is_virtual ? "virtual" : "system",
                    (LUAI_UACINT)rt->core.n_alive);
  return 1;
}

static int run_here_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status, (void)ctx;
  return lua_gettop(L);
}

static int l_run(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_checkcallable(L, 1);
  /* The `ebb` command runs a script as its main task: one that was written for
     plain Lua, with ebb.run at its end, runs there as well. */
  if (S->current != NULL && S->current->is_main &&
      ebbL_rt_of(S->current->core.rt)->handle_sigint) {
    ebbL_self(L, S);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, run_here_k);
    return run_here_k(L, LUA_OK, 0);
  }
  if (S->current != NULL)
    ebbL_error(L, "EBB052",
               "cannot run a runtime from inside a task; spawn a task or await "
               "instead");
  ebbL_rt *used = S->used_rt;
  S->used_rt = NULL;
  if (S->driving == NULL)
    ebbL_current_rt(L, S);
  S->used_rt = used;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key);
  lua_insert(L, 1);
  return ebbL_rt_run(L);
}

/* --- the end --- */

void ebbL_rt_fini(lua_State *L, ebbL_rt *rt)
{
  ebbL_state *S = rt->head.state;
  if (rt->closed)
    return;
  rt->closed = rt->shutting_down = true;
  ebb_list_unlink(&rt->link);
  if (rt->gc_is_mine)
    ebbL_gc_close(L, S);
  if (EBB_UNLIKELY(rt->with_luv))
    ebbL_luv_detach(L, rt);
  ebbL_promises_abandon(rt);
  if (EBB_UNLIKELY(rt->core.shake != NULL))
    ebbL_shake_drop(L, rt);
  if (rt->driver != NULL) {
    ebb_driver_close(rt->driver);
    rt->driver = NULL;
  }
  ebb_rt_fini(&rt->core);
  ebbL_account_release(rt->account);
  rt->account = NULL;
  lua_checkstack(L, 6);
  ebbL_pushslots(L, S);
  ebbL_slots_give(L, S, lua_gettop(L), rt->slot, 0);
  lua_pop(L, 1);
  if (rt->host != NULL)
    ebbL_host_closed(rt->host);
  if (S->used_rt == rt)
    S->used_rt = NULL;
  if (S->default_rt == rt) { /* the next use makes a new one */
    S->default_rt = NULL;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
  }
}

static void close_quietly(lua_State *L, ebbL_rt *rt)
{
  ebbL_state *S = rt->head.state;
  uint64_t n_fresh = 0;
  if (rt->closed)
    return;
  ebb_list_foreach(node, &rt->core.tasks) {
    ebbL_task *task = ebbL_task_of(ebb_container_of(node, ebb_task, all));
    n_fresh += !task->has_run && !task->is_internal;
  }
  if (n_fresh > 0)
    ebbL_warn(S,
              "EBB053: the state was closed with %llu task(s) that never ran; "
              "did you forget ebb.run?",
              (unsigned long long)n_fresh);
  lua_State *from = S->from;
  S->from = L;
  ebbL_rt_kill_all(L, rt);
  S->from = from;
  ebbL_report_due(L, rt, true);
  ebbL_rt_fini(L, rt);
}

static int rt_gc(lua_State *L)
{
  ebbL_rt *rt = ebbL_test(L, 1, &ebbL_rt_type);
  if (rt == NULL)
    return 0;
  if (rt->is_open && !rt->closed)
    close_quietly(L, rt);
  return ebbL_let_go(L);
}

void ebbL_rt_close_all(lua_State *L, ebbL_state *S)
{
  while (!ebb_list_is_empty(&S->runtimes))
    close_quietly(L, ebb_container_of(S->runtimes.next, ebbL_rt, link));
}

void ebbL_open_rt(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"runtime", l_runtime},
                                   {"run", l_run},
                                   {"use", l_use},
                                   {"_seed", l_seed},
                                   {"current_runtime", l_current_runtime},
                                   {NULL, NULL}};
  static const luaL_Reg methods[] = {{"run", ebbL_rt_run},
                                     {"spawn", l_rt_spawn},
                                     {"block_on", ebbL_rt_block_on},
                                     {"step", ebbL_rt_step},
                                     {"advance", l_rt_advance},
                                     {"shutdown", ebbL_rt_shutdown},
                                     {"close", ebbL_rt_close},
                                     {"metrics", l_rt_metrics},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__close", ebbL_rt_close},
                                  {"__gc", rt_gc},
                                  {"__tostring", rt_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &ebbL_rt_type, methods, meta);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &objects_key);
}
