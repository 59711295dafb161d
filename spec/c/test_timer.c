/* SPDX-License-Identifier: MIT */
/* Deadlines one by one: order, exactness, far away and in the past, disarming
   wherever a timer may be, and a million of them. Random use against a model
   is in test_timer_model.c. */
#include <stdint.h>
#include <stdlib.h>

#include "base/rng.h"
#include "check.h"
#include "core/timer.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S  EBB_NS_PER_S

#define TICK (UINT64_C(1) << 16) /* width of the finest slot */

/* Not 0, not at the start of a slot. */
#define START (1000 * S + 12345)

static ebb_timers timers;

static void nothing(ebb_timer *timer)
{
  (void)timer;
}

static void setup(ebb_timer *timer, size_t n)
{
  ebb_timers_init(&timers, START);
  for (size_t i = 0; i < n; i++)
    ebb_timer_init(&timer[i], nothing);
}

/* Everything is gone and nobody would wake. */
static void check_empty(void)
{
  CHECK_EQ(timers.n_armed, 0);
  CHECK_EQ(ebb_timers_next(&timers), EBB_NEVER);
  CHECK(ebb_timers_pop(&timers, EBB_NEVER - 1) == NULL);
}

TEST(none)
{
  ebb_timer t;
  setup(&t, 1);
  CHECK(!ebb_timer_is_armed(&t));
  CHECK(t.fire == nothing);
  ebb_timer_disarm(&timers, &t);
  CHECK(ebb_timers_pop(&timers, START) == NULL);
  check_empty();
}

/* Never a nanosecond early, and at once when it is time, whatever the
   distance. */
TEST(exact_to_the_nanosecond)
{
  ebb_timer t;
  for (unsigned bit = 0; bit < 63; bit++) {
    for (int64_t off = -1; off <= 1; off++) {
      uint64_t due_ns = START + (UINT64_C(1) << bit) + (uint64_t)off;
      if (due_ns <= START)
        continue;
      setup(&t, 1);
      ebb_timer_arm(&timers, &t, due_ns);
      CHECK(ebb_timer_is_armed(&t));
      CHECK_EQ(timers.n_armed, 1);
      CHECK_EQ(ebb_timers_next(&timers), due_ns);
      CHECK(ebb_timers_pop(&timers, START) == NULL);
      CHECK(ebb_timers_pop(&timers, due_ns - 1) == NULL);
      CHECK_EQ(ebb_timers_next(&timers), due_ns);
      CHECK(ebb_timers_pop(&timers, due_ns) == &t);
      CHECK(!ebb_timer_is_armed(&t));
      CHECK_EQ(t.due_ns, due_ns);
      check_empty();
    }
  }
}

TEST(neighbours_of_one_nanosecond)
{
  enum { N = 400 };
  static ebb_timer t[N];
  uint64_t base_ns = ((START >> 16) + 70) * TICK - N / 2; /* across slots */
  setup(t, N);
  for (unsigned i = 0; i < N; i++)
    ebb_timer_arm(&timers, &t[(i * 7) % N], base_ns + (i * 7) % N);
  for (unsigned i = 0; i < N; i++) {
    CHECK_EQ(ebb_timers_next(&timers), base_ns + i);
    CHECK(ebb_timers_pop(&timers, base_ns + i - 1) == NULL);
    CHECK(ebb_timers_pop(&timers, base_ns + i) == &t[i]);
    CHECK(ebb_timers_pop(&timers, base_ns + i) == NULL);
  }
  check_empty();
}

/* The same deadline, armed from nearer and nearer: each goes to another place,
   still the first one armed is the first to fire. */
TEST(equal_deadlines_in_order_of_arming)
{
  enum { N = 64 };
  ebb_timer t[N];
  uint64_t due_ns = START + 5 * 3600 * S;
  int n = 0;
  setup(t, N);
  for (uint64_t left_ns = 5 * 3600 * S; left_ns > 0; left_ns >>= 1) {
    CHECK(ebb_timers_pop(&timers, due_ns - left_ns) == NULL);
    ebb_timer_arm(&timers, &t[n++], due_ns);
  }
  CHECK(n > 40);
  CHECK_EQ(timers.n_armed, n);
  for (int i = 0; i < n; i++)
    CHECK(ebb_timers_pop(&timers, due_ns) == &t[i]);
  check_empty();
}

TEST(the_past_fires_at_once)
{
  ebb_timer t[5];
  setup(t, 5);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == NULL);
  ebb_timer_arm(&timers, &t[0], START + 10 * S);
  ebb_timer_arm(&timers, &t[1], START);
  ebb_timer_arm(&timers, &t[2], 0);
  ebb_timer_arm(&timers, &t[3], START + 10 * S + 1);
  ebb_timer_arm(&timers, &t[4], START);
  CHECK_EQ(ebb_timers_next(&timers), 0);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == &t[2]);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == &t[1]);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == &t[4]);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == &t[0]);
  CHECK(ebb_timers_pop(&timers, START + 10 * S) == NULL);
  CHECK(ebb_timers_pop(&timers, START + 10 * S + 1) == &t[3]);
  check_empty();
}

