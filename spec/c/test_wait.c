/* SPDX-License-Identifier: MIT */
/* The waiting protocol, regions and the cancelling of tasks. */
#include "check.h"
#include "host.h"

/* --- several nodes, one wake --- */

enum { N_QUEUES = 12 };

typedef struct select_world {
  ebb_waitq queues[N_QUEUES];
  int n_left, n_nodes;
  bool refused;
} select_world;

static void on_leave(ebb_wait *wait)
{
  select_world *s = wait->source;
  s->n_left++;
  CHECK(!ebb_list_is_linked(&wait->link));
  CHECK_EQ(wait->task->n_waits, 0);
}

static const ebb_wait_class leave_class = {"leave", true, on_leave};

static void step_select(actor *self)
{
  select_world *s = self->data;
  if (self->pc > 0) {
    actor_end(self);
    return;
  }
  if (ebb_task_reserve(&self->task, (uint32_t)s->n_nodes) == NULL) {
    s->refused = true;
    CHECK_EQ(self->task.cap_waits, 1);
    CHECK(self->task.waits == &self->task.wait0);
    actor_end(self);
    return;
  }
  for (int i = 0; i < s->n_nodes; i++)
    ebb_wait_link(&self->task, (uint32_t)i, &leave_class, s, &s->queues[i], 0);
  ebb_task_park(&self->task, (uint32_t)s->n_nodes);
}

static void open_select(world *w, select_world *s, actor *a, int n_nodes)
{
  world_open(w);
  *s = (select_world){.n_nodes = n_nodes};
  for (int i = 0; i < N_QUEUES; i++)
    ebb_list_init(&s->queues[i]);
  actor_spawn(w, a, step_select, s);
}

static void check_none_linked(select_world *s)
{
  for (int i = 0; i < N_QUEUES; i++)
    CHECK(ebb_list_is_empty(&s->queues[i]));
}

TEST(select_is_woken_once)
{
  for (int n = 1; n <= N_QUEUES; n++) {
    for (int winner = 0; winner < n; winner++) {
      world w;
      select_world s;
      actor a;
      open_select(&w, &s, &a, n);
      world_run(&w);
      CHECK_EQ(a.task.state, EBB_TASK_PARKED);
      for (int i = 0; i < N_QUEUES; i++)
        CHECK_EQ(ebb_list_is_empty(&s.queues[i]), i >= n);
      CHECK_EQ(ebb_wake_all(&s.queues[winner], EBB_ECLOSED), 1);
      check_none_linked(&s);
      CHECK_EQ(s.n_left, n);
      CHECK_EQ(a.task.arm, winner);
      CHECK_EQ(a.task.status, EBB_ECLOSED);
      CHECK(!a.task.took);
      CHECK_EQ(a.task.state, EBB_TASK_READY);
      CHECK_EQ(w.rt.n_ready, 1);
      for (int i = 0; i < n; i++)
        CHECK_EQ(ebb_wake_all(&s.queues[i], EBB_OK), 0);
      world_run(&w);
      CHECK_EQ(w.rt.count.wakeups, 1);
      CHECK(world_close(&w));
    }
  }
}

TEST(took_only_when_ok)
{
  world w;
  select_world s;
  actor a;
  open_select(&w, &s, &a, 2);
  world_run(&w);
  ebb_wake(ebb_waitq_head(&s.queues[1]), EBB_OK);
  CHECK(a.task.took);
  world_run(&w);
  CHECK(world_close(&w));
}

TEST(interrupt_leaves_everything)
{
  world w;
  select_world s;
  actor a;
  open_select(&w, &s, &a, 5);
  world_run(&w);
  ebb_task_interrupt(&a.task, EBB_ECANCELLED);
  check_none_linked(&s);
  CHECK_EQ(s.n_left, 5);
  CHECK_EQ(a.task.arm, UINT32_MAX);
  CHECK_EQ(a.task.status, EBB_ECANCELLED);
  CHECK(!a.task.took);
  world_run(&w);
  CHECK(world_close(&w));
}

