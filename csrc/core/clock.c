/* SPDX-License-Identifier: MIT */
#include "core/clock.h"

#define FRAME_SLACK_NS UINT64_C(1000)

/* --- frames by the runtime's time --- */

/* When frame k begins, to the nearest nanosecond. */
static uint64_t frame_ns(uint64_t k)
{
  uint64_t rest = k % EBB_FRAMES_PER_S * EBB_NS_PER_S;
  return k / EBB_FRAMES_PER_S * EBB_NS_PER_S +
         (rest + EBB_FRAMES_PER_S / 2) / EBB_FRAMES_PER_S;
}

/* The frame that at_ns is in. */
static uint64_t frame_at(uint64_t at_ns)
{
  return at_ns / EBB_NS_PER_S * EBB_FRAMES_PER_S +
         at_ns % EBB_NS_PER_S * EBB_FRAMES_PER_S / EBB_NS_PER_S;
}

/* The runtime's time at which the frames have got to at_ns. */
static uint64_t frame_due(uint64_t at_ns)
{
  if (at_ns == EBB_NEVER)
    return at_ns;
  uint64_t k = frame_at(at_ns);
  while (frame_ns(k) < at_ns)
    k++;
  uint64_t rest = k % EBB_FRAMES_PER_S * EBB_NS_PER_S;
  return k / EBB_FRAMES_PER_S * EBB_NS_PER_S +
         (rest + EBB_FRAMES_PER_S - 1) / EBB_FRAMES_PER_S;
}

/* --- the source --- */

static uint64_t source_now(ebb_clock *clock)
{
  switch (clock->kind) {
  case EBB_CLOCK_RT:
    return ebb_rt_refresh(clock->rt);
  case EBB_CLOCK_CHILD:
    return ebb_clock_refresh(clock->parent);
  case EBB_CLOCK_FRAME:
    if (!clock->stepped)
      return frame_ns(frame_at(ebb_rt_refresh(clock->rt)));
    return clock->source_ns;
  default:
    return clock->source_ns;
  }
}

/* Does it move only when it is told? */
static bool is_pushed(const ebb_clock *clock)
{
  return clock->kind == EBB_CLOCK_MANUAL ||
         (clock->kind == EBB_CLOCK_FRAME && clock->stepped);
}

static double rate_of(const ebb_clock *clock)
{
  return clock->paused ? 0 : clock->scale;
}

/* The clock's time at source_ns, and the fraction beyond. */
static uint64_t time_at(const ebb_clock *clock, uint64_t source_ns,
                        double *rest)
{
  uint64_t span_ns =
      source_ns > clock->base_source_ns ? source_ns - clock->base_source_ns : 0;
  double rate = rate_of(clock);
  *rest = clock->base_rest;
  if (rate == 1)
    return clock->base_ns + span_ns;
  double moved = (double)span_ns * rate + clock->base_rest;
  if (moved >= 9.2e18)
    return EBB_NEVER - 1 - FRAME_SLACK_NS;
  uint64_t whole = (uint64_t)moved;
  *rest = moved - (double)whole;
  return clock->base_ns + whole;
}

/* The earliest time of the source at which the clock says due_ns. */
static uint64_t source_due(const ebb_clock *clock, uint64_t due_ns)
{
  double rate = rate_of(clock);
  if (rate <= 0 || due_ns == EBB_NEVER)
    return EBB_NEVER;
  if (due_ns <= clock->base_ns)
    return clock->base_source_ns;
  uint64_t span_ns = due_ns - clock->base_ns;
  if (rate != 1) {
    double exact = ((double)span_ns - clock->base_rest) / rate;
    if (exact >= 9.2e18)
      return EBB_NEVER;
    span_ns = (uint64_t)exact;
    span_ns += (double)span_ns < exact;
  }
  return span_ns >= EBB_NEVER - clock->base_source_ns
             ? EBB_NEVER
             : clock->base_source_ns + span_ns;
}

uint64_t ebb_clock_refresh(ebb_clock *clock)
{
  double rest;
  uint64_t now_ns = time_at(clock, source_now(clock), &rest);
  if (now_ns > clock->now_ns)
    clock->now_ns = now_ns;
  return clock->now_ns;
}

/* The scale is about to change: what has passed stays passed. */
static void rebase(ebb_clock *clock)
{
  uint64_t source_ns = source_now(clock);
  double rest;
  uint64_t now_ns = time_at(clock, source_ns, &rest);
  if (now_ns < clock->now_ns)
    rest = 0;
  else
    clock->now_ns = now_ns;
  clock->base_ns = clock->now_ns;
  clock->base_rest = rest;
  clock->base_source_ns = source_ns;
}

/* --- the timer in the source's wheel --- */

static void disarm_source(ebb_clock *clock)
{
  if (!ebb_timer_is_armed(&clock->timer))
    return;
  if (clock->kind == EBB_CLOCK_CHILD)
    ebb_clock_disarm(clock->parent, &clock->timer);
  else
    ebb_timer_disarm(&clock->rt->timers, &clock->timer);
}