TEST(never_is_armed_and_wakes_nobody)
{
  ebb_timer t[3];
  setup(t, 3);
  ebb_timer_arm(&timers, &t[0], EBB_NEVER);
  ebb_timer_arm(&timers, &t[1], EBB_NEVER);
  CHECK(ebb_timer_is_armed(&t[0]));
  CHECK_EQ(timers.n_armed, 2);
  CHECK_EQ(ebb_timers_next(&timers), EBB_NEVER);
  ebb_timer_arm(&timers, &t[2], START + S);
  CHECK_EQ(ebb_timers_next(&timers), START + S);
  CHECK(ebb_timers_pop(&timers, EBB_NEVER - 1) == &t[2]);
  CHECK(ebb_timers_pop(&timers, EBB_NEVER) == NULL);
  ebb_timer_disarm(&timers, &t[0]);
  ebb_timer_disarm(&timers, &t[0]);
  CHECK_EQ(timers.n_armed, 1);
  CHECK(!ebb_timer_is_armed(&t[0]));
  ebb_timer_disarm(&timers, &t[1]);
  check_empty();
}

TEST(the_end_of_time)
{
  static const uint64_t due_ns[] = {(UINT64_C(1) << 63) - 1, UINT64_C(1) << 63,
                                    (UINT64_C(1) << 63) + 1, EBB_NEVER - TICK,
                                    EBB_NEVER - 2,           EBB_NEVER - 1};
  enum { N = sizeof due_ns / sizeof *due_ns };
  ebb_timer t[N];
  setup(t, N);
  for (int i = N - 1; i >= 0; i--)
    ebb_timer_arm(&timers, &t[i], due_ns[i]);
  for (int i = 0; i < N; i++) {
    CHECK_EQ(ebb_timers_next(&timers), due_ns[i]);
    CHECK(ebb_timers_pop(&timers, due_ns[i] - 1) == NULL);
    CHECK(ebb_timers_pop(&timers, due_ns[i]) == &t[i]);
  }
  check_empty();
  ebb_timer_arm(&timers, &t[0], EBB_NEVER - 1); /* now is there already */
  CHECK(ebb_timers_pop(&timers, EBB_NEVER - 1) == &t[0]);
}

/* One timer at every level of the wheel, with a neighbour in its slot before
   and after it, disarmed in several orders. */
TEST(disarm_in_the_wheel)
{
  enum { LEVELS = EBB_WHEEL_LEVELS, N = 3 * LEVELS };
  static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
  ebb_timer t[N];
  for (int o = 0; o < 4; o++) {
    setup(t, N);
    ebb_timers_init(&timers, 0);
    for (unsigned i = 0; i < N; i++)
      ebb_timer_arm(&timers, &t[i], (TICK << (6 * (i / 3))) + i % 3);
    for (int level = 0; level < LEVELS; level++)
      CHECK(timers.occupied[level] != 0);
    for (int k = 0; k < 3; k++) {
      for (int level = 0; level < LEVELS; level++) {
        CHECK(timers.occupied[level] != 0);
        ebb_timer_disarm(&timers, &t[level * 3 + orders[o][k]]);
        ebb_timer_disarm(&timers, &t[level * 3 + orders[o][k]]);
      }
      CHECK_EQ(timers.n_armed, (2 - k) * LEVELS);
    }
    for (int level = 0; level < LEVELS; level++)
      CHECK_EQ(timers.occupied[level], 0);
    check_empty();
  }
}

/* Each of 40 near timers alone (the root, its children, theirs), in a heap
   that was worked before so that it has some depth. */
TEST(disarm_in_the_heap)
{
  enum { N = 40 };
  ebb_timer t[N], first;
  for (int gone = 0; gone < N; gone++) {
    setup(t, N);
    ebb_timer_init(&first, nothing);
    ebb_timer_arm(&timers, &first, START - 100);
    for (unsigned i = 0; i < N; i++)
      ebb_timer_arm(&timers, &t[(i * 11) % N], START + (i * 11) % N);
    CHECK(ebb_timers_pop(&timers, START - 1) == &first);
    CHECK(timers.near != NULL);
    ebb_timer_disarm(&timers, &t[gone]);
    ebb_timer_disarm(&timers, &t[gone]);
    CHECK(!ebb_timer_is_armed(&t[gone]));
    CHECK_EQ(timers.n_armed, N - 1);
    CHECK_EQ(ebb_timers_next(&timers), START + (gone == 0));
    for (int i = 0; i < N; i++)
      if (i != gone)
        CHECK(ebb_timers_pop(&timers, START + N) == &t[i]);
    check_empty();
  }
}

