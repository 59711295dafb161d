/* SPDX-License-Identifier: MIT */
/* The executor on virtual time: order, limits, time, sleeps. */
#include <math.h>

#include "check.h"
#include "core/clock.h"
#include "host.h"

enum { N = 200 };

typedef struct journal {
  world w;
  actor actors[N];
  int order[4 * N], n;
} journal;

static void note(actor *self)
{
  journal *j = self->data;
  j->order[j->n++] = (int)(self - j->actors);
}

/* Gives way twice before it ends. */
static void step_yield(actor *self)
{
  note(self);
  if (self->pc < 2)
    ebb_task_yield(&self->task);
  else
    actor_end(self);
}

static void open_journal(journal *j, int n, void (*step)(actor *))
{
  world_open(&j->w);
  j->n = 0;
  for (int i = 0; i < n; i++)
    actor_spawn(&j->w, &j->actors[i], step, j);
}

TEST(ready_is_fifo)
{
  static journal j;
  open_journal(&j, N, step_yield);
  CHECK_EQ(j.w.rt.n_alive, N);
  CHECK_EQ(j.actors[0].task.id + N - 1, j.actors[N - 1].task.id);
  world_run(&j.w);
  CHECK_EQ(j.n, 3 * N);
  for (int i = 0; i < j.n; i++)
    CHECK_EQ(j.order[i], i % N);
  CHECK_EQ(j.w.rt.count.spawned, N);
  CHECK_EQ(j.w.rt.count.polls, 3 * N);
  CHECK(world_close(&j.w));
}

/* A turn runs what was ready when it began, and no more than the limit. */
TEST(a_turn_is_limited)
{
  static journal j;
  open_journal(&j, 10, step_yield);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 4), 4);
  CHECK_EQ(j.n, 4);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 100), 10);
  CHECK_EQ(j.n, 14);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 0), 0);
  world_run(&j.w);
  CHECK(world_close(&j.w));
}

/* A task may end others that are ready in the same turn. */
static void step_kill_next(actor *self)
{
  journal *j = self->data;
  actor_kill(&j->actors[1]);
  actor_kill(&j->actors[2]);
  actor_end(self);
}

TEST(a_task_ends_others)
{
  static journal j;
  open_journal(&j, 3, step_kill_next);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 3), 1);
  CHECK_EQ(j.w.rt.n_alive, 0);
  CHECK(world_close(&j.w));
}

TEST(joiners_wake_in_order)
{
  static journal j;
  actor last;
  ebb_waitq queue;
  ebb_list_init(&queue);
  open_journal(&j, 0, NULL);
  actor_spawn(&j.w, &last, step_wait, &queue);
  for (int i = 0; i < 5; i++)
    actor_spawn(&j.w, &j.actors[i], step_wait, &last.task.joiners);
  world_run(&j.w);
  ebb_wake_all(&queue, EBB_OK);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 1), 1);
  CHECK_EQ(j.w.rt.n_ready, 5);
  int i = 0;
  ebb_list_foreach(node, &j.w.rt.ready)
    CHECK(ebb_container_of(node, ebb_task, link) == &j.actors[i++].task);
  world_run(&j.w);
  CHECK(world_close(&j.w));
}

TEST(a_seed_is_reproducible)
{
  static journal a, b, c;
  journal *all[] = {&a, &b, &c};
  for (int i = 0; i < 3; i++) {
    open_journal(all[i], N, step_yield);
    ebb_rt_seed(&all[i]->w.rt, i == 2 ? 8 : 7);
    world_run(&all[i]->w);
    CHECK_EQ(all[i]->n, 3 * N);
    CHECK(world_close(&all[i]->w));
  }
  CHECK(memcmp(a.order, b.order, sizeof(int) * 3 * N) == 0);
  CHECK(memcmp(a.order, c.order, sizeof(int) * 3 * N) != 0);
  int runs[N] = {0}, n_moved = 0;
  for (int i = 0; i < 3 * N; i++) {
    runs[a.order[i]]++;
    n_moved += a.order[i] != i % N;
  }
  for (int i = 0; i < N; i++)
    CHECK_EQ(runs[i], 3);
  CHECK(n_moved > N);
}

