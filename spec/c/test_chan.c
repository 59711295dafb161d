/* SPDX-License-Identifier: MIT */
/* Channels against a model: tasks that send, receive, reserve, use and return
   permits, select among several of these, are cancelled while they wait, and
   close, at random but reproducibly. After each step the model says who may
   still wait (I5); every value is counted at both ends, in order. */
#include "check.h"
#include "host.h"
#include "sync/chan.h"

enum { N_ACTORS = 6, MAX_ARMS = 3, MAX_SLOTS = 64 };
enum { ARM_SEND, ARM_RECV, ARM_RESERVE };

typedef struct chan_actor {
  actor actor;
  struct chan_world *world;
  int n_arms, arms[MAX_ARMS];
  uint64_t tickets[MAX_ARMS]; /* since when each arm waits */
  uint64_t value;             /* received, 0: none */
  bool moved;                 /* its value has been taken */
  int n_permits;
} chan_actor;

typedef struct chan_world {
  world w;
  ebb_chan chan;
  ebb_rng rng;
  chan_actor actors[N_ACTORS];
  uint64_t slots[MAX_SLOTS]; /* the ring */
  uint64_t n_sent, n_received, next_ticket;
  bool wants_permits; /* this run reserves often */
  long n_ops;
  bool over; /* tasks end when they are resumed */
} chan_world;

/* --- the host's side: moving values --- */

static chan_actor *actor_of(ebb_wait *wait)
{
  return (chan_actor *)wait->task;
}

/* A value leaves its sender: the number says when. */
static uint64_t leave_sender(chan_world *cw)
{
  return ++cw->n_sent;
}

static void arrive(chan_world *cw, uint64_t value)
{
  CHECK_EQ(value, cw->n_received + 1);
  cw->n_received = value;
}

/* A wait that was served must be the oldest of its kind (what waits in another
   task's name: those that still do). */
static void check_oldest(chan_world *cw, ebb_wait *served, int kind)
{
  uint64_t ticket = actor_of(served)->tickets[served->arm];
  CHECK_EQ(actor_of(served)->arms[served->arm], kind);
  for (int i = 0; i < N_ACTORS; i++) {
    chan_actor *a = &cw->actors[i];
    if (a->actor.task.state != EBB_TASK_PARKED)
      continue;
    for (int k = 0; k < a->n_arms; k++)
      CHECK(a->arms[k] != kind || a->tickets[k] > ticket);
  }
}

static void make_ring(chan_world *cw)
{
  ebb_chan *chan = &cw->chan;
  if (chan->count + chan->reserved + 1 < chan->n_slots)
    return;
  uint64_t old[MAX_SLOTS], n = chan->n_slots;
  memcpy(old, cw->slots, sizeof old);
  for (uint64_t i = 0; i < chan->count; i++)
    cw->slots[i] = old[(chan->head + i) % n];
  CHECK(n + 3 <= MAX_SLOTS);
  ebb_chan_regrown(chan, n + 3);
}

static void refill(chan_world *cw, const ebb_xfer *xfer)
{
  if (xfer->refill == NULL)
    return;
  check_oldest(cw, xfer->refill, ARM_SEND);
  CHECK(!actor_of(xfer->refill)->moved);
  actor_of(xfer->refill)->moved = true;
  cw->slots[xfer->refill_slot] = leave_sender(cw);
}

static void place(chan_world *cw, const ebb_xfer *xfer)
{
  uint64_t value = leave_sender(cw);
  if (xfer->peer != NULL) {
    check_oldest(cw, xfer->peer, ARM_RECV);
    CHECK_EQ(actor_of(xfer->peer)->value, 0);
    actor_of(xfer->peer)->value = value;
    arrive(cw, value);
  } else {
    cw->slots[xfer->slot] = value;
  }
}

