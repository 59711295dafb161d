/* SPDX-License-Identifier: MIT */
/* ebb.interval: tick n is due n periods after the start, computed from n and
   not from the tick before, so nothing adds up.

   A tick is consumed by the await that returns it, so one that is cancelled or
   loses a select leaves it for the next. Of several tasks that wait at the same
   time each gets the tick. */
#include "lua/l_clock.h"
#include "lua/l_time.h"

#include <math.h>
#include <string.h>

enum { MISSED_SKIP, MISSED_DELAY, MISSED_BURST };

typedef struct ebbL_interval {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  ebb_clock *clock; /* user value 2 has it; NULL: the runtime's time */
  uint64_t start_ns;
  uint64_t n; /* the next tick: due n periods after the start */
  uint64_t due_ns;
  uint64_t last_ns; /* when the tick consumed last was due */
  double period_ns;
  ebb_waitq waiters;
  ebb_timer timer; /* armed while someone waits */
  uint32_t round;  /* changes with every tick consumed and every reset */
  uint8_t missed;
  bool closed;
} ebbL_interval;

static const ebbL_opclass tick_class;
static const ebbL_type interval_type = {"ebb.interval", &tick_class, NULL};

/* A tick this late is still in time for `delay`: that is how late any timer
   may be, and following it would be drifting. */
#define TOLERANCE_NS 5e6

/* --- whose time --- */

static uint64_t refresh(ebbL_interval *self)
{
  return self->clock != NULL ? ebb_clock_refresh(self->clock)
                             : ebb_rt_refresh(&self->rt->core);
}

/* The latest tick that has come, as of the last look. */
static uint64_t reached(const ebbL_interval *self)
{
  return self->clock != NULL ? ebb_clock_reached(self->clock)
                             : self->rt->core.now_ns;
}

static void arm(ebbL_interval *self)
{
  if (self->clock != NULL)
    ebb_clock_arm(self->clock, &self->timer, self->due_ns);
  else
    ebb_timer_arm(&self->rt->core.timers, &self->timer, self->due_ns);
}

static void disarm(ebbL_interval *self)
{
  if (self->clock != NULL)
    ebb_clock_disarm(self->clock, &self->timer);
  else
    ebb_timer_disarm(&self->rt->core.timers, &self->timer);
}

/* --- the schedule --- */

static uint64_t tick_due(const ebbL_interval *self, uint64_t n)
{
  double span_ns = nearbyint((double)n * self->period_ns);
  if (!(span_ns < 9.2e18))
    return EBB_NEVER;
  uint64_t span = (uint64_t)span_ns;
  return span >= EBB_NEVER - self->start_ns ? EBB_NEVER : self->start_ns + span;
}

static void schedule(ebbL_interval *self, uint64_t start_ns, uint64_t n)
{
  self->start_ns = start_ns;
  self->n = n;
  self->due_ns = tick_due(self, n);
  self->round++;
}

/* The first tick after now_ns, and after the one that is due. */
static uint64_t next_multiple(const ebbL_interval *self, uint64_t now_ns)
{
  uint64_t n = self->n + 1;
  if (tick_due(self, n) > now_ns)
    return n;
  uint64_t m = (uint64_t)((double)(now_ns - self->start_ns) / self->period_ns);
  if (m > n)
    n = m;
  while (tick_due(self, n) <= now_ns)
    n++;
  return n;
}

/* The tick that is due has happened now. */
static void consume(ebbL_interval *self)
{
  uint64_t now_ns = reached(self);
  double late_ns = (double)(now_ns - self->due_ns);
  self->last_ns = self->due_ns;
  if (self->missed == MISSED_SKIP)
    schedule(self, self->start_ns, next_multiple(self, now_ns));
  else if (self->missed == MISSED_DELAY &&
           late_ns > fmin(TOLERANCE_NS, self->period_ns))
    schedule(self, now_ns, 1);
  else
    schedule(self, self->start_ns, self->n + 1);
}

/* --- waiting --- */

static void tick_leave(ebb_wait *wait)
{
  ebbL_interval *self = wait->source;
  if (ebb_list_is_empty(&self->waiters))
    disarm(self);
}

static const ebb_wait_class tick_wait = {"interval tick", false, tick_leave};

/* Each waiter learns which round it was woken in. */
static void tick_fire(ebb_timer *timer)
{
  ebbL_interval *self = ebb_container_of(timer, ebbL_interval, timer);
  ebb_wait *wait;
  self->last_ns = self->due_ns; /* theirs, though it be reset before they run */
  while ((wait = ebb_waitq_head(&self->waiters)) != NULL) {
    wait->slot = self->round;
    ebb_wake(wait, EBB_OK);
  }
}

static int tick_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_interval *self = object;
  if (self->closed)
    return ebbL_pushoutcome(L, "closed");
  ebbL_check_rt(L, self->rt);
  refresh(self);
  if (self->due_ns > reached(self))
    return EBBL_WAIT;
  consume(self);
  ebbL_pushtime(L, self->last_ns);
  return 1;
}

static void tick_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebbL_interval *self = object;
  if (!ebb_timer_is_armed(&self->timer))
    arm(self);
  ebb_wait_link(&task->core, i, &tick_wait, self, &self->waiters, 0);
}

