/* SPDX-License-Identifier: MIT */
/* ebb.h: the module, and a runtime that a C host steps. */
#include "lua/api.h"

#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "ebb.h"
#include "lua/l_drive.h"
#include "lua/l_loop.h"
#include "lua/l_report.h"

EBB_EXPORT int luaopen_ebb_core(lua_State *L);

#ifndef EBB_LUA_DIR
  #define EBB_LUA_DIR "/usr/local/share/lua/5.4"
#endif

/* Registry key: the address. */
static const char call_key;

/* --- calls into Lua --- */

typedef struct protected_call {
  int (*fn)(lua_State *L, void *ud);
  void *ud;
} protected_call;

/* [args…, call] */
static int call_here(lua_State *L)
{
  protected_call *call = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return call->fn(L, call->ud);
}

int ebbL_host_call(lua_State *L, ebbL_state *S, int n_args, int n_results,
                   int (*fn)(lua_State *L, void *ud), void *ud)
{
  int base = lua_gettop(L) - n_args;
  protected_call call = {fn, ud};
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    lua_settop(L, base);
    return EBB_ENOMEM;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &call_key);
  lua_insert(L, base + 1);
  lua_pushlightuserdata(L, &call);
  int status = lua_pcall(L, n_args + 1, n_results, 0);
  if (status == LUA_OK)
    return lua_gettop(L) - base;
  if (status != LUA_ERRMEM)
    ebbL_warn(S, "%s",
              lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                             : "an error that is no string");
  lua_settop(L, base);
  return status == LUA_ERRMEM ? EBB_ENOMEM : EBB_EINVAL;
}

void ebbL_open_host(lua_State *L, ebbL_state *S)
{
  ebbL_pushfunction(L, S, call_here);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &call_key);
  ebbL_open_host_promise(L, S);
  ebbL_open_host_op(L, S);
}

/* --- the module --- */

/* [-0, +1, raises] The file of ebb: where the state looks for modules, else
   where this library was installed to. */
static const char *push_file(lua_State *L)
{
  static const char *const own[] = {EBB_LUA_DIR "/?/init.lua;" EBB_LUA_DIR
                                                "/?.lua"};
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  if (!lua_istable(L, -1))
    luaL_error(L, "ebb needs the library 'package': luaL_openlibs");
  for (int attempt = 0; attempt < 2; attempt++) {
    lua_getfield(L, -1, "searchpath");
    lua_pushliteral(L, "ebb");
    lua_getfield(L, -3, "path");
    lua_call(L, 2, 1);
    if (lua_isstring(L, -1))
      break;
    lua_pop(L, 1);
    if (attempt > 0)
      luaL_error(L, "the Lua files of ebb are neither on package.path nor in "
                    "'" EBB_LUA_DIR "'");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s;%s", lua_tostring(L, -1), own[0]);
    lua_setfield(L, -3, "path");
    lua_pop(L, 1);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
  return lua_tostring(L, -1);
}

int luaopen_ebb(lua_State *L)
{
  luaL_checkversion(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "ebb") == LUA_TTABLE)
    return 1;
  lua_pop(L, 1);
  luaL_requiref(L, "ebb.core", luaopen_ebb_core, 0);
  lua_pop(L, 1);
  /* not by `require`, whose preload may be this function */
  const char *file = push_file(L);
  if (luaL_loadfile(L, file) != LUA_OK)
    lua_error(L);
  lua_pushliteral(L, "ebb");
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "ebb");
  return 1;
}

/* --- open --- */

typedef struct opening {
  ebb_config cfg;
  ebbL_host_rt *host;
} opening;

/* [-0, +1] */
static void push_options(lua_State *L, const ebb_config *cfg)
{
  static const char *const words[] = {"report", "yield", "throw"};
  lua_createtable(L, 0, 8);
  if (cfg->name != NULL) {
    lua_pushstring(L, cfg->name);
    lua_setfield(L, -2, "name");
  }
  if (cfg->seed != 0) {
    lua_pushinteger(L, (lua_Integer)cfg->seed);
    lua_setfield(L, -2, "seed");
  }
  if (cfg->slice_ns != 0) {
    lua_pushnumber(L, (double)cfg->slice_ns / 1e9);
    lua_setfield(L, -2, "slice");
    lua_pushstring(L,
                   words[cfg->on_slice <= EBB_SLICE_THROW ? cfg->on_slice : 0]);
    lua_setfield(L, -2, "on_slice");
  }
  if (cfg->memory_bytes != 0) {
    lua_pushinteger(L, (lua_Integer)cfg->memory_bytes);
    lua_setfield(L, -2, "memory");
  }
  if (cfg->frame_bytes != 0) {
    lua_pushinteger(L, (lua_Integer)cfg->frame_bytes);
    lua_setfield(L, -2, "frame");
  }
  if (cfg->cleanup_timeout_ns != 0) {
    lua_pushnumber(L, (double)cfg->cleanup_timeout_ns / 1e9);
    lua_setfield(L, -2, "cleanup_timeout");
  }
  if (cfg->frame_gc) {
    lua_pushliteral(L, "frame");
    lua_setfield(L, -2, "gc");
  }
}