static bool try_arm(chan_actor *self, int kind)
{
  chan_world *cw = self->world;
  ebb_xfer xfer;
  int status;
  if (kind == ARM_SEND) {
    if (cw->chan.count + cw->chan.reserved > 20)
      return true; /* unbounded, in the model not quite */
    make_ring(cw);
    status = ebb_chan_send(&cw->chan, &xfer);
    if (status == EBB_OK)
      place(cw, &xfer);
  } else if (kind == ARM_RECV) {
    status = ebb_chan_recv(&cw->chan, &xfer);
    if (status == EBB_OK && xfer.peer != NULL) {
      check_oldest(cw, xfer.peer, ARM_SEND);
      actor_of(xfer.peer)->moved = true;
      arrive(cw, leave_sender(cw));
      CHECK(xfer.refill == NULL);
    } else if (status == EBB_OK) {
      arrive(cw, cw->slots[xfer.slot]);
      refill(cw, &xfer);
    }
  } else {
    if (cw->chan.count + cw->chan.reserved > 20)
      return true;
    make_ring(cw);
    status = ebb_chan_reserve(&cw->chan);
    self->n_permits += status == EBB_OK;
  }
  if (status == EBB_ECLOSED)
    CHECK(cw->chan.closed);
  return status != EBB_EAGAIN;
}

static void use_permit(chan_actor *self, bool send)
{
  chan_world *cw = self->world;
  ebb_xfer xfer;
  make_ring(cw);
  self->n_permits--;
  if (send) {
    ebb_chan_permit_send(&cw->chan, &xfer);
    place(cw, &xfer);
  } else {
    ebb_chan_permit_release(&cw->chan, &xfer);
    CHECK(xfer.peer == NULL);
  }
  refill(cw, &xfer);
}

/* --- what a task does --- */

static void wait_arms(chan_actor *self)
{
  chan_world *cw = self->world;
  ebb_task *task = &self->actor.task;
  CHECK(ebb_task_reserve(task, MAX_ARMS) != NULL);
  for (int k = 0; k < self->n_arms; k++) {
    static const ebb_wait_class *const classes[] = {
        &ebb_chan_send_class, &ebb_chan_recv_class, &ebb_chan_reserve_class};
    bool recv = self->arms[k] == ARM_RECV;
    ebb_wait_link(task, (uint32_t)k, classes[self->arms[k]], &cw->chan,
                  recv ? &cw->chan.receivers : &cw->chan.senders, 0);
    self->tickets[k] = ++cw->next_ticket;
  }
  for (int k = 0; k < self->n_arms; k++)
    if (self->arms[k] == ARM_RECV)
      ebb_chan_receiver_came(&cw->chan, task);
  self->moved = false;
  self->value = 0;
  ebb_task_park(task, (uint32_t)self->n_arms);
}

/* What a wake says must agree with what has been moved. */
static void after_wait(chan_actor *self)
{
  ebb_task *task = &self->actor.task;
  int kind =
      task->status == EBB_OK && self->n_arms > 0 ? self->arms[task->arm] : -1;
  if (self->n_arms > 0) {
    CHECK_EQ(self->moved, kind == ARM_SEND);
    CHECK_EQ(self->value != 0, kind == ARM_RECV);
    CHECK_EQ(task->took, kind != -1);
  }
  self->n_permits += kind == ARM_RESERVE;
  self->n_arms = 0;
}

static void step_random(actor *base)
{
  chan_actor *self = (chan_actor *)base;
  chan_world *cw = self->world;
  ebb_rng *rng = &cw->rng;
  after_wait(self);
  if (cw->over) {
    while (self->n_permits > 0)
      use_permit(self, false);
    actor_end(base);
    return;
  }
  cw->n_ops++;
  if (self->n_permits > 0 && ebb_rng_below(rng, 2) == 0) {
    use_permit(self, ebb_rng_below(rng, 3) > 0);
  } else {
    int n = 1;
    if (ebb_rng_below(rng, 2) == 0)
      n += (int)ebb_rng_below(rng, MAX_ARMS);
    bool done = false;
    for (int k = 0; k < n && !done; k++) {
      self->arms[k] = cw->wants_permits && ebb_rng_below(rng, 2) == 0
                          ? ARM_RESERVE
                          : (int)ebb_rng_below(rng, 8) % MAX_ARMS;
      done = try_arm(self, self->arms[k]);
    }
    /* those that were tried stay, and one may try without waiting */
    if (!done && ebb_rng_below(rng, 8) > 0) {
      self->n_arms = n;
      wait_arms(self);
      return;
    }
  }
  ebb_task_yield(&self->actor.task);
}

/* --- the model's word --- */