/* Growing fails at each request; nothing has changed then. */
TEST(reserve_out_of_memory)
{
  world w;
  select_world s;
  actor a;
  open_select(&w, &s, &a, 9);
  w.fail_at = 1;
  world_run(&w);
  CHECK(s.refused);
  check_none_linked(&s);
  CHECK_EQ(a.task.state, EBB_TASK_ENDED);
  CHECK(world_close(&w));
}

static void step_grow(actor *self)
{
  ebb_task *task = &self->task;
  world *w = self->data;
  uint32_t cap = 1;
  CHECK(ebb_task_reserve(task, 1) == &task->wait0);
  for (uint32_t n = 2; n <= 100; n += 7) {
    ebb_wait *old = task->waits;
    w->fail_at = 0;
    ebb_wait *waits = ebb_task_reserve(task, n);
    CHECK_EQ(waits == NULL, n > cap);
    CHECK(task->waits == old);
    CHECK_EQ(task->cap_waits, cap);
    w->fail_at = 1L << 60;
    waits = ebb_task_reserve(task, n);
    CHECK(waits != NULL && waits == task->waits);
    CHECK(task->cap_waits >= n);
    cap = task->cap_waits;
  }
  CHECK(ebb_task_reserve(task, 5000) != NULL);
  CHECK_EQ(task->cap_waits, 5000);
  actor_end(self);
}

TEST(reserve_grows)
{
  world w;
  actor a;
  world_open(&w);
  actor_spawn(&w, &a, step_grow, &w);
  world_run(&w);
  CHECK(world_close(&w));
}

TEST(queue_is_fifo)
{
  enum { N = 50 };
  world w;
  actor a[N];
  ebb_waitq queue;
  ebb_list_init(&queue);
  world_open(&w);
  for (int i = 0; i < N; i++)
    actor_spawn(&w, &a[i], step_wait, &queue);
  world_run(&w);
  for (int i = 0; i < N; i++) {
    CHECK(ebb_waitq_head(&queue)->task == &a[i].task);
    ebb_wake(ebb_waitq_head(&queue), EBB_OK);
  }
  CHECK(ebb_waitq_head(&queue) == NULL);
  world_run(&w);
  CHECK(world_close(&w));
}

/* --- regions --- */

typedef struct stack {
  world w;
  actor a;
  ebb_waitq queue;
  ebb_region outer, shield, inner;
} stack;

/* The task's own region, outer, shield, inner; the task parked in queue. */
static void open_stack(stack *s)
{
  world_open(&s->w);
  ebb_list_init(&s->queue);
  actor_spawn(&s->w, &s->a, step_wait, &s->queue);
  ebb_region_open(&s->outer, &s->a.task, EBB_REGION_SCOPE);
  ebb_region_open(&s->shield, &s->a.task, EBB_REGION_SHIELD);
  ebb_region_open(&s->inner, &s->a.task, EBB_REGION_DEADLINE);
  ebb_rt_run_ready(&s->w.rt, 1);
  CHECK_EQ(s->a.task.state, EBB_TASK_PARKED);
}

static void close_stack(stack *s)
{
  ebb_region_close(&s->inner);
  ebb_region_close(&s->shield);
  ebb_region_close(&s->outer);
  CHECK_EQ(s->a.task.n_struck, s->a.task.base.struck);
  actor_kill(&s->a);
  CHECK_EQ(s->a.task.n_struck, 0);
  CHECK(s->a.task.region == NULL);
  CHECK(world_close(&s->w));
}

TEST(a_strike_wakes_the_waiting)
{
  stack s;
  open_stack(&s);
  ebb_region_strike(&s.inner, true);
  CHECK(s.inner.struck && s.inner.soft);
  CHECK_EQ(s.a.task.n_struck, 1);
  CHECK_EQ(s.a.task.state, EBB_TASK_READY);
  CHECK_EQ(s.a.task.status, EBB_ECANCELLED);
  CHECK(ebb_region_visible(&s.a.task) == &s.inner);
  /* twice is once; soft does not soften */
  ebb_region_strike(&s.inner, true);
  CHECK(s.inner.soft);
  ebb_region_strike(&s.inner, false);
  CHECK(!s.inner.soft);
  ebb_region_strike(&s.inner, true);
  CHECK(!s.inner.soft);
  CHECK_EQ(s.a.task.n_struck, 1);
  CHECK_EQ(s.w.rt.n_ready, 1);
  close_stack(&s);
}

