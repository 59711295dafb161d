/* SPDX-License-Identifier: MIT */
/* The Lua side of schedule exploration: nudging coroutines, working the
   collector, and the trace, a text that grows in C memory so that keeping it
   changes nothing about what the collector does. */
#include "lua/l_shake.h"

#include "core/shake.h"
#include "lua/l_drive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct ebbL_shake {
  ebb_shake core;
  ebbL_rt *rt;
  bool has_collector; /* Lua's is ours meanwhile */
  bool was_running, was_generational;
  bool broken; /* a nudge was taken for a wake-up */
  char *text;  /* the trace, or NULL */
  size_t n_bytes, cap_bytes;
  uint64_t n_lines;
  bool is_traced, is_cut;
} ebbL_shake;

#define TRACE_MAX ((size_t)64 << 20)

/* --- the trace --- */

static bool make_room(ebbL_shake *self, size_t n_bytes)
{
  if (self->n_bytes + n_bytes <= self->cap_bytes)
    return true;
  size_t cap = self->cap_bytes == 0 ? 4096 : self->cap_bytes * 2;
  char *text = NULL;
  if (cap <= TRACE_MAX)
    text = ebb_alloc_resize(&self->rt->head.state->alloc, self->text,
                            self->cap_bytes, cap);
  if (text == NULL) {
    self->is_cut = true;
    return false;
  }
  self->text = text;
  self->cap_bytes = cap;
  return true;
}

static void put(ebbL_shake *self, const char *words)
{
  size_t n_bytes = strlen(words);
  if (self->is_cut || n_bytes > 2000 || !make_room(self, n_bytes))
    return;
  memcpy(self->text + self->n_bytes, words, n_bytes);
  self->n_bytes += n_bytes;
}

static void put_start(ebbL_shake *self)
{
  char words[64];
  uint64_t us = self->rt->core.now_ns / 1000;
  snprintf(words, sizeof words, "%5" PRIu64 " %6" PRIu64 ".%06u  ",
           ++self->n_lines, us / 1000000, (unsigned)(us % 1000000));
  put(self, words);
}

static void put_task(ebbL_shake *self, ebbL_task *task)
{
  char words[96];
  lua_State *L = task->S->from;
  const char *name = ebbL_taskname(L, task);
  if (name != NULL)
    snprintf(words, sizeof words, "task %" PRIu64 " \"%.60s\"", task->core.id,
             name);
  else
    snprintf(words, sizeof words, "task %" PRIu64, task->core.id);
  lua_pop(L, 1);
  put(self, words);
}

static void put_waits(ebbL_shake *self, const ebb_task *task)
{
  for (uint32_t i = 0; i < task->n_waits && i < 8; i++) {
    put(self, i == 0 ? "" : ", ");
    put(self, task->waits[i].cls->name);
  }
}

static void put_place(ebbL_shake *self, ebbL_task *task)
{
  char words[LUA_IDSIZE + 32];
  lua_Debug ar;
  for (int level = 0; lua_getstack(task->L, level, &ar); level++) {
    lua_getinfo(task->L, "Sl", &ar);
    if (ar.currentline > 0) {
      snprintf(words, sizeof words, " at %s:%d", ar.short_src, ar.currentline);
      put(self, words);
      return;
    }
  }
}

static void note_begin(ebb_shake *core, ebb_task *task)
{
  ebbL_shake *self = ebb_container_of(core, ebbL_shake, core);
  ebbL_task *task_l = ebbL_task_of(task);
  put_start(self);
  put_task(self, task_l);
  if (!task_l->has_run) {
    put(self, task->n_struck > 0 ? " is cancelled unstarted" : " begins");
  } else if (task->arm == EBB_ARM_YIELD) {
    put(self, " goes on");
  } else if (task->arm == EBB_ARM_NONE) {
    put(self, ": ");
    put(self, ebb_err_word(task->status));
  } else {
    put(self, ": ");
    put(self, task->waits[task->arm].cls->name);
    if (task->status != EBB_OK) {
      put(self, " ");
      put(self,
          task->status > EBB_EAGAIN ? "failed" : ebb_err_word(task->status));
    }
  }
  if (task->budget < 4)
    put(self, ", hurried");
}

static void note_end(ebb_shake *core, ebb_task *task)
{
  ebbL_shake *self = ebb_container_of(core, ebbL_shake, core);
  if (task == NULL) {
    put(self, "; ends\n");
    return;
  }
  if (task->state == EBB_TASK_PARKED) {
    put(self, "; waits for ");
    put_waits(self, task);
  } else {
    put(self, "; gives way");
  }
  put_place(self, ebbL_task_of(task));
  put(self, "\n");
}

/* --- what the core asks for --- */

static void nudge(ebb_shake *core, ebb_task *task, uint32_t where)
{
  ebbL_shake *self = ebb_container_of(core, ebbL_shake, core);
  ebbL_task *task_l = ebbL_task_of(task);
  lua_State *co = (where & 1) != 0 ? task_l->L : task_l->co;
  int n_results = 0;
  if (self->is_traced) {
    put_start(self);
    put_task(self, task_l);
    put(self, " is woken for nothing; waits for ");
    put_waits(self, task);
    put(self, "\n");
  }
  if (lua_resume(co, NULL, 0, &n_results) != LUA_YIELD || n_results != 0 ||
      task->state != EBB_TASK_PARKED)
    self->broken = true;
}