TEST(seeds_reach_every_order)
{
  bool seen[27] = {false};
  int n_seen = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    static journal j;
    open_journal(&j, 3, step_yield);
    ebb_rt_seed(&j.w.rt, seed);
    CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 3), 3);
    int order = j.order[0] * 9 + j.order[1] * 3 + j.order[2];
    n_seen += !seen[order];
    seen[order] = true;
    world_run(&j.w);
    CHECK(world_close(&j.w));
  }
  /* the first to run may be picked again, before one that has not run */
  CHECK(n_seen >= 6);
  for (int first = 0; first < 3; first++)
    CHECK(seen[first * 9 + (first + 1) % 3 * 3 + (first + 2) % 3] &&
          seen[first * 9 + (first + 2) % 3 * 3 + (first + 1) % 3]);
}

static void step_turn_over(actor *self)
{
  journal *j = self->data;
  j->w.rt.turn_over = true;
  step_yield(self);
}

/* Who has set turn_over is the last to run, and the next turn is a whole one.
 */
TEST(a_turn_can_be_cut_short)
{
  static journal j;
  open_journal(&j, 5, step_yield);
  j.actors[2].step = step_turn_over;
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 100), 3);
  CHECK_EQ(j.n, 3);
  CHECK_EQ(j.w.rt.n_ready, 5);
  CHECK_EQ(ebb_rt_run_ready(&j.w.rt, 100), 5);
  world_run(&j.w);
  CHECK(world_close(&j.w));
}

/* --- time --- */

static uint64_t read_clock(void *ud)
{
  return *(uint64_t *)ud;
}

TEST(now_never_goes_back)
{
  ebb_rt rt;
  ebb_alloc alloc;
  uint64_t clock_ns = 500;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_rt_init(&rt, &actor_host, &alloc, read_clock, &clock_ns);
  CHECK_EQ(rt.now_ns, 500);
  clock_ns = 400;
  CHECK_EQ(ebb_rt_refresh(&rt), 500);
  clock_ns = 501;
  CHECK_EQ(ebb_rt_refresh(&rt), 501);
  ebb_rt_advance(&rt, 500);
  CHECK_EQ(rt.now_ns, 501);
  ebb_rt_advance(&rt, 502);
  CHECK_EQ(rt.now_ns, 502);
  ebb_rt_fini(&rt);
  world w;
  world_open(&w);
  CHECK_EQ(ebb_rt_refresh(&w.rt), 0);
  CHECK(world_close(&w));
}

static void step_sleep_note(actor *self)
{
  if (self->pc == 1) {
    CHECK_EQ(self->task.rt->now_ns, self->due_ns);
    note(self);
  }
  step_sleep(self);
}

TEST(sleepers_wake_in_order_of_time)
{
  static journal j;
  open_journal(&j, N, step_sleep_note);
  for (int i = 0; i < N; i++)
    j.actors[i].due_ns = 1 + (uint64_t)(i * 7919 % 50) * 1000003;
  CHECK_EQ(ebb_rt_next_due(&j.w.rt), EBB_NEVER);
  ebb_rt_run_ready(&j.w.rt, N);
  CHECK_EQ(ebb_rt_next_due(&j.w.rt), 1);
  CHECK_EQ(ebb_rt_fire(&j.w.rt), 0);
  world_pass(&j.w, EBB_NS_PER_S);
  CHECK_EQ(j.n, N);
  for (int i = 1; i < j.n; i++) {
    uint64_t before_ns = j.actors[j.order[i - 1]].due_ns;
    uint64_t due_ns = j.actors[j.order[i]].due_ns;
    CHECK(before_ns < due_ns ||
          (before_ns == due_ns && j.order[i - 1] < j.order[i]));
  }
  CHECK_EQ(j.w.rt.now_ns, EBB_NS_PER_S);
  CHECK(world_close(&j.w));
}

TEST(fire_says_how_many)
{
  static journal j;
  open_journal(&j, 10, step_sleep_note);
  for (int i = 0; i < 10; i++)
    j.actors[i].due_ns = i < 6 ? 100 : 101;
  ebb_rt_run_ready(&j.w.rt, 10);
  ebb_rt_advance(&j.w.rt, 99);
  CHECK_EQ(ebb_rt_fire(&j.w.rt), 0);
  ebb_rt_advance(&j.w.rt, 100);
  CHECK_EQ(ebb_rt_fire(&j.w.rt), 6);
  world_run(&j.w);
  world_pass(&j.w, 101);
  CHECK(world_close(&j.w));
}