static void arm_source(ebb_clock *clock)
{
  uint64_t due_ns = ebb_timers_next(&clock->timers);
  if (ebb_timer_is_armed(&clock->timer)) {
    if (clock->timer_for_ns == due_ns)
      return;
    disarm_source(clock);
  }
  if (is_pushed(clock) || due_ns == EBB_NEVER)
    return;
  clock->timer_for_ns = due_ns;
  uint64_t wanted_ns = due_ns > clock->slack_ns ? due_ns - clock->slack_ns : 0;
  uint64_t at_ns = source_due(clock, wanted_ns);
  if (at_ns == EBB_NEVER)
    return;
  if (clock->kind == EBB_CLOCK_CHILD)
    ebb_clock_arm(clock->parent, &clock->timer, at_ns);
  else if (clock->kind == EBB_CLOCK_FRAME)
    ebb_timer_arm(&clock->rt->timers, &clock->timer, frame_due(at_ns));
  else
    ebb_timer_arm(&clock->rt->timers, &clock->timer, at_ns);
}

static void fire_due(ebb_clock *clock)
{
  ebb_timer *timer;
  while ((timer = ebb_timers_pop(&clock->timers, ebb_clock_reached(clock))) !=
         NULL)
    timer->fire(timer);
  arm_source(clock);
}

/* The source has got to the deadline; rounding must not say otherwise. */
static void clock_fire(ebb_timer *timer)
{
  ebb_clock *clock = ebb_container_of(timer, ebb_clock, timer);
  ebb_clock_refresh(clock);
  if (ebb_clock_reached(clock) < clock->timer_for_ns)
    clock->now_ns = clock->timer_for_ns - clock->slack_ns;
  fire_due(clock);
}

void ebb_clock_arm(ebb_clock *clock, ebb_timer *timer, uint64_t due_ns)
{
  ebb_timer_arm(&clock->timers, timer, due_ns);
  arm_source(clock);
}

void ebb_clock_disarm(ebb_clock *clock, ebb_timer *timer)
{
  ebb_timer_disarm(&clock->timers, timer);
  if (clock->timers.n_armed == 0)
    disarm_source(clock);
}

/* --- making and moving --- */

void ebb_clock_init(ebb_clock *clock, int kind, ebb_rt *rt, ebb_clock *parent,
                    double scale)
{
  *clock = (ebb_clock){.kind = (uint8_t)kind, .rt = rt, .parent = parent};
  clock->scale = scale;
  ebb_timer_init(&clock->timer, clock_fire);
  ebb_timers_init(&clock->timers, 0);
  if (kind == EBB_CLOCK_FRAME) {
    clock->slack_ns = FRAME_SLACK_NS;
    clock->stepped = rt->frame_number > 0;
    clock->source_ns = (uint64_t)(rt->frame_time_s * 1e9 + 0.5);
    rt->frame_clock = clock;
  }
  clock->base_source_ns = source_now(clock);
}

void ebb_clock_fini(ebb_clock *clock)
{
  disarm_source(clock);
  if (clock->kind == EBB_CLOCK_FRAME && clock->rt->frame_clock == clock)
    clock->rt->frame_clock = NULL;
}

static void rearm(ebb_clock *clock)
{
  disarm_source(clock);
  arm_source(clock);
}

void ebb_clock_set_scale(ebb_clock *clock, double scale)
{
  rebase(clock);
  clock->scale = scale;
  rearm(clock);
}

void ebb_clock_set_paused(ebb_clock *clock, bool paused)
{
  if (paused == clock->paused)
    return;
  rebase(clock);
  clock->paused = paused;
  rearm(clock);
}

void ebb_clock_advance(ebb_clock *clock, uint64_t span_ns)
{
  EBB_CHECK(clock->kind == EBB_CLOCK_MANUAL);
  clock->source_ns += span_ns;
  ebb_clock_refresh(clock);
  fire_due(clock);
}

void ebb_clock_frame(ebb_clock *clock, double frame_time_s)
{
  if (!clock->stepped) { /* from now on the host counts */
    rebase(clock);
    disarm_source(clock);
    clock->stepped = true;
    clock->base_source_ns = clock->source_ns;
  }
  clock->source_ns = (uint64_t)(frame_time_s * 1e9 + 0.5);
  ebb_clock_refresh(clock);
  fire_due(clock);
}

/* --- sleeping --- */

static void sleep_leave(ebb_wait *wait)
{
  ebb_sleep *sleep = wait->source;
  ebb_clock_disarm(sleep->clock, &sleep->timer);
  ebb_slab_put(&sleep->rt->sleeps, sleep);
}

static const ebb_wait_class clock_class = {"clock", false, sleep_leave};

static void clock_sleep_fire(ebb_timer *timer)
{
  ebb_wake(ebb_container_of(timer, ebb_sleep, timer)->wait, EBB_OK);
}

ebb_wait *ebb_clock_sleep_link(ebb_task *task, uint32_t i, ebb_clock *clock,
                               uint64_t due_ns)
{
  ebb_sleep *sleep = ebb_slab_get(&task->rt->sleeps);
  EBB_CHECK(sleep != NULL);
  sleep->rt = task->rt;
  sleep->clock = clock;
  sleep->wait = ebb_wait_link(task, i, &clock_class, sleep, NULL, 0);
  ebb_timer_init(&sleep->timer, clock_sleep_fire);
  ebb_clock_arm(clock, &sleep->timer, due_ns);
  return sleep->wait;
}

uint64_t ebb_clock_due_in(ebb_clock *clock, double seconds)
{
  uint64_t now_ns = ebb_clock_refresh(clock);
  if (!(seconds > 0))
    return now_ns;
  double ns = seconds * 1e9 + 0.5;
  if (ns >= 9.2e18 || (uint64_t)ns >= EBB_NEVER - now_ns)
    return EBB_NEVER;
  return now_ns + (uint64_t)ns;
}