static int work_collector(lua_State *L)
{
  int how = (int)lua_tointeger(L, 1);
  switch (how) {
  case EBB_COLLECT_FULL:
    lua_gc(L, LUA_GCCOLLECT);
    break;
  case EBB_COLLECT_INCREMENTAL:
    lua_gc(L, LUA_GCINC, 0, 0, 0);
    break;
  case EBB_COLLECT_GENERATIONAL:
    lua_gc(L, LUA_GCGEN, 0, 0);
    break;
  default:
    for (lua_Integer i = lua_tointeger(L, 2); i > 0; i--)
      lua_gc(L, LUA_GCSTEP, 0);
  }
  return 0;
}

static void collect(ebb_shake *core, int how, uint32_t n_steps)
{
  static const char *const words[] = {"nothing", "all", "a step",
                                      "incremental from now on",
                                      "generational from now on"};
  ebbL_shake *self = ebb_container_of(core, ebbL_shake, core);
  lua_State *L = self->rt->head.state->from;
  if (self->is_traced) {
    put_start(self);
    put(self, "collector: ");
    put(self, words[how]);
    put(self, "\n");
  }
  if (!lua_checkstack(L, 8))
    return;
  lua_pushcfunction(L, work_collector);
  lua_pushinteger(L, how);
  lua_pushinteger(L, n_steps);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}

static const ebb_shake_host plain_host = {nudge, collect, NULL, NULL};
static const ebb_shake_host traced_host = {nudge, collect, note_begin,
                                           note_end};

/* --- beginning and end --- */

/* A known state to begin with: where a cycle is must not depend on what was
   before. */
static void take_collector(lua_State *L, ebbL_shake *self)
{
  self->has_collector = true;
  self->was_running = lua_gc(L, LUA_GCISRUNNING) == 1;
  lua_gc(L, LUA_GCSTOP);
  self->was_generational = lua_gc(L, LUA_GCINC, 0, 0, 0) == LUA_GCGEN;
  if (self->core.collector > EBB_COLLECT_FULL)
    lua_gc(L, LUA_GCCOLLECT);
  if (self->core.collector == EBB_COLLECT_GENERATIONAL)
    lua_gc(L, LUA_GCGEN, 0, 0);
}

void ebbL_shake_drop(lua_State *L, ebbL_rt *rt)
{
  ebbL_shake *self = ebb_container_of(rt->core.shake, ebbL_shake, core);
  ebbL_state *S = rt->head.state;
  ebb_rt_shake(&rt->core, NULL);
  ebb_alloc_put(&S->alloc, self->text, self->cap_bytes);
  if (self->has_collector && !S->closing) {
    lua_gc(L, LUA_GCINC, 0, 0, 0);
    if (self->was_generational)
      lua_gc(L, LUA_GCGEN, 0, 0);
    if (self->was_running)
      lua_gc(L, LUA_GCRESTART);
  }
  ebb_alloc_put(&S->alloc, self, sizeof *self);
}

/* _shake(rt, seed, what, is_traced): explores the schedules of rt from now on.
   `what` is a sum: 1 nudges, 2 the collector, 4 yields. */
static int l_shake(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  uint64_t seed = (uint64_t)luaL_checkinteger(L, 2);
  unsigned what = (unsigned)luaL_checkinteger(L, 3);
  ebbL_not_closed(L, rt);
  if (rt->core.shake != NULL || rt->running)
    return luaL_error(L, "this runtime is in use");
  ebbL_shake *self = ebbL_alloc(L, rt->head.state, sizeof *self);
  *self = (ebbL_shake){.rt = rt, .is_traced = lua_toboolean(L, 4)};
  ebb_shake_init(&self->core, self->is_traced ? &traced_host : &plain_host,
                 seed, what);
  ebb_rt_seed(&rt->core, seed);
  ebb_rt_shake(&rt->core, &self->core);
  if (what & EBB_SHAKE_COLLECTS)
    take_collector(L, self);
  return 0;
}

static void count(lua_State *L, const char *key, uint64_t n)
{
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, key);
}

/* _shaken(rt) -> what happened, and the end of the exploration. */
static int l_shaken(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  if (rt->core.shake == NULL)
    return 0;
  const ebbL_shake *self =
      ebb_container_of(rt->core.shake, const ebbL_shake, core);
  const ebb_shake *core = &self->core;
  lua_createtable(L, 0, 8);
  count(L, "digest", core->digest);
  count(L, "order", core->order);
  count(L, "switches", core->count.switches);
  count(L, "nudges", core->count.nudges);
  count(L, "collections", core->count.collections);
  count(L, "yields", core->count.yields);
  lua_pushboolean(L, self->broken);
  lua_setfield(L, -2, "broken");
  if (self->is_traced) {
    lua_pushlstring(L, self->text != NULL ? self->text : "", self->n_bytes);
    if (self->is_cut) {
      lua_pushliteral(L, "(the rest did not fit into memory)\n");
      lua_concat(L, 2);
    }
    lua_setfield(L, -2, "trace");
  }
  ebbL_shake_drop(L, rt);
  return 1;
}

void ebbL_open_shake(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"_shake", l_shake}, {"_shaken", l_shaken}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
