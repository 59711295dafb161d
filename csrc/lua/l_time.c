/* SPDX-License-Identifier: MIT */
/* now, sleep, after, at and next_frame. */
#include "lua/l_time.h"

#include "lua/l_clock.h"

#include <math.h>

/* --- conversions -----------------------------------------------------------
 */

void ebbL_pushtime(lua_State *L, uint64_t at_ns)
{
  lua_pushnumber(L, at_ns == EBB_NEVER ? HUGE_VAL : ebbL_seconds(at_ns));
}

uint64_t ebbL_due_at(double seconds)
{
  if (!(seconds > 0))
    return 0;
  double ns = seconds * 1e9;
  if (ns >= 9.2e18)
    return EBB_NEVER;
  uint64_t due_ns = (uint64_t)(ns + 0.5);
  return ebbL_seconds(due_ns) < seconds ? due_ns + 1 : due_ns;
}

/* --- whose clock -------------------------------------------------------------
 */

static ebbL_rt *current_rt(lua_State *L, ebbL_state *S)
{
  return S->current != NULL ? ebbL_rt_of(S->current->core.rt)
                            : ebbL_current_rt(L, S);
}

ebbL_rt *ebbL_own_rt(lua_State *L, ebbL_state *S)
{
  ebbL_rt *rt = current_rt(L, S);
  ebbL_pushrt(L, rt);
  lua_setiuservalue(L, -2, 1);
  return rt;
}

void ebbL_check_rt(lua_State *L, const ebbL_rt *rt)
{
  if (EBB_UNLIKELY(rt->closed))
    ebbL_error(L, "EBB052", "the runtime that it belongs to is closed");
}

static int l_now(lua_State *L)
{
  ebbL_rt *rt = current_rt(L, ebbL_S(L));
  lua_pushnumber(L, ebbL_seconds(ebb_rt_refresh(&rt->core)));
  return 1;
}

/* --- sleep --- */

static int sleep_k(lua_State *L, int status, lua_KContext ctx)
{
  EBBL_OWN_RESUME(L, ebbL_S(L), sleep_k, ctx);
  (void)status;
  ebbL_check_woken(L, (ebbL_task *)ctx);
  return 0;
}

void ebbL_sleep_reserve(lua_State *L, ebb_rt *rt)
{
  if (EBB_LIKELY(ebb_sleep_reserve(rt, 1)))
    return;
  ebbL_collect(L);
  if (!ebb_sleep_reserve(rt, 1))
    ebbL_nomem(L);
}

int ebbL_sleep_park(lua_State *L, ebbL_task *task)
{
  return ebbL_park(L, task, 1, sleep_k, (lua_KContext)task);
}

int ebbL_sleep_over(lua_State *L, ebbL_task *task)
{
  return ebbL_let_others(L, task, sleep_k, (lua_KContext)task);
}

/* A time that has come already still lets the others have their turn. */
static int sleep_task(lua_State *L, ebbL_task *task, uint64_t due_ns)
{
  ebbL_check_waiting(L, task);
  if (due_ns <= task->core.rt->now_ns)
    return ebbL_sleep_over(L, task);
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_sleep_link(&task->core, 0, &ebb_sleep_class, due_ns);
  return ebbL_sleep_park(L, task);
}

static int l_sleep(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  double seconds = ebbL_checkseconds(L, 1);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_sleep);
  return sleep_task(L, task,
                    ebb_due_in(ebb_rt_refresh(task->core.rt), seconds));
}

static int l_sleep_until(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  double at = ebbL_checkseconds(L, 1);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_sleep_until);
  ebb_rt_refresh(task->core.rt);
  return sleep_task(L, task, ebbL_due_at(at));
}

/* --- after, at --- */

static int after_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)task, (void)at;
  if (((ebbL_op *)object)->seconds > 0)
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void after_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  uint64_t now_ns = ebb_rt_refresh(task->core.rt);
  ebb_sleep_link(&task->core, i, &ebb_sleep_class,
                 ebb_due_in(now_ns, ((ebbL_op *)object)->seconds));
}

static int at_attempt(lua_State *L, ebbL_task *task, void *object, int at)
{
  (void)at;
  if (((ebbL_op *)object)->due_ns > ebb_rt_refresh(task->core.rt))
    return EBBL_WAIT;
  lua_pushboolean(L, 1);
  return 1;
}

static void at_link(ebbL_task *task, uint32_t i, void *object, int payload)
{
  (void)payload;
  ebb_sleep_link(&task->core, i, &ebb_sleep_class, ((ebbL_op *)object)->due_ns);
}

