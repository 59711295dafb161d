/* SPDX-License-Identifier: MIT */
/* Broadcast and watch: lag, order, what is kept and when it is let go, versions
   that wrap (BC1, BC4, BC5, BC8-BC10, BC13, WA3-WA7, R38, R39, R93-R95). */
#include "check.h"
#include "sync/broadcast.h"
#include "sync/watch.h"
#include "waiting.h"

#include "base/rng.h"

#define CAP_MAX 8
#define N_SUBS  6

static ebb_broadcast bc;
static ebb_broadcast_sub subs[N_SUBS];
static uint64_t slots[CAP_MAX]; /* 0: empty */
static uint64_t handed[N_TASKS];
static uint64_t sent;

static void hand(ebb_wait *wait, void *ud)
{
  (void)ud;
  handed[wait->task - tasks] = sent;
}

static void trim(void)
{
  uint64_t from, base, to = ebb_broadcast_trim(&bc, &from, &base);
  for (; from < to; from++)
    slots[(from - base) % bc.cap] = 0;
}

static void send(void)
{
  sent++;
  if (bc.n_subs == 0)
    return;
  slots[ebb_broadcast_slot(&bc, bc.tail)] = sent;
  ebb_broadcast_send(&bc, hand, NULL);
  trim();
}

/* The value, 0 for none, or minus the number missed. */
static int64_t recv(int i)
{
  uint64_t n;
  switch (ebb_broadcast_recv(&subs[i], &n)) {
  case EBB_OK: {
    int64_t value = (int64_t)slots[n];
    trim();
    return value;
  }
  case EBB_BROADCAST_LAGGED:
    trim();
    return -(int64_t)n;
  default:
    return 0;
  }
}

static void start(uint64_t cap)
{
  memset(slots, 0, sizeof slots);
  sent = 0;
  ebb_broadcast_init(&bc, cap);
}

static int n_kept(void)
{
  int n = 0;
  for (int i = 0; i < CAP_MAX; i++)
    n += slots[i] != 0;
  return n;
}

TEST(lag_is_told_once)
{
  for (uint64_t cap = 1; cap <= CAP_MAX; cap++) {
    start(cap);
    send(); /* nobody there */
    ebb_broadcast_subscribe(&bc, &subs[0]);
    ebb_broadcast_subscribe(&bc, &subs[1]);
    for (uint64_t i = 0; i < cap + 3; i++)
      send();
    CHECK_EQ(n_kept(), cap);
    ebb_broadcast_close(&bc);
    CHECK_EQ(recv(0), -3);
    for (uint64_t i = 0; i < cap; i++)
      CHECK_EQ(recv(0), 5 + i);
    CHECK_EQ(recv(0), 0);
    CHECK_EQ(n_kept(), cap);
    ebb_broadcast_unsubscribe(&subs[1]);
    ebb_broadcast_unsubscribe(&subs[1]);
    trim();
    CHECK_EQ(n_kept(), 0);
    ebb_broadcast_unsubscribe(&subs[0]);
    CHECK_EQ(bc.n_subs, 0);
  }
}

TEST(slots_begin_anew_when_all_has_been_received)
{
  start(1000000);
  ebb_broadcast_subscribe(&bc, &subs[0]);
  for (int i = 1; i <= 1000; i++) {
    send();
    CHECK_EQ(ebb_broadcast_slot(&bc, subs[0].next), 0);
    CHECK_EQ(recv(0), i);
  }
  ebb_broadcast_unsubscribe(&subs[0]);
}

static void wait_sub(int task, int sub)
{
  ebb_broadcast_link(run_task(task), 0, &subs[sub], 0);
  park(task, 1);
}