TEST(rearm_after_pop_and_disarm)
{
  ebb_timer t[2];
  uint64_t now_ns = START;
  setup(t, 2);
  ebb_timer_arm(&timers, &t[0], now_ns + 300 * US);
  ebb_timer_arm(&timers, &t[1], now_ns + 3600 * S);
  for (unsigned i = 1; i <= 1000; i++) {
    now_ns = ebb_timers_next(&timers);
    CHECK_EQ(now_ns, START + i * 300 * US);
    CHECK(ebb_timers_pop(&timers, now_ns) == &t[0]);
    CHECK(ebb_timers_pop(&timers, now_ns) == NULL);
    ebb_timer_arm(&timers, &t[0], now_ns + 300 * US);
    ebb_timer_disarm(&timers, &t[1]); /* a timeout that is pushed back */
    ebb_timer_arm(&timers, &t[1], now_ns + 3600 * S);
  }
  CHECK_EQ(timers.n_armed, 2);
  ebb_timer_disarm(&timers, &t[0]);
  ebb_timer_disarm(&timers, &t[1]);
  check_empty();
}

/* After a disarm `next` may name a time at which nothing is due, but looking
   there moves it on: who follows it sleeps a few times too often, never too
   long and never without end. */
TEST(next_after_a_disarm_is_early_at_most)
{
  enum { N = 1000 };
  static ebb_timer t[N];
  int n_empty = 0, n_popped = 0;
  setup(t, N);
  for (unsigned i = 0; i < N; i++)
    ebb_timer_arm(&timers, &t[i], START + (i + 1) * 37 * MS);
  for (unsigned i = 0; i < N; i++)
    if (i % 10 != 9)
      ebb_timer_disarm(&timers, &t[i]);
  for (uint64_t now_ns; (now_ns = ebb_timers_next(&timers)) != EBB_NEVER;) {
    ebb_timer *timer = ebb_timers_pop(&timers, now_ns);
    if (timer != NULL) {
      CHECK_EQ(timer->due_ns, now_ns);
      CHECK(timer == &t[10 * n_popped + 9]);
      n_popped++;
    } else {
      CHECK(ebb_timers_next(&timers) > now_ns);
      n_empty++;
    }
  }
  CHECK_EQ(n_popped, N / 10);
  CHECK(n_empty <= EBB_WHEEL_LEVELS * N / 10);
  check_empty();
}

enum { MANY = 1000000 };
static ebb_timer many[MANY];

TEST(a_million_at_once)
{
  setup(many, MANY);
  for (int i = 0; i < MANY; i++)
    ebb_timer_arm(&timers, &many[i], START + 10 * S);
  CHECK(ebb_timers_pop(&timers, START + 10 * S - 1) == NULL);
  int n_wrong = 0;
  for (int i = 0; i < MANY; i++)
    n_wrong += ebb_timers_pop(&timers, START + 10 * S) != &many[i];
  CHECK_EQ(n_wrong, 0);
  check_empty();
}

/* Over an hour, half of them disarmed, the rest in order; the last two tenths
   are disarmed in the heap. */
TEST(a_million_over_an_hour)
{
  ebb_rng rng;
  ebb_rng_init(&rng, 7);
  setup(many, MANY);
  for (int i = 0; i < MANY; i++)
    ebb_timer_arm(&timers, &many[i], START + ebb_rng_next(&rng) % (3600 * S));
  for (int i = 0; i < MANY; i += 2)
    ebb_timer_disarm(&timers, &many[i]);
  int n_wrong = 0, n_popped = 0;
  uint64_t last_ns = 0;
  while (n_popped < MANY / 10 * 3) {
    uint64_t now_ns = ebb_timers_next(&timers) + 10 * MS;
    for (ebb_timer *timer; (timer = ebb_timers_pop(&timers, now_ns)) != NULL;
         n_popped++) {
      n_wrong += timer->due_ns < last_ns || timer->due_ns > now_ns;
      last_ns = timer->due_ns;
    }
  }
  ebb_timer *timer = ebb_timers_pop(&timers, START + 3600 * S);
  CHECK(timer != NULL && timer->due_ns >= last_ns);
  for (int i = 1; i < MANY; i += 2)
    ebb_timer_disarm(&timers, &many[i]);
  CHECK_EQ(n_wrong, 0);
  check_empty();
}

int main(void)
{
  RUN(none);
  RUN(exact_to_the_nanosecond);
  RUN(neighbours_of_one_nanosecond);
  RUN(equal_deadlines_in_order_of_arming);
  RUN(the_past_fires_at_once);
  RUN(never_is_armed_and_wakes_nobody);
  RUN(the_end_of_time);
  RUN(disarm_in_the_wheel);
  RUN(disarm_in_the_heap);
  RUN(rearm_after_pop_and_disarm);
  RUN(next_after_a_disarm_is_early_at_most);
  RUN(a_million_at_once);
  RUN(a_million_over_an_hour);
  return check_report();
}