static int time_settle(lua_State *L, ebbL_task *task, void *object, int at,
                       int payload)
{
  (void)task, (void)object, (void)at, (void)payload;
  lua_pushboolean(L, 1);
  return 1;
}

static const ebbL_opclass after_class = {
    "after",    after_attempt, NULL,
    after_link, time_settle,   EBBL_TIMED | EBBL_IGNORES_AT};
static const ebbL_opclass at_class = {
    "at", at_attempt, NULL, at_link, time_settle, EBBL_TIMED | EBBL_IGNORES_AT};

void ebbL_pushat(lua_State *L, ebbL_state *S, uint64_t due_ns)
{
  ebbL_newop(L, S, &at_class, 0, 0)->due_ns = due_ns;
}

static int l_after(lua_State *L)
{
  double seconds = ebbL_checkseconds(L, 1);
  ebbL_newop(L, ebbL_S(L), &after_class, 0, 0)->seconds = seconds;
  return 1;
}

static int l_at(lua_State *L)
{
  double at = ebbL_checkseconds(L, 1);
  ebbL_pushat(L, ebbL_S(L), ebbL_due_at(at));
  return 1;
}

/* --- frames ---

   task->frame_seen_s is where the task's previous frame was: the sum of all dt
   in a stepped runtime; minus the number of the frame where nobody steps and
   frames are counted by the clock, FRAMES_PER_S of them a second. */

#define FRAMES_PER_S 60

static const ebb_wait_class clock_frame_class = {"next_frame", false,
                                                 ebb_sleep_leave};

static int frame_k(lua_State *L, int status, lua_KContext ctx)
{
  EBBL_OWN_RESUME(L, ebbL_S(L), frame_k, ctx);
  (void)status;
  ebbL_task *task = (ebbL_task *)ctx;
  ebb_rt *rt = task->core.rt;
  ebbL_check_woken(L, task);
  double seen_s = task->frame_seen_s;
  task->frame_seen_s = rt->frame_time_s;
  lua_pushnumber(L, seen_s < 0 ? rt->frame_dt_s : rt->frame_time_s - seen_s);
  return 1;
}

static int clock_frame_k(lua_State *L, int status, lua_KContext ctx)
{
  EBBL_OWN_RESUME(L, ebbL_S(L), clock_frame_k, ctx);
  (void)status;
  ebbL_task *task = ebbL_S(L)->current;
  ebbL_check_woken(L, task);
  double frame = (double)ctx, seen = -task->frame_seen_s;
  task->frame_seen_s = -frame;
  lua_pushnumber(L, (seen > 0 ? frame - seen : 1) / FRAMES_PER_S);
  return 1;
}

static int l_next_frame(lua_State *L)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_task *task = ebbL_self(L, S);
  if (EBB_UNLIKELY(task == NULL))
    return ebbL_drive(L, S, l_next_frame);
  ebbL_check_waiting(L, task);
  ebb_rt *rt = task->core.rt;
  if (EBB_LIKELY(ebbL_rt_of(rt)->stepped)) {
    ebb_wait_link(&task->core, 0, &ebb_frame_class, rt, &rt->frame, 0);
    return ebbL_park(L, task, 1, frame_k, (lua_KContext)task);
  }
  /* the first whole frame after now, in steps that cannot overflow */
  uint64_t now_ns = ebb_rt_refresh(rt);
  uint64_t frame = now_ns / EBB_NS_PER_S * FRAMES_PER_S +
                   now_ns % EBB_NS_PER_S * FRAMES_PER_S / EBB_NS_PER_S + 1;
  uint64_t rest_ns =
      (frame % FRAMES_PER_S * EBB_NS_PER_S + FRAMES_PER_S - 1) / FRAMES_PER_S;
  uint64_t due_ns = frame / FRAMES_PER_S * EBB_NS_PER_S + rest_ns;
  ebbL_sleep_reserve(L, rt);
  ebb_sleep_link(&task->core, 0, &clock_frame_class, due_ns);
  return ebbL_park(L, task, 1, clock_frame_k, (lua_KContext)frame);
}

void ebbL_open_time(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {
      {"now", l_now},     {"sleep", l_sleep},
      {"after", l_after}, {"sleep_until", l_sleep_until},
      {"at", l_at},       {"next_frame", l_next_frame},
      {NULL, NULL},
  };
  ebbL_setfuncs(L, S, funcs);
  ebbL_open_timer(L, S);
  ebbL_open_interval(L, S);
  ebbL_open_clock(L, S);
}