TEST(who_waits_gets_the_value_at_once)
{
  begin();
  start(2);
  ebb_broadcast_subscribe(&bc, &subs[0]);
  ebb_broadcast_subscribe(&bc, &subs[1]);
  wait_sub(0, 0);
  wait_sub(1, 0); /* two tasks, one subscription: one of them gets it */
  ebb_broadcast_link(run_task(2), 0, &subs[0], 0);
  ebb_broadcast_link(&tasks[2], 1, &subs[1], 0);
  park(2, 2);
  send();
  CHECK_EQ(handed[0], 1);
  CHECK(tasks[0].took);
  CHECK(is_waiting(1));
  CHECK_EQ(handed[2], 1); /* by its second node */
  CHECK_EQ(tasks[2].arm, 1);
  CHECK_EQ(n_kept(), 0);
  ebb_broadcast_unsubscribe(&subs[0]);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  ebb_broadcast_unsubscribe(&subs[1]);
  end();
}

/* Against a model: every subscription sees every value or its loss. */
TEST(random_operations)
{
  ebb_rng rng;
  ebb_rng_init(&rng, 5);
  for (uint64_t cap = 1; cap <= CAP_MAX; cap++) {
    uint64_t expected[N_SUBS];
    bool open[N_SUBS] = {false};
    start(cap);
    for (int round = 0; round < 20000; round++) {
      int i = (int)ebb_rng_below(&rng, N_SUBS);
      uint32_t what = ebb_rng_below(&rng, 8);
      if (what < 3) {
        send();
      } else if (!open[i]) {
        ebb_broadcast_subscribe(&bc, &subs[i]);
        open[i] = true;
        expected[i] = sent + 1;
      } else if (what == 3) {
        ebb_broadcast_unsubscribe(&subs[i]);
        trim();
        open[i] = false;
      } else {
        int64_t got = recv(i);
        uint64_t first = sent + 1 > cap ? sent + 1 - cap : 1;
        if (got < 0) {
          CHECK_EQ(expected[i] + (uint64_t)-got, first);
          expected[i] = first;
        } else if (got > 0) {
          CHECK_EQ(got, expected[i]);
          expected[i]++;
        } else {
          CHECK_EQ(expected[i], sent + 1);
        }
      }
      uint64_t behind = 0;
      for (int k = 0; k < N_SUBS; k++)
        if (open[k] && sent + 1 - expected[k] > behind)
          behind = sent + 1 - expected[k];
      CHECK_EQ(n_kept(), behind < cap ? behind : cap);
      if (check_failures_here > 0)
        return;
    }
    for (int k = 0; k < N_SUBS; k++)
      if (open[k])
        ebb_broadcast_unsubscribe(&subs[k]);
  }
}

static ebb_watch watch;
static ebb_watch_sub seen, other;

TEST(a_watch_tells_what_is_new)
{
  begin();
  ebb_watch_init(&watch);
  watch.version = UINT64_MAX;
  ebb_watch_subscribe(&watch, &seen);
  ebb_watch_subscribe(&watch, &other);
  CHECK_EQ(ebb_watch_changed(&seen), EBB_EAGAIN);
  ebb_watch_set(&watch); /* wraps */
  ebb_watch_set(&watch);
  CHECK_EQ(ebb_watch_changed(&seen), EBB_OK);
  CHECK_EQ(ebb_watch_changed(&seen), EBB_EAGAIN);
  ebb_watch_link(run_task(0), 0, &seen, 0);
  park(0, 1);
  ebb_watch_link(run_task(1), 0, &other, 0);
  park(1, 1);
  ebb_watch_unsubscribe(&other);
  CHECK_EQ(tasks[1].status, EBB_ECLOSED);
  CHECK(is_waiting(0));
  ebb_watch_set(&watch);
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(!tasks[0].took);
  ebb_watch_close(&watch);
  CHECK_EQ(ebb_watch_changed(&seen), EBB_OK);
  CHECK_EQ(ebb_watch_changed(&seen), EBB_ECLOSED);
  CHECK_EQ(ebb_watch_changed(&other), EBB_ECLOSED);
  end();
}

int main(void)
{
  RUN(lag_is_told_once);
  RUN(slots_begin_anew_when_all_has_been_received);
  RUN(who_waits_gets_the_value_at_once);
  RUN(random_operations);
  RUN(a_watch_tells_what_is_new);
  return check_report();
}