static void choose_alloc(lua_State *L, const ebbL_alloc_choice *choice)
{
  lua_pushlightuserdata(L, (void *)choice);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ebbL_choice_key);
}

static void open_loop(lua_State *L, ebbL_rt *rt, void *loop)
{
  int error = 0;
  rt->driver = ebb_driver_open(&rt->head.state->alloc, loop, &error);
  if (rt->driver == NULL)
    luaL_error(L, "cannot use the host's event loop (error %d)", error);
  ebb_driver_set_outside(rt->driver);
}

static int open_protected(lua_State *L)
{
  opening *o = lua_touserdata(L, 1);
  const ebb_config *cfg = &o->cfg;
  bool was_open = ebbL_state_find(L) != NULL;
  ebbL_alloc_choice choice = {cfg->alloc, cfg->alloc_ud};
  if (cfg->alloc != NULL && !was_open)
    choose_alloc(L, &choice);
  luaL_requiref(L, "ebb", luaopen_ebb, 0);
  ebbL_state *S = ebbL_state_find(L);
  choose_alloc(L, NULL);
  if (cfg->log != NULL) {
    S->log = cfg->log;
    S->log_ud = cfg->log_ud;
  }
  lua_getfield(L, -1, "runtime");
  push_options(L, cfg);
  lua_call(L, 1, 1);
  ebbL_rt *rt = ebbL_check(L, -1, &ebbL_rt_type);
  if (cfg->clock != NULL) {
    rt->core.clock = cfg->clock;
    rt->core.clock_ud = cfg->clock_ud;
    rt->core.now_ns = cfg->clock(cfg->clock_ud);
    rt->last_step_ns = rt->core.now_ns;
  }
  if (cfg->loop != NULL)
    open_loop(L, rt, cfg->loop);
  lua_getfield(L, -2, "use");
  lua_pushvalue(L, -2);
  lua_call(L, 1, 0);
  ebbL_host_rt *host = o->host;
  host->S = S;
  host->L = S->main;
  host->rt = rt;
  rt->is_hosted = true;
  rt->host = (struct ebb_runtime *)host;
  return 0;
}

static void log_failure(lua_State *L, const ebb_config *cfg)
{
  const char *message =
      lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  if (cfg->log != NULL)
    cfg->log(cfg->log_ud, message);
  else
    ebbL_warn(NULL, "%s", message);
}

ebb_runtime *ebb_open(lua_State *L, const ebb_config *cfg)
{
  opening o;
  memset(&o, 0, sizeof o);
  /* of an older host, or of a newer one that asks for nothing we do not know */
  if (cfg != NULL)
    memcpy(&o.cfg, cfg,
           cfg->size != 0 && cfg->size < sizeof o.cfg ? cfg->size
                                                      : sizeof o.cfg);
  o.host = calloc(1, sizeof *o.host);
  if (o.host == NULL || !lua_checkstack(L, LUA_MINSTACK)) {
    free(o.host);
    return NULL;
  }
  o.host->n_refs = 1;
  ebb_list_init(&o.host->hosted);
  ebb_list_init(&o.host->scopes);
  ebb_list_init(&o.host->ended);
  ebb_list_init(&o.host->calls);
  lua_pushcfunction(L, open_protected);
  lua_pushlightuserdata(L, &o);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return (ebb_runtime *)o.host;
  log_failure(L, &o.cfg);
  lua_pop(L, 1);
  free(o.host);
  return NULL;
}

/* --- close --- */

void ebbL_host_give_slot(ebbL_host_rt *host, uint32_t slot)
{
  lua_State *L = host->L;
  if (!lua_checkstack(L, 6))
    return;
  ebbL_pushslots(L, host->S);
  if (lua_istable(L, -1)) /* else the state closes */
    ebbL_slots_give(L, host->S, lua_gettop(L), slot, 0);
  lua_pop(L, 1);
}

void ebbL_host_release(ebbL_host_rt *host)
{
  if (--host->n_refs == 0)
    free(host);
}

/* Calls what was posted; false: not all, the rest has kept its place. */
static bool run_calls(ebbL_host_rt *host, lua_State *L)
{
  ebb_list now;
  ebb_list_init(&now);
  ebb_list_splice(&now, &host->calls);
  while (!ebb_list_is_empty(&now)) {
    ebbL_call *call = ebb_container_of(now.next, ebbL_call, link);
    ebb_list_unlink(&call->link);
    if (!call->run(call, L)) {
      ebb_list_push_front(&now, &call->link);
      ebb_list_splice(&now, &host->calls); /* come meanwhile */
      ebb_list_splice(&host->calls, &now);
      return false;
    }
  }
  return true;
}

