/* SPDX-License-Identifier: MIT */
/* Clocks without tasks: scale, pause, children and frames, and random changes
   against what the definition says. */
#include "base/rng.h"
#include "check.h"
#include "core/clock.h"

#define MS UINT64_C(1000000)
#define S  EBB_NS_PER_S

static ebb_rt rt;
static ebb_alloc alloc;
static uint64_t last_due_ns;
static int n_fired;

static void setup(void)
{
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_rt_init(&rt, NULL, &alloc, NULL, NULL);
  last_due_ns = 0;
  n_fired = 0;
}

static void fired(ebb_timer *timer)
{
  CHECK(timer->due_ns >= last_due_ns);
  last_due_ns = timer->due_ns;
  n_fired++;
}

static void run_to(uint64_t now_ns)
{
  ebb_rt_advance(&rt, now_ns);
  ebb_rt_fire(&rt);
}

TEST(one_source_timer)
{
  ebb_clock clock;
  ebb_timer timers[3];
  setup();
  ebb_clock_init(&clock, EBB_CLOCK_RT, &rt, NULL, 2);
  for (int i = 0; i < 3; i++) {
    ebb_timer_init(&timers[i], fired);
    ebb_clock_arm(&clock, &timers[i], (uint64_t)(3 - i) * S);
  }
  CHECK_EQ(rt.timers.n_armed, 1);
  CHECK_EQ(ebb_rt_next_due(&rt), S / 2);
  run_to(S / 2 - 1);
  CHECK_EQ(n_fired, 0);
  run_to(S / 2);
  CHECK_EQ(n_fired, 1);
  CHECK_EQ(ebb_clock_refresh(&clock), S);
  ebb_clock_disarm(&clock, &timers[1]);
  ebb_clock_disarm(&clock, &timers[0]);
  CHECK_EQ(rt.timers.n_armed, 0);
  ebb_clock_fini(&clock);
  ebb_rt_fini(&rt);
}

TEST(never_early_in_order)
{
  enum { N = 500 };
  static ebb_timer timers[N];
  setup();
  for (uint64_t seed = 1; seed <= 50; seed++) {
    ebb_rng rng;
    ebb_clock clock, child;
    ebb_rng_init(&rng, seed);
    last_due_ns = 0;
    n_fired = 0;
    ebb_clock_init(&clock, EBB_CLOCK_RT, &rt, NULL, 1);
    ebb_clock_init(&child, EBB_CLOCK_CHILD, &rt, &clock, 0.5);
    for (int i = 0; i < N; i++) {
      ebb_timer_init(&timers[i], fired);
      ebb_clock_arm(&child, &timers[i], ebb_rng_below(&rng, 1000) * MS);
    }
    double expected_ns = 0, scale = 1;
    uint64_t at_ns = rt.now_ns;
    bool paused = false;
    while (n_fired < N) {
      uint64_t span_ns = ebb_rng_below(&rng, 20) * MS + 1;
      at_ns += span_ns;
      run_to(at_ns);
      expected_ns += paused ? 0 : (double)span_ns * scale * 0.5;
      double off_ns = (double)ebb_clock_refresh(&child) - expected_ns;
      CHECK(off_ns < 100 && off_ns > -100);
      int n_due = 0;
      for (int i = 0; i < N; i++)
        n_due += timers[i].due_ns <= child.now_ns;
      CHECK_EQ(n_fired, n_due);
      paused = ebb_rng_below(&rng, 4) == 0;
      ebb_clock_set_paused(&clock, paused);
      scale = ebb_rng_below(&rng, 9) / 3.0;
      ebb_clock_set_scale(&clock, scale);
    }
    CHECK_EQ(rt.timers.n_armed, 0);
    ebb_clock_fini(&child);
    ebb_clock_fini(&clock);
  }
  ebb_rt_fini(&rt);
}

TEST(frames)
{
  ebb_clock clock;
  ebb_timer timer;
  setup();
  ebb_clock_init(&clock, EBB_CLOCK_FRAME, &rt, NULL, 1);
  ebb_timer_init(&timer, fired);
  for (uint64_t i = 1; i <= 600; i++) {
    ebb_clock_arm(&clock, &timer, ebb_clock_due_in(&clock, 1.0 / 60));
    CHECK_EQ(ebb_rt_next_due(&rt), (i * S + 59) / 60);
    run_to(ebb_rt_next_due(&rt));
    CHECK_EQ(n_fired, i);
  }
  CHECK_EQ(ebb_clock_refresh(&clock), 10 * S);
  for (int i = 1; i <= 600; i++) { /* now the host steps */
    ebb_clock_arm(&clock, &timer, ebb_clock_due_in(&clock, 1.0 / 60));
    CHECK_EQ(rt.timers.n_armed, i == 1); /* until the first frame */
    ebb_rt_frame(&rt, 1.0 / 60);
    CHECK_EQ(n_fired, 600 + i);
  }
  CHECK_EQ(ebb_clock_refresh(&clock), 20 * S);
  ebb_clock_fini(&clock);
  CHECK(rt.frame_clock == NULL);
  ebb_rt_fini(&rt);
}