/* A select of sleeps: the earliest wins, and none is leaked; neither by an
   interrupt, nor when there is no memory. */
static void step_sleeps(actor *self)
{
  if (self->pc > 0) {
    actor_end(self);
    return;
  }
  CHECK(ebb_task_reserve(&self->task, 5) != NULL);
  world *w = self->data;
  w->fail_at = 0;
  CHECK(!ebb_sleep_reserve(self->task.rt, 5));
  w->fail_at = 1L << 60;
  CHECK(ebb_sleep_reserve(self->task.rt, 5));
  w->fail_at = 0; /* from here on nothing may ask for memory */
  for (uint32_t i = 0; i < 5; i++)
    ebb_sleep_link(&self->task, i, &ebb_sleep_class, 1000 - 100 * i);
  ebb_task_park(&self->task, 5);
}

TEST(sleeps_are_not_leaked)
{
  for (int interrupted = 0; interrupted < 2; interrupted++) {
    world w;
    actor a;
    world_open(&w);
    actor_spawn(&w, &a, step_sleeps, &w);
    world_run(&w);
    CHECK_EQ(w.rt.sleeps.n_live, 5);
    CHECK_EQ(w.rt.timers.n_armed, 5);
    if (interrupted) {
      ebb_task_interrupt(&a.task, EBB_ECANCELLED);
    } else {
      ebb_rt_advance(&w.rt, 5000);
      CHECK_EQ(ebb_rt_fire(&w.rt), 1); /* the others left with it */
      CHECK_EQ(a.task.arm, 4);
    }
    CHECK_EQ(w.rt.sleeps.n_live, 0);
    CHECK_EQ(w.rt.timers.n_armed, 0);
    world_run(&w);
    CHECK(world_close(&w));
  }
}

static void step_clock_sleeps(actor *self)
{
  if (self->pc > 0) {
    actor_end(self);
    return;
  }
  CHECK(ebb_task_reserve(&self->task, 2) != NULL);
  CHECK(ebb_sleep_reserve(self->task.rt, 2));
  for (uint32_t i = 0; i < 2; i++)
    ebb_clock_sleep_link(&self->task, i, self->data, 1000 * (i + 1));
  ebb_task_park(&self->task, 2);
}

/* The same on a clock: its timer leaves the runtime with the last sleeper. */
TEST(sleeps_on_a_clock_are_not_leaked)
{
  for (int interrupted = 0; interrupted < 2; interrupted++) {
    world w;
    actor a;
    ebb_clock clock;
    world_open(&w);
    ebb_clock_init(&clock, EBB_CLOCK_RT, &w.rt, NULL, 2);
    actor_spawn(&w, &a, step_clock_sleeps, &clock);
    world_run(&w);
    CHECK_EQ(w.rt.sleeps.n_live, 2);
    CHECK_EQ(w.rt.timers.n_armed, 1);
    if (interrupted) {
      ebb_task_interrupt(&a.task, EBB_ECANCELLED);
    } else {
      ebb_rt_advance(&w.rt, 499);
      CHECK_EQ(ebb_rt_fire(&w.rt), 0);
      ebb_rt_advance(&w.rt, 500);
      CHECK_EQ(ebb_rt_fire(&w.rt), 1);
      CHECK_EQ(a.task.arm, 0);
    }
    CHECK_EQ(w.rt.sleeps.n_live, 0);
    CHECK_EQ(w.rt.timers.n_armed, 0);
    world_run(&w);
    ebb_clock_fini(&clock);
    CHECK(world_close(&w));
  }
}

TEST(frames)
{
  world w;
  actor a[3];
  world_open(&w);
  for (int i = 0; i < 3; i++)
    actor_spawn(&w, &a[i], step_wait, &w.rt.frame);
  world_run(&w);
  CHECK_EQ(w.rt.n_alive, 3);
  ebb_rt_frame(&w.rt, 0.25);
  CHECK_EQ(w.rt.n_ready, 3);
  ebb_rt_frame(&w.rt, 0.5);
  CHECK_EQ(w.rt.n_ready, 3);
  CHECK_EQ(w.rt.frame_number, 2);
  CHECK(w.rt.frame_dt_s == 0.5 && w.rt.frame_time_s == 0.75);
  world_run(&w);
  CHECK(world_close(&w));
}

