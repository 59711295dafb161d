/* SPDX-License-Identifier: MIT */
/* ebb.timer: one deadline that many awaits may look at. It is armed only while
   someone waits for it, so an abandoned one wakes nobody up. */
#include "lua/l_time.h"

typedef struct ebbL_timer {
  ebbL_header head; /* user value 1: the runtime */
  ebbL_rt *rt;
  uint64_t due_ns;
  uint64_t fired_ns; /* the deadline that woke its waiters */
  ebb_waitq waiters;
  ebb_timer timer;
  bool closed;
} ebbL_timer;

static const ebbL_opclass timer_class;
static const ebbL_type timer_type = {"ebb.timer", &timer_class, NULL};

/* --- waiting --- */

static void timer_leave(ebb_wait *wait)
{
  ebbL_timer *self = wait->source;
  if (ebb_list_is_empty(&self->waiters))
    ebb_timer_disarm(&self->rt->core.timers, &self->timer);
}

static const ebb_wait_class timer_wait = {"timer", false, timer_leave};

static void timer_fire(ebb_timer *timer)
{
  ebbL_timer *self = ebb_container_of(timer, ebbL_timer, timer);
  self->fired_ns = self->due_ns;
  ebb_wake_all(&self->waiters, EBB_OK);
}

static int timer_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  ebbL_timer *self = object;
  if (self->closed)
    return ebbL_pushoutcome(L, "closed");
  ebbL_check_rt(L, self->rt);
  if (self->due_ns > ebb_rt_refresh(&self->rt->core))
    return EBBL_WAIT;
  ebbL_pushtime(L, self->due_ns);
  return 1;
}

static void timer_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  ebbL_timer *self = object;
  if (ebb_list_is_empty(&self->waiters))
    ebb_timer_arm(&self->rt->core.timers, &self->timer, self->due_ns);
  ebb_wait_link(&task->core, i, &timer_wait, self, &self->waiters,
                (uint32_t)payload);
}

static int timer_settle(lua_State *L, ebbL_task *task, void *object, int at,
                        int payload)
{
  (void)at, (void)payload;
  if (task->core.status == EBB_ECLOSED)
    return ebbL_pushoutcome(L, "closed");
  ebbL_pushtime(L, ((ebbL_timer *)object)->fired_ns);
  return 1;
}

static const ebbL_opclass timer_class = {"timer",    timer_attempt, NULL,
                                         timer_link, timer_settle,  0};

/* --- methods --- */

static int l_timer(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  double seconds = ebbL_checkseconds(L, 1);
  ebbL_timer *self = ebbL_new(L, S, &timer_type, sizeof *self, 1);
  ebb_list_init(&self->waiters);
  ebb_timer_init(&self->timer, timer_fire);
  self->closed = true; /* until it is complete */
  self->rt = ebbL_own_rt(L, S);
  self->due_ns = ebb_due_in(ebb_rt_refresh(&self->rt->core), seconds);
  self->closed = false;
  return 1;
}

/* Who waits goes on waiting, for the new deadline. */
static int timer_reset(lua_State *L)
{
  ebbL_timer *self = ebbL_check(L, 1, &timer_type);
  double seconds = ebbL_checkseconds(L, 2);
  if (self->closed)
    return ebbL_pushoutcome(L, "closed");
  ebbL_check_rt(L, self->rt);
  ebb_rt *rt = &self->rt->core;
  self->due_ns = ebb_due_in(ebb_rt_refresh(rt), seconds);
  if (!ebb_list_is_empty(&self->waiters)) {
    ebb_timer_disarm(&rt->timers, &self->timer);
    ebb_timer_arm(&rt->timers, &self->timer, self->due_ns);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int timer_deadline(lua_State *L)
{
  ebbL_timer *self = ebbL_check(L, 1, &timer_type);
  ebbL_pushtime(L, self->due_ns);
  return 1;
}

static bool has_fired(ebbL_timer *self)
{
  if (self->closed)
    return false;
  uint64_t now_ns = self->rt->closed ? self->rt->core.now_ns
                                     : ebb_rt_refresh(&self->rt->core);
  return self->due_ns <= now_ns;
}

static int timer_fired(lua_State *L)
{
  ebbL_timer *self = ebbL_check(L, 1, &timer_type);
  lua_pushboolean(L, has_fired(self));
  return 1;
}

static int timer_close(lua_State *L)
{
  ebbL_timer *self = ebbL_check(L, 1, &timer_type);
  if (!self->closed) {
    self->closed = true;
    ebb_wake_all(&self->waiters, EBB_ECLOSED);
  }
  return 0;
}

static int timer_tostring(lua_State *L)
{
  ebbL_timer *self = ebbL_check(L, 1, &timer_type);
  if (self->closed)
    lua_pushliteral(L, "ebb.timer: closed");
  else if (has_fired(self))
    lua_pushliteral(L, "ebb.timer: fired");
  else if (self->due_ns == EBB_NEVER)
    lua_pushliteral(L, "ebb.timer: never fires");
  else
    lua_pushfstring(
        L, "ebb.timer: fires in %I ms",
        (LUAI_UACINT)((self->due_ns - self->rt->core.now_ns + 999999) /
                      1000000));
  return 1;
}

void ebbL_open_timer(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"timer", l_timer}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"reset", timer_reset}, {"deadline", timer_deadline},
      {"fired", timer_fired}, {"close", timer_close},
      {NULL, NULL},
  };
  /* no __gc: who waits for it keeps it alive */
  static const luaL_Reg meta[] = {
      {"__close", timer_close}, {"__tostring", timer_tostring}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_newtype(L, S, &timer_type, methods, meta);
  lua_getfield(L, -1, "__index");
  ebbL_addopmethods(L, S);
  lua_pop(L, 2);
}
