/* SPDX-License-Identifier: MIT */
/* One step for a host with a frame loop, one turn for another event loop. */
#include "lua/api.h"
#include "lua/l_drive.h"
#include "lua/l_loop.h"
#include "lua/l_preempt.h"
#include "lua/l_report.h"

#include <math.h>

/* --- step --- */

/* Without a budget a step ends by itself even if tasks wake each other for
   ever: each one that was alive has had this many turns. */
#define STEP_TURNS 16

static void run_step(ebbL_driving *d, uint64_t end_ns, double dt_s)
{
  ebbL_rt *rt = d->rt;
  ebb_rt *core = &rt->core;
  ebb_list left;
  size_t n_left = core->n_ready;
  ebb_list_init(&left);
  ebb_list_splice(&left, &core->ready);
  core->n_ready = 0;
  core->count.turns++;
  ebbL_slice_look(rt->head.state);
  ebb_rt_refresh(core);
  ebb_rt_fire(core);
  if (ebbL_rt_is_busy(rt))
    ebb_driver_poll(rt->driver);
  ebb_list_splice(&core->ready, &left);
  core->n_ready += n_left;
  ebb_rt_frame(core, dt_s);
  size_t limit = STEP_TURNS * (core->n_alive + 64), ran = 0;
  while (core->n_ready > 0) {
    size_t chunk = end_ns == EBB_NEVER ? EBBL_GC_EVERY : 1;
    ran += ebb_rt_run_ready(core, chunk);
    if (ebbL_rt_collects(rt))
      ebbL_gc_pace(d->L, rt->head.state);
    if (EBB_UNLIKELY(core->turn_over))
      ebbL_rt_let_others_first(rt);
    if (end_ns != EBB_NEVER ? ebb_driver_clock(NULL) >= end_ns : ran >= limit)
      break;
  }
  ebbL_report_due(d->L, rt, false);
  if (ebbL_rt_collects(rt)) {
    ebbL_gc_pace(d->L, rt->head.state); /* what the host has allocated */
    if (rt->gc_is_mine && end_ns != EBB_NEVER)
      ebbL_gc_spend(d->L, rt->head.state, end_ns);
  }
}

static void set_number(lua_State *L, const char *key, double value)
{
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, key);
}

/* What the collector has done in this step. */
static void set_gc_info(lua_State *L, ebbL_state *S)
{
  const ebbL_gc *gc = &S->gc;
  set_number(L, "gc_max", (double)gc->longest_ns / 1e9);
  if (gc->n_users == 0)
    return;
  set_number(L, "gc_time", (double)gc->spent_ns / 1e9);
  set_integer(L, "gc_forced", gc->n_forced);
  set_integer(L, "gc_cycles", gc->n_cycles);
  set_integer(L, "gc_debt", (uint64_t)ebbL_gc_debt(L, S));
}

/* Tasks wait, and nothing that a step does would wake one. */
static bool is_stuck(const ebbL_rt *rt)
{
  const ebb_rt *core = &rt->core;
  return core->n_alive > 0 && core->n_ready == 0 &&
         ebb_rt_next_due(core) == EBB_NEVER && !ebbL_rt_is_busy(rt) &&
         ebb_list_is_empty(&core->frame);
}

static int push_info(lua_State *L, ebbL_rt *rt, uint64_t ran,
                     uint64_t overrun_ns)
{
  ebb_rt *core = &rt->core;
  lua_createtable(L, 0, rt->gc_is_mine ? 12 : 8);
  set_integer(L, "ran", ran);
  set_integer(L, "ready", core->n_ready);
  set_integer(L, "alive", core->n_alive);
  set_number(L, "overrun", (double)overrun_ns / 1e9);
  set_gc_info(L, rt->head.state);
  uint64_t due_ns = ebb_rt_next_due(core);
  if (due_ns != EBB_NEVER)
    set_number(L, "next_deadline",
               due_ns > core->now_ns ? (double)(due_ns - core->now_ns) / 1e9
                                     : 0);
  lua_pushboolean(L, is_stuck(rt));
  lua_setfield(L, -2, "stuck");
  ebb_list_foreach(node, &core->tasks) {
    ebb_task *task = ebb_container_of(node, ebb_task, all);
    if (task->id == rt->slowest_id) {
      ebbL_tasklabel(L, ebbL_task_of(task), 0);
      lua_setfield(L, -2, "slowest_task");
      return 1;
    }
  }
  if (rt->slowest_id != 0) {
    lua_pushfstring(L, "%I", (LUAI_UACINT)rt->slowest_id);
    lua_setfield(L, -2, "slowest_task");
  }
  return 1;
}

/* What was given of the frame's time, else what has passed since the step
   before. */
static double frame_time(ebbL_rt *rt, double dt_s)
{
  if (dt_s >= 0)
    return dt_s;
  uint64_t now_ns = ebb_rt_refresh(&rt->core);
  return rt->stepped ? (double)(now_ns - rt->last_step_ns) / 1e9 : 0;
}

