/* SPDX-License-Identifier: MIT */
#include "lua/l_clock.h"

#include "lua/l_report.h"
#include "lua/l_time.h"

#include <math.h>
#include <string.h>

typedef struct ebbL_clock {
  ebbL_header head; /* user value 1: the parent; the body keeps the runtime */
  ebbL_rt *rt;
  ebb_clock core;
  bool is_open; /* core has been made */
} ebbL_clock;

#define clock_type (ebbL_linked_types[EBBL_LINKED_CLOCK])

static const char frame_clocks_key; /* by runtime, as long as that lives */

static ebbL_clock *check_clock(lua_State *L)
{
  ebbL_clock *self = ebbL_check(L, 1, &clock_type);
  ebbL_check_rt(L, self->rt);
  return self;
}

static int l_clock_now(lua_State *L)
{
  ebbL_clock *self = ebbL_check(L, 1, &clock_type);
  lua_pushnumber(L, ebbL_seconds(self->rt->closed
                                     ? self->core.now_ns
                                     : ebb_clock_refresh(&self->core)));
  return 1;
}

/* --- sleep --- */

static int sleep_task(lua_State *L, ebbL_task *task, ebbL_clock *self,
                      uint64_t due_ns)
{
  ebbL_check_waiting(L, task);
  if (due_ns <= ebb_clock_reached(&self->core))
    return ebbL_sleep_over(L, task);
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_clock_sleep_link(&task->core, 0, &self->core, due_ns);
  return ebbL_sleep_park(L, task);
}

static int l_clock_sleep(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_clock *self = check_clock(L);
  double seconds = ebbL_checkseconds(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_clock_sleep);
  return sleep_task(L, task, self, ebb_clock_due_in(&self->core, seconds));
}

/* Lua's time of the clock, to the nearest nanosecond. */
static uint64_t due_at(double seconds)
{
  double ns = seconds * 1e9 + 0.5;
  return !(ns > 0) ? 0 : ns >= 9.2e18 ? EBB_NEVER : (uint64_t)ns;
}

static int l_clock_sleep_until(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_clock *self = check_clock(L);
  double at = ebbL_checkseconds(L, 2);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_clock_sleep_until);
  ebb_clock_refresh(&self->core);
  return sleep_task(L, task, self, due_at(at));
}

/* --- after, at: ops whose target (user value 1) is the clock --- */

static ebb_clock *clock_of(void *op)
{
  return &((ebbL_clock *)((ebbL_op *)op)->target)->core;
}

static int after_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_check_rt(L, ((ebbL_clock *)((ebbL_op *)object)->target)->rt);
  if (((ebbL_op *)object)->seconds > 0)
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void after_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_clock *clock = clock_of(object);
  ebb_clock_sleep_link(&task->core, i, clock,
                       ebb_clock_due_in(clock, ((ebbL_op *)object)->seconds));
}

static int at_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_check_rt(L, ((ebbL_clock *)((ebbL_op *)object)->target)->rt);
  ebb_clock *clock = clock_of(object);
  ebb_clock_refresh(clock);
  if (((ebbL_op *)object)->due_ns > ebb_clock_reached(clock))
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void at_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_clock_sleep_link(&task->core, i, clock_of(object),
                       ((ebbL_op *)object)->due_ns);
}

static int time_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)task, (void)object, (void)at, (void)payload;
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass after_class = {"clock",    after_attempt, NULL,
                                         after_link, time_settle,   EBBL_TIMED};
static const ebbL_opclass at_class = {"clock", at_attempt,  NULL,
                                      at_link, time_settle, EBBL_TIMED};

static int l_clock_after(lua_State *L)
{
  check_clock(L);
  double seconds = ebbL_checkseconds(L, 2);
  ebbL_newop(L, ebbL_S(L), &after_class, 1, 0)->seconds = seconds;
  return 1;
}

static int l_clock_at(lua_State *L)
{
  check_clock(L);
  double at = ebbL_checkseconds(L, 2);
  ebbL_newop(L, ebbL_S(L), &at_class, 1, 0)->due_ns = due_at(at);
  return 1;
}

static int l_clock_interval(lua_State *L)
{
  ebbL_clock *self = check_clock(L);
  return ebbL_newinterval(L, 2, &self->core, 1);
}