static void check_pair(chan_world *cw, chan_actor *a, int kind)
{
  const ebb_chan *chan = &cw->chan;
  uint64_t held = chan->count + chan->reserved;
  for (int i = 0; i < N_ACTORS; i++) {
    chan_actor *b = &cw->actors[i];
    if (b == a || b->actor.task.state != EBB_TASK_PARKED)
      continue;
    for (int k = 0; k < b->n_arms; k++) {
      if (b->arms[k] != ARM_RECV)
        continue;
      CHECK(kind != ARM_SEND);
      CHECK(kind != ARM_RESERVE || held > 0 || chan->cap > 0);
    }
  }
}

static void check_model(chan_world *cw)
{
  const ebb_chan *chan = &cw->chan;
  uint64_t n_permits = 0;
  for (int i = 0; i < N_ACTORS; i++) {
    chan_actor *a = &cw->actors[i];
    n_permits += (uint64_t)a->n_permits;
    bool is_parked = a->actor.task.state == EBB_TASK_PARKED;
    if (a->actor.task.state == EBB_TASK_READY && a->n_arms > 0 &&
        a->actor.task.status == EBB_OK)
      n_permits += a->arms[a->actor.task.arm] == ARM_RESERVE;
    for (int k = 0; is_parked && k < a->n_arms; k++) {
      if (a->arms[k] == ARM_RECV) {
        CHECK_EQ(chan->count, 0);
        CHECK(!ebb_chan_is_drained(chan));
      } else {
        CHECK(!chan->closed);
        CHECK(chan->count + chan->reserved >= chan->cap);
        check_pair(cw, a, a->arms[k]);
      }
    }
  }
  CHECK_EQ(chan->count, cw->n_sent - cw->n_received);
  CHECK_EQ(chan->reserved, n_permits);
  CHECK(chan->count + chan->reserved <= (chan->cap > 0 ? chan->cap : 1));
}

static long run_model(uint64_t cap, uint64_t seed, int n_steps)
{
  static chan_world cw;
  memset(&cw, 0, sizeof cw);
  world_open(&cw.w);
  ebb_rng_init(&cw.rng, seed);
  cw.wants_permits = seed % 2 == 1;
  ebb_chan_init(&cw.chan, cap);
  ebb_chan_regrown(&cw.chan, 3);
  for (int i = 0; i < N_ACTORS; i++) {
    actor_spawn(&cw.w, &cw.actors[i].actor, step_random, NULL);
    cw.actors[i].world = &cw;
  }
  int close_at = ebb_rng_below(&cw.rng, 2) ? n_steps / 2 : n_steps;
  for (int step = 0; step < n_steps && check_failures_here == 0; step++) {
    /* everybody waits, or one in 16 steps: somebody is cancelled */
    if (ebb_rt_run_ready(&cw.w.rt, 1) == 0 || ebb_rng_below(&cw.rng, 16) == 0) {
      ebb_task *task = &cw.actors[ebb_rng_below(&cw.rng, N_ACTORS)].actor.task;
      if (task->state == EBB_TASK_PARKED)
        ebb_task_interrupt(task, EBB_ECANCELLED);
    }
    if (step == close_at)
      CHECK(ebb_chan_close(&cw.chan) && !ebb_chan_close(&cw.chan));
    check_model(&cw);
  }
  cw.over = true;
  ebb_chan_close(&cw.chan);
  for (int i = 0; i < N_ACTORS; i++)
    if (cw.actors[i].actor.task.state == EBB_TASK_PARKED)
      ebb_task_interrupt(&cw.actors[i].actor.task, EBB_ECANCELLED);
  world_run(&cw.w);
  CHECK(world_close(&cw.w));
  if (check_failures_here > 0)
    fprintf(stderr, "cap %d, seed %d\n", (int)cap, (int)seed);
  return cw.n_ops;
}

static void run_models(uint64_t cap)
{
  long n_ops = 0;
  for (uint64_t seed = 0; seed < 100 && check_failures_here == 0; seed++)
    n_ops += run_model(cap, seed, 1500);
  CHECK(n_ops >= 50000);
}

TEST(model_rendezvous)
{
  run_models(0);
}
TEST(model_capacity_1)
{
  run_models(1);
}
TEST(model_capacity_2)
{
  run_models(2);
}
TEST(model_capacity_3)
{
  run_models(3);
}
TEST(model_unbounded)
{
  run_models(EBB_CHAN_UNBOUNDED);
}