TEST(by_hand_and_for_ever)
{
  ebb_clock clock;
  ebb_timer timer, never;
  setup();
  ebb_clock_init(&clock, EBB_CLOCK_MANUAL, &rt, NULL, 0);
  ebb_timer_init(&timer, fired);
  ebb_timer_init(&never, fired);
  ebb_clock_arm(&clock, &timer, S);
  ebb_clock_arm(&clock, &never, EBB_NEVER);
  ebb_clock_advance(&clock, 100 * S);
  CHECK_EQ(clock.now_ns, 0);
  ebb_clock_set_scale(&clock, 1e-3);
  ebb_clock_advance(&clock, 999 * S);
  CHECK_EQ(n_fired, 0);
  ebb_clock_advance(&clock, S);
  CHECK_EQ(n_fired, 1);
  CHECK_EQ(ebb_clock_due_in(&clock, 1e300), EBB_NEVER);
  ebb_clock_disarm(&clock, &never);
  ebb_clock_fini(&clock);
  ebb_rt_fini(&rt);
}

/* What is less than a nanosecond is kept when the scale changes. */
TEST(fractions_add_up)
{
  ebb_clock clock;
  setup();
  ebb_clock_init(&clock, EBB_CLOCK_MANUAL, &rt, NULL, 0.25);
  for (int i = 0; i < 1000; i++) {
    ebb_clock_advance(&clock, 1);
    ebb_clock_set_scale(&clock, 0.25);
  }
  CHECK_EQ(ebb_clock_refresh(&clock), 250);
  ebb_clock_fini(&clock);
  ebb_rt_fini(&rt);
}

/* Times so large that they cannot come, and scales that make them so. */
TEST(beyond_all_time)
{
  ebb_clock clock, child;
  ebb_timer timer;
  setup();
  ebb_clock_init(&clock, EBB_CLOCK_MANUAL, &rt, NULL, 1e-6);
  ebb_timer_init(&timer, fired);
  ebb_clock_arm(&clock, &timer,
                (uint64_t)9e18); /* the source never gets there */
  CHECK_EQ(n_fired, 0);
  ebb_clock_advance(&clock, S);
  CHECK_EQ(n_fired, 0);
  ebb_clock_disarm(&clock, &timer);
  ebb_clock_fini(&clock);
  ebb_clock_init(&clock, EBB_CLOCK_RT, &rt, NULL, 1e9);
  ebb_clock_init(&child, EBB_CLOCK_CHILD, &rt, &clock, 1e9);
  ebb_timer_init(&timer, fired);
  ebb_clock_arm(&child, &timer, (uint64_t)5e18);
  run_to(3600 * S); /* more than there is time for: it stands at the end */
  CHECK(ebb_clock_refresh(&clock) >= (uint64_t)9e18 ||
        ebb_clock_refresh(&clock) > 0);
  CHECK_EQ(n_fired, 1);
  CHECK(ebb_clock_due_in(&child, 9.3e9) == EBB_NEVER ||
        ebb_clock_due_in(&child, 9.3e9) > ebb_clock_refresh(&child));
  ebb_clock_fini(&child);
  ebb_clock_fini(&clock);
  ebb_rt_fini(&rt);
}

/* The second clock of frames takes the first one's place. */
TEST(two_clocks_of_frames)
{
  ebb_clock first, second;
  setup();
  ebb_clock_init(&first, EBB_CLOCK_FRAME, &rt, NULL, 1);
  ebb_clock_init(&second, EBB_CLOCK_FRAME, &rt, NULL, 1);
  CHECK(rt.frame_clock == &second);
  ebb_clock_fini(&first);
  CHECK(rt.frame_clock == &second);
  ebb_clock_fini(&second);
  CHECK(rt.frame_clock == NULL);
  ebb_rt_fini(&rt);
}

int main(void)
{
  RUN(one_source_timer);
  RUN(never_early_in_order);
  RUN(frames);
  RUN(by_hand_and_for_ever);
  RUN(fractions_add_up);
  RUN(beyond_all_time);
  RUN(two_clocks_of_frames);
  return check_report();
}