/* --- timeout --- */

static void deadline_fire(ebb_timer *timer)
{
  ebb_region_strike(&ebb_container_of(timer, ebbL_body, timer)->region, true);
}

static int timeout_k(lua_State *L, int status, lua_KContext ctx)
{
  if (ebbL_body_ended(L, status, (ebbL_body *)ctx)) {
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    lua_pushvalue(L, 3); /* the number as it was given */
    return 3;
  }
  return lua_gettop(L) - 3;
}

/* [clock, s, fn, args…]: the body runs in the calling task. */
static int timeout_body(lua_State *L, ebbL_task *task, ebbL_clock *self,
                        double seconds)
{
  lua_pushcfunction(L, ebbL_msgh);
  lua_insert(L, 1);
  ebbL_body *body = ebbL_body_open(L, task, EBB_REGION_DEADLINE, 3);
  ebb_timer_init(&body->timer, deadline_fire);
  body->owner = &self->core;
  ebb_clock_arm(&self->core, &body->timer,
                ebb_clock_due_in(&self->core, seconds));
  int status = lua_pcallk(L, lua_gettop(L) - 4, LUA_MULTRET, 1,
                          (lua_KContext)body, timeout_k);
  return timeout_k(L, status, (lua_KContext)body);
}

/* (clock, s, fn or op, …) */
static int l_clock_timeout(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_clock *self = check_clock(L);
  double seconds = ebbL_checkseconds(L, 2);
  if (!ebbL_isop(L, 3))
    ebbL_checkcallable_as(L, 3, "function or operation");
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, l_clock_timeout);
  if (!ebbL_isop(L, 3))
    return timeout_body(L, task, self, seconds);
  lua_settop(L, 3);
  if (ebbL_has_functions(L, 3)) { /* they are under the deadline too */
    ebbL_pushawait(L, S);
    lua_insert(L, 3);
    return timeout_body(L, task, self, seconds);
  }
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, l_clock_timeout);
  ebbL_newop(L, S, &after_class, 1, 2)->seconds = seconds;
  lua_rotate(L, 1, 2); /* [op, after, clock, s] */
  lua_settop(L, 2);
  return ebbL_await_timeout(L, task);
}

/* --- scale, pause, resume, advance --- */

static double check_scale(lua_State *L, int idx, int arg)
{
  double scale = lua_tonumber(L, idx);
  if (lua_type(L, idx) != LUA_TNUMBER || !(scale >= 0) || scale == HUGE_VAL)
    ebbL_argerror(L, arg,
                  lua_pushfstring(L,
                                  "scale: finite number >= 0 expected, got %s",
                                  luaL_tolstring(L, idx, NULL)));
  return scale;
}

/* clk:scale([x]) → the scale in force */
static int l_clock_scale(lua_State *L)
{
  ebbL_clock *self = check_clock(L);
  if (!lua_isnoneornil(L, 2))
    ebb_clock_set_scale(&self->core, check_scale(L, 2, 2));
  lua_pushnumber(L, self->core.scale);
  return 1;
}

static int l_clock_pause(lua_State *L)
{
  ebb_clock_set_paused(&check_clock(L)->core, true);
  return 0;
}

static int l_clock_resume(lua_State *L)
{
  ebb_clock_set_paused(&check_clock(L)->core, false);
  return 0;
}

static int l_clock_is_paused(lua_State *L)
{
  ebbL_clock *self = ebbL_check(L, 1, &clock_type);
  lua_pushboolean(L, self->core.paused);
  return 1;
}

static int l_clock_advance(lua_State *L)
{
  ebbL_clock *self = check_clock(L);
  double seconds = ebbL_checkseconds(L, 2);
  if (self->core.kind != EBB_CLOCK_MANUAL)
    ebbL_throw(L, "bad argument #1 to 'advance' (clock made with manual = true "
                  "expected)");
  double ns = seconds * 1e9 + 0.5;
  if (ns >= 4.6e18)
    ebbL_argerror(L, 2, "finite number of seconds expected");
  if (ns > 0)
    ebb_clock_advance(&self->core, (uint64_t)ns);
  return 0;
}

/* --- making one --- */