/* --- single cases --- */

TEST(closed_refuses)
{
  ebb_chan chan;
  ebb_xfer xfer;
  ebb_chan_init(&chan, 2);
  ebb_chan_regrown(&chan, 4);
  CHECK_EQ(ebb_chan_send(&chan, &xfer), EBB_OK);
  CHECK_EQ(ebb_chan_reserve(&chan), EBB_OK);
  CHECK_EQ(ebb_chan_send(&chan, &xfer), EBB_EAGAIN);
  CHECK_EQ(ebb_chan_reserve(&chan), EBB_EAGAIN);
  CHECK(ebb_chan_close(&chan));
  CHECK(!ebb_chan_close(&chan));
  CHECK_EQ(ebb_chan_send(&chan, &xfer), EBB_ECLOSED);
  CHECK_EQ(ebb_chan_reserve(&chan), EBB_ECLOSED);
  CHECK_EQ(ebb_chan_recv(&chan, &xfer), EBB_OK);
  /* the permit may still send */
  CHECK_EQ(ebb_chan_recv(&chan, &xfer), EBB_EAGAIN);
  ebb_chan_permit_send(&chan, &xfer);
  CHECK(xfer.peer == NULL);
  CHECK(!ebb_chan_is_drained(&chan));
  CHECK_EQ(ebb_chan_recv(&chan, &xfer), EBB_OK);
  CHECK_EQ(ebb_chan_recv(&chan, &xfer), EBB_ECLOSED);
  CHECK(ebb_chan_is_drained(&chan));
}

/* A select on both sides of a rendezvous must not stand in the way of a task
   that waits for a permit, nor be granted one for its own receive. */
typedef struct both {
  ebb_chan chan;
  int arms[2];
} both;

static void step_both(actor *self)
{
  both *b = self->data;
  if (self->pc > 0) {
    actor_end(self);
    return;
  }
  static const ebb_wait_class *const classes[] = {
      &ebb_chan_send_class, &ebb_chan_recv_class, &ebb_chan_reserve_class};
  ebb_task *task = &self->task;
  CHECK(ebb_task_reserve(task, 2) != NULL);
  uint32_t n = 0;
  for (; n < 2 && b->arms[n] >= 0; n++)
    ebb_wait_link(
        task, n, classes[b->arms[n]], &b->chan,
        b->arms[n] == ARM_RECV ? &b->chan.receivers : &b->chan.senders, 0);
  ebb_chan_receiver_came(&b->chan, task);
  ebb_task_park(task, n);
}

static void release_with(int first_arm, bool grants_second)
{
  world w;
  actor first, second;
  ebb_xfer xfer;
  both b = {.arms = {first_arm, ARM_RECV}};
  world_open(&w);
  ebb_chan_init(&b.chan, 0);
  b.chan.reserved = 1; /* granted to somebody, whose receiver has gone */
  actor_spawn(&w, &first, step_both, &b);
  world_run(&w);
  if (grants_second) {
    b.arms[0] = ARM_RESERVE;
    b.arms[1] = -1;
    actor_spawn(&w, &second, step_both, &b);
    world_run(&w);
  }
  ebb_chan_permit_release(&b.chan, &xfer);
  CHECK(xfer.refill == NULL);
  CHECK_EQ(b.chan.reserved, grants_second);
  CHECK_EQ(first.task.state, EBB_TASK_PARKED);
  if (grants_second)
    CHECK_EQ(second.task.state, EBB_TASK_READY);
  if (first.task.state == EBB_TASK_PARKED)
    ebb_task_interrupt(&first.task, EBB_ECANCELLED);
  ebb_chan_close(&b.chan);
  world_run(&w);
  CHECK(world_close(&w));
}

TEST(select_on_both_sides_of_a_rendezvous)
{
  release_with(ARM_SEND, true);
  release_with(ARM_RESERVE, false);
}

int main(void)
{
  RUN(model_rendezvous);
  RUN(model_capacity_1);
  RUN(model_capacity_2);
  RUN(model_capacity_3);
  RUN(model_unbounded);
  RUN(closed_refuses);
  RUN(select_on_both_sides_of_a_rendezvous);
  return check_report();
}