/* Cleanups count as deadlines too; a shielded task is left alone. */
TEST(next_due_looks_at_both)
{
  world w;
  actor a, b;
  ebb_region shield;
  world_open(&w);
  actor_spawn(&w, &a, step_sleep, NULL);
  a.due_ns = 1000;
  actor_spawn(&w, &b, step_end, NULL);
  ebb_rt_run_ready(&w.rt, 1);
  CHECK_EQ(ebb_rt_next_due(&w.rt), 1000);
  ebb_region_open(&shield, &b.task, EBB_REGION_SHIELD);
  ebb_task_cancel_by(&b.task, 400);
  CHECK_EQ(ebb_rt_next_due(&w.rt), 400);
  ebb_rt_advance(&w.rt, 400);
  CHECK_EQ(ebb_rt_fire(&w.rt), 0);
  CHECK_EQ(b.n_overdue, 1);
  CHECK_EQ(ebb_rt_next_due(&w.rt), 1000);
  ebb_region_close(&shield);
  world_pass(&w, 1000);
  CHECK(world_close(&w));
}

static const double spans_s[] = {
    1e-12, 1e-9,       1.5e-9, 1e-7, 0.1,   0.3,   1,     1.0000000001,
    3600,  123456.789, 1e8,    9e9,  9.1e9, 9.2e9, 1e300, 0.001};

TEST(due_in_saturates_and_is_never_early)
{
  static const uint64_t starts_ns[] = {0, 1, 12345, UINT64_C(1) << 62,
                                       EBB_NEVER - 5};
  for (size_t i = 0; i < sizeof starts_ns / sizeof *starts_ns; i++) {
    uint64_t now_ns = starts_ns[i];
    CHECK(ebb_due_in(now_ns, 0) == now_ns);
    CHECK(ebb_due_in(now_ns, -1) == now_ns);
    CHECK(ebb_due_in(now_ns, -1e300) == now_ns);
    CHECK(ebb_due_in(now_ns, (double)NAN) == now_ns);
    CHECK(ebb_due_in(now_ns, (double)INFINITY) == EBB_NEVER);
    CHECK(ebb_due_in(now_ns, 1e300) == EBB_NEVER);
    CHECK(ebb_due_in(now_ns, 5e-324) == now_ns + 1);
    for (size_t k = 0; k < sizeof spans_s / sizeof *spans_s; k++) {
      uint64_t due_ns = ebb_due_in(now_ns, spans_s[k]);
      CHECK(due_ns > now_ns);
      if (due_ns != EBB_NEVER) {
        CHECK((double)(due_ns - now_ns) >= spans_s[k] * 1e9);
        CHECK((double)(due_ns - now_ns) <= spans_s[k] * 1e9 + 1);
      }
    }
  }
  CHECK(ebb_due_in(EBB_NEVER - 10, 5e-9) == EBB_NEVER - 5);
  CHECK(ebb_due_in(EBB_NEVER - 10, 1e-6) == EBB_NEVER);
  CHECK_EQ(ebb_due_in(1000, 1e-9), 1001);
  CHECK_EQ(ebb_due_in(0, 1), EBB_NS_PER_S);
}

int main(void)
{
  RUN(ready_is_fifo);
  RUN(a_turn_is_limited);
  RUN(a_task_ends_others);
  RUN(joiners_wake_in_order);
  RUN(a_seed_is_reproducible);
  RUN(seeds_reach_every_order);
  RUN(a_turn_can_be_cut_short);
  RUN(now_never_goes_back);
  RUN(sleepers_wake_in_order_of_time);
  RUN(fire_says_how_many);
  RUN(sleeps_are_not_leaked);
  RUN(sleeps_on_a_clock_are_not_leaked);
  RUN(frames);
  RUN(next_due_looks_at_both);
  RUN(due_in_saturates_and_is_never_early);
  return check_report();
}