/* parent_idx: a clock, or 0; opts_idx: nil or a table. */
static int new_clock(lua_State *L, int parent_idx, int opts_idx)
{
  ebbL_state *S = ebbL_S(L);
  double scale = 1;
  int kind = parent_idx != 0 ? EBB_CLOCK_CHILD : EBB_CLOCK_RT;
  lua_settop(L, opts_idx);
  if (!lua_isnil(L, opts_idx)) {
    if (!lua_istable(L, opts_idx))
      ebbL_typeerror(L, opts_idx, "table of options");
    for (lua_pushnil(L); lua_next(L, opts_idx); lua_pop(L, 1)) {
      const char *key =
          lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
      if (strcmp(key, "scale") == 0)
        scale = check_scale(L, -1, opts_idx);
      else if (strcmp(key, "manual") == 0)
        kind = lua_toboolean(L, -1) ? EBB_CLOCK_MANUAL : kind;
      else
        ebbL_argerror(L, opts_idx,
                      lua_pushfstring(L, "unknown option '%s'",
                                      luaL_tolstring(L, -2, NULL)));
    }
  }
  ebbL_clock *parent = parent_idx != 0 ? ebbL_touserdata(L, parent_idx) : NULL;
  ebbL_rt *rt = parent != NULL ? parent->rt : ebbL_current_rt(L, S);
  ebbL_pushrt(L, rt);
  ebbL_clock *self = ebbL_newlinked(L, S, &clock_type, sizeof *self, 1, 1);
  self->rt = rt;
  if (parent != NULL) {
    lua_pushvalue(L, parent_idx);
    lua_setiuservalue(L, -2, 1);
  }
  ebb_clock_init(&self->core, kind, &rt->core,
                 parent != NULL ? &parent->core : NULL, scale);
  self->is_open = true;
  return 1;
}

static int l_clock(lua_State *L)
{
  return new_clock(L, 0, 1);
}

/* clk:child([opts]): a clock that follows this one. */
static int l_clock_child(lua_State *L)
{
  check_clock(L);
  return new_clock(L, 1, 2);
}

/* The one that the current runtime's frames move. */
static int l_frame_clock(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  lua_settop(L, 0);
  ebbL_pushrt(L, ebbL_current_rt(L, S));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &frame_clocks_key);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) != LUA_TNIL)
    return 1;
  lua_pushvalue(L, 1);
  ebbL_clock *self = ebbL_newlinked(L, S, &clock_type, sizeof *self, 1, 1);
  self->rt = ebbL_touserdata(L, 1);
  ebbL_check_rt(L, self->rt);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, 2);
  ebb_clock_init(&self->core, EBB_CLOCK_FRAME, &self->rt->core, NULL, 1);
  self->is_open = true;
  return 1;
}

/* Nobody waits on it any more, or they go down with the state. */
static int clock_gc(lua_State *L)
{
  ebbL_clock *self = ebbL_test(L, 1, &clock_type);
  if (self == NULL)
    return 0;
  if (self->is_open)
    ebb_clock_fini(&self->core);
  return ebbL_let_go(L);
}

static int clock_tostring(lua_State *L)
{
  static const char *const kinds[] = {"", "child, ", "manual, ", "frames, "};
  ebbL_clock *self = ebbL_check(L, 1, &clock_type);
  if (self->core.paused)
    lua_pushfstring(L, "ebb.clock: %spaused", kinds[self->core.kind]);
  else
    lua_pushfstring(L, "ebb.clock: %sscale %f", kinds[self->core.kind],
                    (LUAI_UACNUMBER)self->core.scale);
  return 1;
}

void ebbL_open_clock(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"clock", l_clock}, {"frame_clock", l_frame_clock}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"now", l_clock_now},
                                     {"sleep", l_clock_sleep},
                                     {"sleep_until", l_clock_sleep_until},
                                     {"after", l_clock_after},
                                     {"at", l_clock_at},
                                     {"interval", l_clock_interval},
                                     {"timeout", l_clock_timeout},
                                     {"scale", l_clock_scale},
                                     {"pause", l_clock_pause},
                                     {"resume", l_clock_resume},
                                     {"is_paused", l_clock_is_paused},
                                     {"advance", l_clock_advance},
                                     {"child", l_clock_child},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", clock_gc}, {"__tostring", clock_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &clock_type, methods, meta);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &frame_clocks_key);
}