static uint64_t overrun_of(uint64_t end_ns)
{
  uint64_t now_ns = ebb_driver_clock(NULL);
  return now_ns > end_ns ? now_ns - end_ns : 0;
}

/* Before a step; then ebbL_driving_begin, run_step, ebbL_driving_end. */
static void prepare_step(ebbL_rt *rt)
{
  rt->last_step_ns = rt->core.now_ns;
  rt->stepped = true;
  rt->timing = true;
  rt->slowest_id = rt->slowest_ns = 0;
}

int ebbL_rt_step(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  double budget_s = lua_isnoneornil(L, 2) ? HUGE_VAL : ebbL_checkseconds(L, 2);
  double dt_s = lua_isnoneornil(L, 3) ? -1 : ebbL_checkseconds(L, 3);
  if (isinf(dt_s)) /* the time of frames would be no number from then on */
    ebbL_argerror(L, 3, "finite number of seconds expected");
  ebbL_not_inside_task(L, rt->head.state, "step");
  ebbL_not_closed(L, rt);
  uint64_t start_ns = ebb_driver_clock(NULL);
  dt_s = frame_time(rt, dt_s);
  uint64_t end_ns = ebb_due_in(start_ns, budget_s);
  uint64_t polls = rt->core.count.polls;
  ebbL_driving d;
  luaL_checkstack(L, EBBL_DRIVE_STACK, NULL);
  prepare_step(rt);
  ebbL_driving_begin(&d, L, rt);
  run_step(&d, end_ns, dt_s);
  ebbL_driving_end(&d);
  return push_info(L, rt, rt->core.count.polls - polls, overrun_of(end_ns));
}

typedef struct host_step {
  ebbL_driving d;
  uint64_t end_ns;
  double dt_s;
} host_step;

static int step_protected(lua_State *L, void *ud)
{
  host_step *step = ud;
  (void)L;
  run_step(&step->d, step->end_ns, step->dt_s);
  return 0;
}

int ebbL_rt_step_from_c(lua_State *L, ebbL_rt *rt, uint64_t budget_ns,
                        double dt_s, ebbL_step_info *info)
{
  ebbL_state *S = rt->head.state;
  ebb_rt *core = &rt->core;
  if (rt->closed || rt->shutting_down || S->closing)
    return EBB_ECLOSED;
  if (S->current != NULL || S->driving != NULL)
    return EBB_EBUSY;
  if (!lua_checkstack(L, EBBL_DRIVE_STACK))
    return EBB_ENOMEM;
  if (ebbL_finaliser(L, S) == EBBL_IN_FINALISER_IN_EBB)
    return EBB_EBUSY;
  host_step step;
  uint64_t start_ns = ebb_driver_clock(NULL), polls = core->count.polls;
  step.dt_s = frame_time(rt, dt_s);
  step.end_ns =
      budget_ns < EBB_NEVER - start_ns ? start_ns + budget_ns : EBB_NEVER;
  prepare_step(rt);
  ebbL_driving_begin(&step.d, L, rt);
  bool failed = ebbL_host_call(L, S, 0, 0, step_protected, &step) < 0;
  ebbL_driving_end(&step.d);
  *info = (ebbL_step_info){.n_ran = core->count.polls - polls,
                           .overrun_ns = overrun_of(step.end_ns),
                           .is_stuck = is_stuck(rt)};
  return failed ? EBB_ENOMEM : 0;
}

/* --- pump --- */

/* One turn on behalf of another loop, which calls again as soon as it can while
   tasks are ready, after `seconds`, and when the runtime's descriptor is
   readable. -> nil when closed; "driven" when somebody drives it already; else
   "ready" or "waiting", seconds or nil, does it wait for I/O? */
static int l_pump(lua_State *L)
{
  ebbL_rt *rt = ebbL_check(L, 1, &ebbL_rt_type);
  ebbL_state *S = rt->head.state;
  ebb_rt *core = &rt->core;
  if (rt->closed || rt->shutting_down || S->closing)
    return 0;
  if (S->current != NULL || S->driving != NULL) {
    lua_pushliteral(L, "driven");
    return 1;
  }
  ebbL_driving d;
  ebbL_driving_prepare(L, rt);
  rt->is_pumped = true;
  ebbL_driving_begin(&d, L, rt);
  ebb_driver_drain(rt->driver);
  ebbL_driving_turn(&d);
  ebbL_driving_end(&d);
  rt->is_pumped = false;
  uint64_t due_ns = ebb_rt_next_due(core), now_ns = ebb_driver_clock(NULL);
  lua_pushstring(L, core->n_ready > 0 ? "ready" : "waiting");
  if (due_ns == EBB_NEVER)
    lua_pushnil(L);
  else
    lua_pushnumber(L, due_ns > now_ns ? (double)(due_ns - now_ns) / 1e9 : 0);
  lua_pushboolean(L, ebbL_rt_is_busy(rt));
  return 3;
}

void ebbL_open_loop(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg functions[] = {{"_pump", l_pump}, {NULL, NULL}};
  ebbL_setfuncs(L, S, functions);
}