static int tick_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)at;
  ebbL_interval *self = object;
  if (task->core.status == EBB_ECLOSED)
    return ebbL_pushoutcome(L, "closed");
  if ((uint32_t)payload == self->round) {
    refresh(self); /* it may have been left over by a step long ago */
    if (self->due_ns <= reached(self))
      consume(self);
  }
  ebbL_pushtime(L, self->last_ns);
  return 1;
}

static const ebbL_opclass tick_class = {"interval tick", tick_attempt, NULL,
                                        tick_link,       tick_settle,  0};

/* --- making one --- */

static double check_period(lua_State *L, int arg)
{
  if (lua_type(L, arg) != LUA_TNUMBER)
    ebbL_typeerror(L, arg, "period in seconds");
  double period = lua_tonumber(L, arg);
  if (!(period >= 1e-9) || period == HUGE_VAL) {
    lua_pushvalue(L, arg);
    ebbL_argerror(
        L, arg,
        lua_pushfstring(L,
                        "period: positive and finite number of "
                        "seconds expected, got %s",
                        period == period ? lua_tostring(L, -1) : "NaN"));
  }
  return period;
}

static uint8_t check_missed(lua_State *L, int arg)
{
  static const char *const names[] = {"skip", "delay", "burst", NULL};
  uint8_t missed = MISSED_SKIP;
  if (lua_getfield(L, arg, "missed") != LUA_TNIL) {
    const char *name =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    while (names[missed] != NULL && strcmp(names[missed], name) != 0)
      missed++;
    if (names[missed] == NULL)
      ebbL_argerror(
          L, arg,
          lua_pushfstring(L,
                          "missed: 'skip', 'delay' or 'burst' expected, got %s",
                          luaL_tolstring(L, -1, NULL)));
  }
  lua_pop(L, 1);
  return missed;
}

int ebbL_newinterval(lua_State *L, int arg, ebb_clock *clock, int clock_idx)
{
  static const char *const options[] = {"missed", "immediate", NULL};
  ebbL_state *S = ebbL_S(L);
  double period = check_period(L, arg);
  uint8_t missed = MISSED_SKIP;
  bool immediate = false;
  if (!lua_isnoneornil(L, arg + 1)) {
    if (!lua_istable(L, arg + 1))
      ebbL_typeerror(L, arg + 1, "table of options");
    ebbL_checkkeys(L, arg + 1, options);
    missed = check_missed(L, arg + 1);
    lua_getfield(L, arg + 1, "immediate");
    immediate = lua_toboolean(L, -1);
  }
  ebbL_interval *self = ebbL_new(L, S, &interval_type, sizeof *self, 2);
  ebb_list_init(&self->waiters);
  ebb_timer_init(&self->timer, tick_fire);
  self->closed = true; /* until it is complete */
  self->rt = ebbL_own_rt(L, S);
  self->period_ns = period * 1e9;
  self->missed = missed;
  if (clock != NULL) {
    lua_pushvalue(L, clock_idx);
    lua_setiuservalue(L, -2, 2);
    self->clock = clock;
  }
  schedule(self, refresh(self), !immediate);
  self->closed = false;
  return 1;
}

static int l_interval(lua_State *L)
{
  return ebbL_newinterval(L, 1, NULL, 0);
}

/* --- methods
 * ---------------------------------------------------------------------------
 */

static int interval_tick(lua_State *L)
{
  ebbL_interval *self = ebbL_check(L, 1, &interval_type);
  lua_settop(L, 1); /* a for loop passes more */
  return ebbL_perform(L, &tick_class, self, interval_tick);
}

/* The next tick is a period from now; who waits, waits for that one. */
static int interval_reset(lua_State *L)
{
  ebbL_interval *self = ebbL_check(L, 1, &interval_type);
  if (self->closed)
    return ebbL_pushoutcome(L, "closed");
  ebbL_check_rt(L, self->rt);
  schedule(self, refresh(self), 1);
  if (ebb_timer_is_armed(&self->timer)) {
    disarm(self);
    arm(self);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int interval_close(lua_State *L)
{
  ebbL_interval *self = ebbL_check(L, 1, &interval_type);
  if (!self->closed) {
    self->closed = true;
    ebb_wake_all(&self->waiters, EBB_ECLOSED);
  }
  return 0;
}

static int interval_tostring(lua_State *L)
{
  ebbL_interval *self = ebbL_check(L, 1, &interval_type);
  if (self->closed)
    lua_pushliteral(L, "ebb.interval: closed");
  else
    lua_pushfstring(L, "ebb.interval: every %f s",
                    (LUAI_UACNUMBER)(self->period_ns / 1e9));
  return 1;
}

void ebbL_open_interval(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"interval", l_interval}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"tick", interval_tick},
                                     {"reset", interval_reset},
                                     {"close", interval_close},
                                     {NULL, NULL}};
  /* no __gc: who waits for it keeps it alive */
  static const luaL_Reg meta[] = {{"__call", interval_tick},
                                  {"__close", interval_close},
                                  {"__tostring", interval_tostring},
                                  {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &interval_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
