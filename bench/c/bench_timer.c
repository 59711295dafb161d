/* SPDX-License-Identifier: MIT */
/* What the timers of the core cost, without Lua. Prints the median CPU time of
   some rounds, in ns an operation.

     cc -std=c11 -O2 -Icsrc bench/c/bench_timer.c csrc/core/timer.c -o t && ./t
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "core/timer.h"

#define MS    UINT64_C(1000000)
#define START (1000 * EBB_NS_PER_S + 12345)

enum { N_OTHERS = 100000, N_ROUNDS = 9, N_PAIRS = 2000000, N_MANY = 1000000 };

static ebb_timers timers;
static ebb_timer others[N_MANY];
static ebb_rng rng;

static void setup(size_t n)
{
  ebb_timers_init(&timers, START);
  ebb_rng_init(&rng, 1);
  for (size_t i = 0; i < n; i++)
    ebb_timer_init(&others[i], NULL);
}

static uint64_t in_1_to_1000_ms(void)
{
  return MS + ebb_rng_next(&rng) % (999 * MS);
}

/* The timeout around something that is done before it. Time passes slowly:
   1 us a pair. */
static long arm_and_disarm(size_t n_others, uint64_t after_ns)
{
  ebb_timer timer;
  uint64_t now_ns = START;
  setup(n_others);
  for (size_t i = 0; i < n_others; i++)
    ebb_timer_arm(&timers, &others[i], START + 60000 * MS + in_1_to_1000_ms());
  ebb_timer_init(&timer, NULL);
  for (int i = 0; i < N_PAIRS; i++) {
    ebb_timer_arm(&timers, &timer, now_ns + after_ns);
    ebb_timer_disarm(&timers, &timer);
    now_ns += 1000;
    if (i % 64 == 0)
      ebb_timers_pop(&timers, now_ns);
  }
  return N_PAIRS;
}

static long pairs_alone(void)
{
  return arm_and_disarm(0, 10000 * MS);
}

static long pairs_among_others(void)
{
  return arm_and_disarm(N_OTHERS, 10000 * MS);
}

/* In the slot in which the wheel stands: the heap. */
static long pairs_near(void)
{
  return arm_and_disarm(N_OTHERS, 1);
}

/* All are armed, then time goes on in steps of 100 us. */
static long insert_and_fire(size_t n, uint64_t (*after_ns)(void))
{
  uint64_t now_ns = START;
  setup(n);
  for (size_t i = 0; i < n; i++)
    ebb_timer_arm(&timers, &others[i], START + after_ns());
  while (timers.n_armed > 0) {
    now_ns += MS / 10;
    while (ebb_timers_pop(&timers, now_ns) != NULL)
      ;
  }
  return (long)n;
}

static long fire_spread(void)
{
  return insert_and_fire(N_OTHERS, in_1_to_1000_ms);
}

static long fire_spread_many(void)
{
  return insert_and_fire(N_MANY, in_1_to_1000_ms);
}

static uint64_t in_500_ms(void)
{
  return 500 * MS;
}

static long fire_together(void)
{
  return insert_and_fire(N_OTHERS, in_500_ms);
}

/* 100 000 sleepers; the one that wakes sleeps again. Time goes from deadline
   to deadline, as under a virtual clock. */
static long sleep_again(void)
{
  setup(N_OTHERS);
  for (size_t i = 0; i < N_OTHERS; i++)
    ebb_timer_arm(&timers, &others[i], START + in_1_to_1000_ms());
  for (int i = 0; i < N_OTHERS; i++) {
    uint64_t now_ns = ebb_timers_next(&timers);
    ebb_timer *timer = ebb_timers_pop(&timers, now_ns);
    ebb_timer_arm(&timers, timer, now_ns + in_1_to_1000_ms());
  }
  return N_OTHERS;
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, long (*run)(void))
{
  double ns[N_ROUNDS];
  for (int i = 0; i < N_ROUNDS; i++) {
    clock_t began = clock();
    long n = run();
    ns[i] = (double)(clock() - began) * 1e9 / CLOCKS_PER_SEC / (double)n;
  }
  qsort(ns, N_ROUNDS, sizeof *ns, compare);
  printf("%-44s %8.1f ns\n", name, ns[N_ROUNDS / 2]);
}

int main(void)
{
  printf("sizeof(ebb_timer) %zu, sizeof(ebb_timers) %zu\n", sizeof(ebb_timer),
         sizeof(ebb_timers));
  measure("arm and disarm", pairs_alone);
  measure("arm and disarm, 100000 others", pairs_among_others);
  measure("arm and disarm within 65 us, 100000 others", pairs_near);
  measure("arm and fire, 100000 in 1 to 1000 ms", fire_spread);
  measure("arm and fire, 1000000 in 1 to 1000 ms", fire_spread_many);
  measure("arm and fire, 100000 at once", fire_together);
  measure("fire and arm again, among 100000", sleep_again);
  return 0;
}
