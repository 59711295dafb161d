/* SPDX-License-Identifier: MIT */
/* Schedule exploration: the same seed gives the same run, tasks are neither
   lost nor starved, and what is woken for nothing waits on. */
#include "check.h"
#include "core/shake.h"
#include "host.h"

enum { N = 6, MAX = 4000 };

typedef struct play {
  world w;
  ebb_shake shake;
  actor actors[N];
  ebb_waitq queue;
  int order[MAX], n;
  int n_nudged, n_collected, n_begun, n_ended;
  bool is_over;
} play;

static play p;

static void on_nudge(ebb_shake *shake, ebb_task *task, uint32_t where)
{
  (void)shake, (void)where;
  CHECK_EQ(task->state, EBB_TASK_PARKED);
  p.n_nudged++;
}

static void on_collect(ebb_shake *shake, int how, uint32_t n_steps)
{
  CHECK(how > EBB_COLLECT_NOTHING && how <= EBB_COLLECT_GENERATIONAL);
  CHECK(n_steps >= 1 && n_steps <= 16);
  CHECK(shake->collector != EBB_COLLECT_NOTHING);
  p.n_collected++;
}

static void on_begin(ebb_shake *shake, ebb_task *task)
{
  (void)shake;
  CHECK_EQ(task->state, EBB_TASK_RUNNING);
  p.n_begun++;
}

static void on_end(ebb_shake *shake, ebb_task *task)
{
  (void)shake;
  CHECK(task == NULL || task->state == EBB_TASK_READY ||
        task->state == EBB_TASK_PARKED);
  p.n_ended += task == NULL;
}

static const ebb_shake_host host = {on_nudge, on_collect, NULL, NULL};
static const ebb_shake_host noting_host = {on_nudge, on_collect, on_begin,
                                           on_end};

static void note(actor *self)
{
  if (p.n < MAX)
    p.order[p.n++] = (int)(self - p.actors);
}

/* Gives way, waits for the others, gives way, ends; the last one wakes all. */
static void step(actor *self)
{
  note(self);
  if (self->pc == 3 && self != &p.actors[N - 1]) {
    ebb_wait_link(&self->task, 0, &plain_class, &p.queue, &p.queue, 0);
    ebb_task_park(&self->task, 1);
  } else if (self->pc < 12) {
    ebb_task_yield(&self->task);
  } else {
    if (self == &p.actors[N - 1]) {
      ebb_wake_all(&p.queue, EBB_OK);
      p.is_over = true;
    }
    if (p.is_over || self == &p.actors[N - 1])
      actor_end(self);
    else
      ebb_task_yield(&self->task);
  }
}

static void play_seed(uint64_t seed, unsigned what, const ebb_shake_host *with)
{
  p = (play){.n = 0};
  world_open(&p.w);
  ebb_list_init(&p.queue);
  ebb_shake_init(&p.shake, with, seed, what);
  ebb_rt_shake(&p.w.rt, &p.shake);
  for (int i = 0; i < N; i++)
    actor_spawn(&p.w, &p.actors[i], step, NULL);
  for (int turn = 0; turn < 1000 && p.w.rt.n_alive > 0; turn++) {
    ebb_rt_run_ready(&p.w.rt, 7);
    if (p.is_over) /* who came later than the last one */
      ebb_wake_all(&p.queue, EBB_OK);
  }
  CHECK_EQ(p.w.rt.n_alive, 0);
  CHECK_EQ(p.shake.count.switches, p.n);
  CHECK_EQ(p.shake.count.nudges, p.n_nudged);
  CHECK_EQ(p.shake.count.collections, p.n_collected);
  CHECK(world_close(&p.w));
}

TEST(the_same_seed_gives_the_same_run)
{
  static play first;
  for (uint64_t seed = 0; seed < 200; seed++) {
    play_seed(seed, EBB_SHAKE_ALL, &host);
    first = p;
    play_seed(seed, EBB_SHAKE_ALL, &noting_host);
    CHECK_EQ(first.shake.digest, p.shake.digest);
    CHECK_EQ(first.shake.order, p.shake.order);
    CHECK_EQ(first.n, p.n);
    for (int i = 0; i < p.n; i++)
      CHECK_EQ(first.order[i], p.order[i]);
    CHECK_EQ(p.n_begun, p.n);
    CHECK_EQ(p.n_ended, N);
  }
}

TEST(different_seeds_give_different_runs)
{
  uint64_t orders[100];
  int n_different = 0;
  for (int i = 0; i < 100; i++) {
    play_seed((uint64_t)i, EBB_SHAKE_ALL, &host);
    bool is_new = true;
    for (int k = 0; k < i; k++)
      is_new = is_new && orders[k] != p.shake.order;
    orders[i] = p.shake.order;
    n_different += is_new;
  }
  CHECK(n_different > 90);
}

TEST(everything_happens)
{
  int n_nudged = 0, n_collected = 0, n_yields = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    play_seed(seed, EBB_SHAKE_ALL, &host);
    n_nudged += p.n_nudged;
    n_collected += p.n_collected;
    n_yields += (int)p.shake.count.yields;
  }
  CHECK(n_nudged > 100);
  CHECK(n_collected > 20);
  CHECK(n_yields > 100);
}

TEST(only_what_is_asked_for)
{
  for (uint64_t seed = 0; seed < 100; seed++) {
    play_seed(seed, 0, &host);
    CHECK_EQ(p.n_nudged + p.n_collected + (int)p.shake.count.yields, 0);
    play_seed(seed, EBB_SHAKE_NUDGES, &host);
    CHECK_EQ(p.n_collected + (int)p.shake.count.yields, 0);
    play_seed(seed, EBB_SHAKE_YIELDS, &host);
    CHECK_EQ(p.n_nudged + p.n_collected, 0);
  }
}

/* Whoever is ready runs again before the others have run for long. */
TEST(nobody_starves)
{
  for (uint64_t seed = 0; seed < 200; seed++) {
    play_seed(seed, EBB_SHAKE_ALL, &host);
    CHECK(p.n < 1000);
    int last[N] = {0};
    /* the first steps: all are ready until they have run three times */
    for (int i = 0; i < p.n; i++) {
      int n_runs = 0;
      for (int k = 0; k < i; k++)
        n_runs += p.order[k] == p.order[i];
      if (n_runs > 0 && n_runs < 3)
        CHECK(i - last[p.order[i]] < 17 * N);
      last[p.order[i]] = i;
    }
  }
}

TEST(without_a_shake_it_runs_as_usual)
{
  world_open(&p.w);
  p.n = 0;
  ebb_shake_init(&p.shake, &host, 1, EBB_SHAKE_ALL);
  ebb_rt_shake(&p.w.rt, &p.shake);
  ebb_rt_shake(&p.w.rt, NULL);
  for (int i = 0; i < N; i++)
    actor_spawn(&p.w, &p.actors[i], step_end, NULL);
  world_run(&p.w);
  CHECK_EQ(p.shake.count.switches, 0);
  CHECK(world_close(&p.w));
}

int main(void)
{
  RUN(the_same_seed_gives_the_same_run);
  RUN(different_seeds_give_different_runs);
  RUN(everything_happens);
  RUN(only_what_is_asked_for);
  RUN(nobody_starves);
  RUN(without_a_shake_it_runs_as_usual);
  return check_report();
}