/* From ebbL_rt_fini: the driver is gone, no task is alive. */
void ebbL_host_closed(struct ebb_runtime *public_host)
{
  ebbL_host_rt *host = (ebbL_host_rt *)public_host;
  bool keeps_slots = !host->S->closing;
  host->rt->host = NULL;
  host->rt = NULL;
  while (!ebb_list_is_empty(&host->hosted)) {
    ebbL_hosted *hosted = ebb_container_of(host->hosted.next, ebbL_hosted, all);
    ebb_list_unlink(&hosted->all);
    if (hosted->handle != NULL) {
      hosted->handle->hosted = NULL;
      hosted->handle = NULL;
      if (keeps_slots)
        ebbL_host_give_slot(host, hosted->slot);
    }
  }
  ebbL_host_scopes_closed(host, keeps_slots);
  host->n_refs++;
  if (!host->in_close) { /* by Lua, or with the state: now or never */
    host->L = NULL;
    run_calls(host, NULL);
    ebbL_host_callbacks(host);
  }
  ebbL_host_release(host);
}

static int close_protected(lua_State *L, void *ud)
{
  ebbL_host_rt *host = ud;
  lua_settop(L, 0);
  ebbL_pushrt(L, host->rt);
  ebbL_rt_close(L);
  return 0;
}

int ebb_close(ebb_runtime *runtime)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  if (host == NULL)
    return 0;
  if (host->rt != NULL) {
    ebbL_state *S = host->S;
    lua_State *L = host->L;
    if (S->current != NULL || S->driving != NULL ||
        ebbL_finaliser(L, S) == EBBL_IN_FINALISER_IN_EBB)
      return EBB_EBUSY;
    host->in_close = true;
    int status = ebbL_host_call(L, S, 0, 0, close_protected, host);
    host->in_close = false;
    if (host->rt != NULL) /* it could not even begin */
      return status < 0 ? status : EBB_ENOMEM;
    if (!run_calls(host, L))
      run_calls(host, NULL);
    ebbL_host_callbacks(host);
    host->L = NULL;
  }
  ebbL_host_release(host);
  return 0;
}

/* --- steps --- */

int ebb_step(ebb_runtime *runtime, uint64_t budget_ns, uint64_t dt_ns,
             ebb_status *out)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  ebbL_rt *rt = host->rt;
  if (out != NULL)
    memset(out, 0, sizeof *out);
  if (rt == NULL)
    return EBB_ECLOSED;
  ebbL_state *S = host->S;
  if (S->current != NULL || S->driving != NULL)
    return EBB_EBUSY;
  if (rt->driver != NULL && ebb_driver_is_due(rt->driver))
    ebb_driver_drain(rt->driver);
  host->n_refs++; /* what was posted, or a callback, may close it */
  bool is_called = run_calls(host, host->L);
  if (host->rt == NULL) {
    ebbL_host_release(host);
    return EBB_ECLOSED;
  }
  ebbL_step_info info;
  memset(&info, 0, sizeof info);
  int status = ebbL_rt_step_from_c(
      host->L, rt, budget_ns == EBB_UNLIMITED ? EBB_NEVER : budget_ns,
      dt_ns == EBB_MEASURED ? -1 : (double)dt_ns / 1e9, &info);
  ebbL_host_callbacks(host);
  if (out != NULL && host->rt != NULL) {
    const ebbL_gc *gc = &S->gc;
    out->n_ran = info.n_ran;
    out->n_ready = rt->core.n_ready;
    out->n_alive = rt->core.n_alive;
    out->next_deadline_ns = ebb_next_deadline(runtime);
    out->overrun_ns = info.overrun_ns;
    out->slowest_ns = rt->slowest_ns;
    out->slowest_task = rt->slowest_id;
    out->gc_max_ns = gc->longest_ns;
    out->gc_ns = gc->n_users > 0 ? gc->spent_ns : 0;
    out->is_stuck = info.is_stuck;
  }
  ebbL_host_release(host);
  return status == 0 && !is_called ? EBB_ENOMEM : status;
}

int64_t ebb_next_deadline(ebb_runtime *runtime)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  ebbL_rt *rt = host->rt;
  if (rt == NULL)
    return -1;
  ebb_rt *core = &rt->core;
  if (core->n_ready > 0 || !ebb_list_is_empty(&host->calls) ||
      !ebb_list_is_empty(&host->ended))
    return 0;
  uint64_t due_ns = ebb_rt_next_due(core);
  if (due_ns == EBB_NEVER)
    return -1;
  uint64_t now_ns =
      core->clock != NULL ? core->clock(core->clock_ud) : core->now_ns;
  if (now_ns >= due_ns)
    return 0;
  return due_ns - now_ns < INT64_MAX ? (int64_t)(due_ns - now_ns) : INT64_MAX;
}

int ebb_backend_fd(ebb_runtime *runtime)
{
  ebbL_host_rt *host = (ebbL_host_rt *)runtime;
  if (host->rt == NULL)
    return EBB_ECLOSED;
  if (host->rt->driver == NULL) {
    int status = ebbL_rt_try_driver(host->L, host->rt);
    if (status < 0)
      return status;
  }
  return ebb_driver_fd(host->rt->driver);
}

lua_State *ebb_lua(ebb_runtime *runtime)
{
  return ((ebbL_host_rt *)runtime)->L;
}