TEST(a_shield_hides_what_is_outside)
{
  stack s;
  open_stack(&s);
  ebb_region_strike(&s.outer, false);
  ebb_region_strike(&s.a.task.base, false);
  CHECK_EQ(s.a.task.n_struck, 2);
  CHECK(ebb_region_visible(&s.a.task) == NULL);
  CHECK_EQ(s.a.task.state, EBB_TASK_PARKED);
  ebb_region_strike(&s.inner, false);
  CHECK(ebb_region_visible(&s.a.task) == &s.inner);
  CHECK_EQ(s.a.task.state, EBB_TASK_READY);
  s.a.task.overdue = true; /* shields end with the time for cleanups */
  CHECK(ebb_region_visible(&s.a.task) == &s.a.task.base);
  close_stack(&s);
}

TEST(the_outermost_wins)
{
  stack s;
  open_stack(&s);
  ebb_region_strike(&s.inner, false);
  ebb_region_close(&s.inner);
  ebb_region_close(&s.shield);
  CHECK_EQ(s.a.task.n_struck, 0);
  CHECK(ebb_region_visible(&s.a.task) == NULL);
  ebb_region_open(&s.shield, &s.a.task, EBB_REGION_TOKEN);
  ebb_region_open(&s.inner, &s.a.task, EBB_REGION_DEADLINE);
  CHECK(!s.inner.struck);
  ebb_region_strike(&s.inner, true);
  CHECK(ebb_region_visible(&s.a.task) == &s.inner);
  ebb_region_strike(&s.shield, false);
  CHECK(ebb_region_visible(&s.a.task) == &s.shield);
  ebb_region_strike(&s.a.task.base, false);
  CHECK(ebb_region_visible(&s.a.task) == &s.a.task.base);
  ebb_rt_check(&s.w.rt);
  close_stack(&s);
}

TEST(uninterruptible_waits_on)
{
  stack s;
  open_stack(&s);
  s.a.task.uninterruptible = true;
  ebb_region_strike(&s.inner, false);
  CHECK_EQ(s.a.task.state, EBB_TASK_PARKED);
  CHECK_EQ(s.a.task.n_struck, 1);
  close_stack(&s);
}

/* --- cancel --- */

TEST(cancel)
{
  world w;
  actor a;
  ebb_waitq queue;
  ebb_list_init(&queue);
  world_open(&w);
  actor_spawn(&w, &a, step_wait, &queue);
  world_run(&w);
  CHECK(ebb_task_ask_cancel(&a.task));
  CHECK(ebb_list_is_empty(&queue));
  CHECK_EQ(a.task.ending_due_ns, 5 * EBB_NS_PER_S);
  CHECK(ebb_task_ask_cancel(&a.task));
  CHECK_EQ(w.rt.n_ready, 1);
  CHECK_EQ(ebb_rt_next_due(&w.rt), 5 * EBB_NS_PER_S);
  world_run(&w);
  CHECK(!ebb_task_ask_cancel(&a.task));
  CHECK_EQ(ebb_rt_next_due(&w.rt), EBB_NEVER);
  CHECK(world_close(&w));
}

/* Delivered is delivered: a strike after the wake takes nothing away. */
TEST(cancel_after_the_wake)
{
  world w;
  select_world s;
  actor a;
  open_select(&w, &s, &a, 2);
  world_run(&w);
  ebb_wake(ebb_waitq_head(&s.queues[0]), EBB_OK);
  ebb_task_ask_cancel(&a.task);
  CHECK_EQ(a.task.status, EBB_OK);
  CHECK(a.task.took);
  CHECK_EQ(w.rt.n_ready, 1);
  world_run(&w);
  CHECK(world_close(&w));
}

static void step_stay(actor *self)
{
  ebb_waitq *queue = self->data;
  ebb_wait_link(&self->task, 0, &plain_class, queue, queue, 0);
  ebb_task_park(&self->task, 1);
}

TEST(overdue_in_order_of_time)
{
  static const uint64_t due_ns[] = {50, 10, 40, 10, EBB_NEVER, 30, 60, 5};
  enum { N = 8 };
  world w;
  actor a[N];
  ebb_waitq queue;
  ebb_list_init(&queue);
  world_open(&w);
  for (int i = 0; i < N; i++) {
    actor_spawn(&w, &a[i], step_stay, &queue);
    ebb_task_cancel_by(&a[i].task, due_ns[i]);
    ebb_task_cancel_by(&a[i].task, 1); /* only the first counts */
  }
  world_run(&w);
  uint64_t last_ns = 0;
  int n = 0;
  ebb_list_foreach(node, &w.rt.ending) {
    uint64_t at_ns = ebb_container_of(node, ebb_task, ending)->ending_due_ns;
    CHECK(at_ns >= last_ns);
    last_ns = at_ns;
    n++;
  }
  CHECK_EQ(n, N);
  for (uint64_t now_ns = 0; now_ns <= 70; now_ns++) {
    ebb_rt_advance(&w.rt, now_ns);
    ebb_rt_fire(&w.rt);
    for (int i = 0; i < N; i++) {
      CHECK_EQ(a[i].n_overdue, due_ns[i] <= now_ns);
      CHECK_EQ(a[i].task.overdue, due_ns[i] <= now_ns);
      CHECK_EQ(a[i].task.state == EBB_TASK_READY, due_ns[i] <= now_ns);
    }
  }
  for (int i = 0; i < N; i++)
    actor_kill(&a[i]);
  CHECK(world_close(&w));
}

static uint64_t told_time(void *ud)
{
  return *(uint64_t *)ud;
}

/* Asked from outside, after a long wait: the time is not that of the last turn
   (R79). */
TEST(cleanup_timeout_begins_now)
{
  world w;
  actor a;
  ebb_list queue;
  uint64_t now_ns = 100;
  world_open(&w);
  w.rt.clock = told_time;
  w.rt.clock_ud = &now_ns;
  w.rt.cleanup_timeout_ns = 50;
  ebb_list_init(&queue);
  actor_spawn(&w, &a, step_wait, &queue);
  world_run(&w);
  now_ns = 1000;
  CHECK(ebb_task_ask_cancel(&a.task));
  CHECK_EQ(a.task.ending_due_ns, 1050);
  world_run(&w);
  CHECK_EQ(a.n_overdue, 0);
  CHECK(world_close(&w));
}

TEST(cleanup_timeout_saturates)
{
  world w;
  actor a;
  world_open(&w);
  w.rt.cleanup_timeout_ns = EBB_NEVER;
  ebb_rt_advance(&w.rt, 1000);
  actor_spawn(&w, &a, step_end, NULL);
  ebb_task_ask_cancel(&a.task);
  CHECK(a.task.ending_due_ns == EBB_NEVER);
  world_run(&w);
  CHECK(world_close(&w));
}

int main(void)
{
  RUN(select_is_woken_once);
  RUN(took_only_when_ok);
  RUN(interrupt_leaves_everything);
  RUN(reserve_out_of_memory);
  RUN(reserve_grows);
  RUN(queue_is_fifo);
  RUN(a_strike_wakes_the_waiting);
  RUN(a_shield_hides_what_is_outside);
  RUN(the_outermost_wins);
  RUN(uninterruptible_waits_on);
  RUN(cancel);
  RUN(cancel_after_the_wake);
  RUN(overdue_in_order_of_time);
  RUN(cleanup_timeout_begins_now);
  RUN(cleanup_timeout_saturates);
  return check_report();
}
