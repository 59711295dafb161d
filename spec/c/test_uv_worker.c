/* SPDX-License-Identifier: MIT */
/* Crews, far waits and thread channels, without Lua: the jobs are C functions,
   the tasks those of waiting.h, the threads real ones. */
#include "check.h"
#include "uv/thread_chan.h"
#include "uv/worker.h"
#include "waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static ebb_driver *driver;

/* --- jobs ----------------------------------------------------------------- */

typedef struct work {
  ebb_job job;
  void (*fn)(struct work *self);
  atomic_int *gate; /* waits until it is not 0 */
  int n;
} work;

static atomic_int n_open, n_closed, n_destroyed, n_ran, n_freed;

static void pause_ms(int ms)
{
  struct timespec span = {0, ms * 1000000L};
  nanosleep(&span, NULL);
}

static void *open_worker(void *ud)
{
  (void)ud;
  atomic_fetch_add(&n_open, 1);
  return malloc(1);
}

static void close_worker(void *worker)
{
  free(worker);
  atomic_fetch_add(&n_closed, 1);
}

static void run(ebb_job *job, void *worker)
{
  work *self = (work *)job;
  CHECK(worker != NULL);
  while (self->gate != NULL && atomic_load(self->gate) == 0)
    pause_ms(1);
  if (self->fn != NULL)
    self->fn(self);
  self->n *= 2;
  atomic_fetch_add(&n_ran, 1);
}

static void destroy(ebb_job *job)
{
  free(job);
  atomic_fetch_add(&n_destroyed, 1);
}

static void free_ud(void *ud)
{
  (void)ud;
  atomic_fetch_add(&n_freed, 1);
}

static const ebb_trade trade = {open_worker, close_worker, run, destroy,
                                free_ud};

static void start(void)
{
  int error;
  begin();
  driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
  atomic_store(&n_open, 0);
  atomic_store(&n_closed, 0);
  atomic_store(&n_destroyed, 0);
  atomic_store(&n_ran, 0);
  atomic_store(&n_freed, 0);
}

static void stop(void)
{
  end();
  ebb_driver_close(driver);
}

static work *new_work(ebb_crew *crew, int n, atomic_int *gate)
{
  work *self = calloc(1, sizeof *self);
  ebb_job_init(&self->job, crew);
  self->n = n;
  self->gate = gate;
  return self;
}

/* Until task i is woken, 10 s at most. */
static bool wait_for(int i)
{
  for (int n = 0; n < 10000 && is_waiting(i); n++)
    ebb_driver_wait(driver, ebb_driver_clock(NULL) + 1000000);
  return !is_waiting(i);
}

static ebb_far *wait_for_job(int i, work *self, bool withdraws)
{
  ebb_task *task = run_task(i);
  ebb_far *far = ebb_job_far(&self->job, driver);
  CHECK(far != NULL);
  ebb_job_link(task, 0, far, withdraws);
  park(i, 1);
  return far;
}

TEST(a_job_wakes_its_task)
{
  start();
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 2, 10);
  work *self = new_work(crew, 21, NULL);
  CHECK_EQ(ebb_job_add(&self->job), 0);
  ebb_far *far = wait_for_job(0, self, true);
  CHECK(ebb_driver_holds_time(driver));
  CHECK(wait_for(0));
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(ebb_job_has_ended(&self->job));
  CHECK_EQ(self->n, 42);
  ebb_far_release(far);
  ebb_job_release(&self->job);
  CHECK(ebb_crew_close(crew, 10));
  CHECK_EQ(atomic_load(&n_open), 1);
  CHECK_EQ(atomic_load(&n_closed), 1);
  CHECK_EQ(atomic_load(&n_destroyed), 1);
  stop();
}

TEST(linked_after_its_end_it_wakes_all_the_same)
{
  start();
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 1, 10);
  work *self = new_work(crew, 1, NULL);
  ebb_job_add(&self->job);
  while (!ebb_job_has_ended(&self->job))
    pause_ms(1);
  ebb_far *far = wait_for_job(0, self, false);
  CHECK(wait_for(0));
  ebb_far_release(far);
  ebb_job_release(&self->job);
  CHECK(ebb_crew_close(crew, 10));
  stop();
}

TEST(queued_ones_are_withdrawn_running_ones_run_on)
{
  start();
  atomic_int gate = 0;
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 1, 10);
  work *first = new_work(crew, 1, &gate), *second = new_work(crew, 2, NULL);
  ebb_job_add(&first->job);
  ebb_crew_count count;
  do {
    ebb_crew_counts(crew, &count);
  } while (count.n_running == 0);
  ebb_job_add(&second->job);
  ebb_crew_counts(crew, &count);
  CHECK_EQ(count.n_queued, 1);
  ebb_far *a = wait_for_job(0, first, true), *b = wait_for_job(1, second, true);
  cancel(0);
  cancel(1);
  ebb_crew_counts(crew, &count);
  CHECK_EQ(count.n_queued, 0);
  CHECK(ebb_job_has_ended(&second->job));
  CHECK_EQ(second->n, 2);
  CHECK(!ebb_job_has_ended(&first->job));
  ebb_far_release(a);
  ebb_far_release(b);
  ebb_job_release(&first->job);
  ebb_job_release(&second->job);
  atomic_store(&gate, 1);
  CHECK(ebb_crew_close(crew, 10));
  CHECK_EQ(atomic_load(&n_ran), 1);
  ebb_driver_poll(driver); /* what was posted to nobody */
  CHECK_EQ(atomic_load(&n_destroyed), 2);
  while (atomic_load(&n_freed) == 0) /* by the last worker, on its way out */
    pause_ms(1);
  stop();
}

static atomic_int opened_by_another;

static void open_gate(work *self)
{
  (void)self;
  atomic_store(&opened_by_another, 1);
}

/* A job that waits for another one does not keep it waiting. */
TEST(jobs_run_side_by_side)
{
  start();
  atomic_store(&opened_by_another, 0);
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 2, 10);
  work *first = new_work(crew, 1, &opened_by_another);
  work *second = new_work(crew, 2, NULL);
  second->fn = open_gate;
  CHECK_EQ(ebb_job_add(&first->job), 0);
  CHECK_EQ(ebb_job_add(&second->job), 0);
  for (int n = 0; n < 10000 && !ebb_job_has_ended(&first->job); n++)
    pause_ms(1);
  CHECK(ebb_job_has_ended(&first->job));
  CHECK(ebb_job_has_ended(&second->job));
  atomic_store(&opened_by_another, 1);
  ebb_job_release(&first->job);
  ebb_job_release(&second->job);
  CHECK(ebb_crew_close(crew, 10));
  stop();
}

TEST(many_jobs_few_workers)
{
  enum { N = 500 };
  static work *works[N];
  start();
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 3, 10);
  for (int i = 0; i < N; i++) {
    works[i] = new_work(crew, i, NULL);
    CHECK_EQ(ebb_job_add(&works[i]->job), 0);
  }
  for (int i = 0; i < N; i++) {
    while (!ebb_job_has_ended(&works[i]->job))
      pause_ms(1);
    CHECK_EQ(works[i]->n, 2 * i);
    ebb_job_release(&works[i]->job);
  }
  ebb_crew_count count;
  ebb_crew_counts(crew, &count);
  CHECK(count.n_threads >= 1 && count.n_threads <= 3);
  CHECK(ebb_crew_close(crew, 10));
  CHECK_EQ(atomic_load(&n_ran), N);
  CHECK_EQ(atomic_load(&n_destroyed), N);
  CHECK_EQ(atomic_load(&n_open), atomic_load(&n_closed));
  stop();
}

/* BL7 */
TEST(idle_workers_go_and_others_come)
{
  start();
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 1, 0.001);
  for (int round = 0; round < 20; round++) {
    work *self = new_work(crew, round, NULL);
    ebb_job_add(&self->job);
    while (!ebb_job_has_ended(&self->job))
      pause_ms(round % 3);
    ebb_job_release(&self->job);
  }
  CHECK(ebb_crew_wait(crew, ebb_driver_clock(NULL) + 10 * EBB_NS_PER_S));
  CHECK(ebb_crew_close(crew, 10));
  CHECK_EQ(atomic_load(&n_ran), 20);
  CHECK_EQ(atomic_load(&n_open), atomic_load(&n_closed));
  stop();
}

TEST(closed_with_work_left)
{
  start();
  atomic_int gate = 0;
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 1, 10);
  work *running = new_work(crew, 1, &gate), *queued = new_work(crew, 2, NULL),
       *late = new_work(crew, 3, NULL);
  ebb_job_add(&running->job);
  ebb_crew_count count;
  do {
    ebb_crew_counts(crew, &count);
  } while (count.n_running == 0);
  ebb_job_add(&queued->job);
  ebb_far *far = wait_for_job(0, queued, true);
  CHECK(!ebb_crew_wait(crew, 0));
  ebb_crew_dismiss(crew);
  CHECK_EQ(ebb_job_add(&late->job), -ECANCELED);
  CHECK(wait_for(0)); /* told that it never will */
  CHECK_EQ(queued->n, 2);
  CHECK(!ebb_crew_close(crew, 0.001)); /* one is left to itself */
  ebb_far_release(far);
  ebb_job_release(&queued->job);
  ebb_job_release(&late->job);
  ebb_job_release(&running->job);
  atomic_store(&gate, 1);
  while (atomic_load(&n_destroyed) < 3 || atomic_load(&n_closed) < 1)
    pause_ms(1);
  stop();
}

/* --- channels ------------------------------------------------------------- */

static ebb_message *message_of(int n)
{
  ebb_message *message = ebb_message_new();
  ebb_message_put_number(message, (uint64_t)n);
  return message;
}

static int read_message(ebb_message *message)
{
  ebb_reader reader;
  ebb_reader_init(&reader, message);
  int n = (int)ebb_reader_number(&reader);
  ebb_message_free(message);
  return n;
}

static int recv_now(ebb_thread_chan *chan)
{
  ebb_message *message;
  int status = ebb_thread_chan_recv(chan, &message);
  return status == EBB_OK ? read_message(message) : status;
}

static ebb_chan_far *wait_at(int i, ebb_thread_chan *chan, ebb_message *message)
{
  ebb_task *task = run_task(i);
  ebb_chan_far *wait = ebb_chan_far_new(chan, driver);
  wait->message = message;
  ebb_chan_far_link(task, 0, wait, 0);
  park(i, 1);
  return wait;
}

TEST(a_bounded_channel)
{
  start();
  ebb_thread_chan *chan = ebb_thread_chan_new(2);
  ebb_message *third = message_of(3);
  CHECK_EQ(ebb_thread_chan_send(chan, message_of(1)), EBB_OK);
  CHECK_EQ(ebb_thread_chan_send(chan, message_of(2)), EBB_OK);
  CHECK_EQ(ebb_thread_chan_send(chan, third), EBB_EAGAIN);
  ebb_chan_far *wait = wait_at(0, chan, third);
  ebb_driver_poll(driver);
  CHECK(is_waiting(0));
  CHECK_EQ(recv_now(chan), 1);
  CHECK(is_waiting(0)); /* told, and looks in its own time */
  CHECK(wait_for(0));
  CHECK_EQ(tasks[0].status, EBB_OK);
  CHECK(wait->message == NULL);
  CHECK_EQ(recv_now(chan), 2);
  CHECK_EQ(recv_now(chan), 3);
  CHECK_EQ(recv_now(chan), EBB_EAGAIN);
  ebb_far_release(&wait->far);
  ebb_thread_chan_release(chan);
  stop();
}

TEST(who_was_told_and_left_passes_it_on)
{
  start();
  ebb_thread_chan *chan = ebb_thread_chan_new(0);
  ebb_chan_far *a = wait_at(0, chan, NULL), *b = wait_at(1, chan, NULL);
  CHECK_EQ(ebb_thread_chan_send(chan, message_of(7)), EBB_OK);
  cancel(0);                /* before it looked */
  ebb_far_release(&a->far); /* on its way: destroyed when it arrives */
  CHECK(wait_for(1));
  CHECK_EQ(read_message(b->message), 7);
  b->message = NULL;
  ebb_far_release(&b->far);
  ebb_thread_chan_release(chan);
  stop();
}

TEST(a_value_stays_when_its_receiver_leaves)
{
  start();
  ebb_thread_chan *chan = ebb_thread_chan_new(0);
  ebb_chan_far *a = wait_at(0, chan, NULL);
  ebb_message *second = message_of(9);
  CHECK_EQ(ebb_thread_chan_send(chan, message_of(8)), EBB_OK);
  CHECK_EQ(ebb_thread_chan_send(chan, second), EBB_EAGAIN);
  cancel(0);
  ebb_driver_poll(driver);
  CHECK(a->message == NULL);
  CHECK_EQ(recv_now(chan), 8);
  CHECK_EQ(recv_now(chan), EBB_EAGAIN);
  ebb_message_free(second);
  ebb_far_release(&a->far);
  ebb_thread_chan_release(chan);
  stop();
}

TEST(closing_tells_all)
{
  start();
  ebb_thread_chan *chan = ebb_thread_chan_new(1);
  ebb_thread_chan_send(chan, message_of(1));
  ebb_chan_far *wait = wait_at(0, chan, message_of(2));
  CHECK(ebb_thread_chan_close(chan));
  CHECK(!ebb_thread_chan_close(chan));
  CHECK(wait_for(0));
  CHECK_EQ(tasks[0].status, EBB_ECLOSED);
  CHECK_EQ(recv_now(chan), 1);
  CHECK_EQ(recv_now(chan), EBB_ECLOSED);
  ebb_far_release(&wait->far); /* with its message */
  ebb_message *back = message_of(5);
  ebb_thread_chan_unrecv(chan, back);
  CHECK_EQ(recv_now(chan), 5);
  ebb_thread_chan_send(chan, back = message_of(6));
  ebb_message_free(back);
  ebb_thread_chan_release(chan);
  stop();
}

TEST(a_driver_that_closes_with_posts_on_their_way)
{
  start();
  ebb_thread_chan *chan = ebb_thread_chan_new(4);
  ebb_chan_far *wait = wait_at(0, chan, NULL);
  ebb_thread_chan_send(chan, message_of(1));
  cancel(0);
  end();
  ebb_driver_close(driver);
  ebb_far_release(&wait->far); /* after its runtime */
  ebb_thread_chan_release(chan);
}

enum { N_SENT = 20000 };

static ebb_thread_chan *stream;

static void send_stream(work *self)
{
  for (int i = 0; i < N_SENT; i++) {
    ebb_message *message = message_of(i);
    while (ebb_thread_chan_send(stream, message) == EBB_EAGAIN)
      pause_ms(0);
  }
  ebb_thread_chan_close(stream);
  (void)self;
}

TEST(a_stream_from_another_thread_in_order)
{
  start();
  stream = ebb_thread_chan_new(16);
  ebb_crew *crew = ebb_crew_new(&trade, NULL, 1, 10);
  work *self = new_work(crew, 0, NULL);
  self->fn = send_stream;
  ebb_job_add(&self->job);
  ebb_chan_far *wait = NULL;
  int n = 0;
  for (;;) {
    int got = recv_now(stream);
    if (got == EBB_EAGAIN) {
      wait = wait_at(0, stream, NULL);
      CHECK(wait_for(0));
      got = tasks[0].status;
      if (got == EBB_OK) {
        got = read_message(wait->message);
        wait->message = NULL;
      }
      ebb_far_release(&wait->far);
    }
    if (got < 0)
      break;
    CHECK_EQ(got, n);
    n++;
  }
  CHECK_EQ(n, N_SENT);
  ebb_job_release(&self->job);
  CHECK(ebb_crew_close(crew, 10));
  ebb_thread_chan_release(stream);
  stop();
}

int main(void)
{
  RUN(a_job_wakes_its_task);
  RUN(linked_after_its_end_it_wakes_all_the_same);
  RUN(queued_ones_are_withdrawn_running_ones_run_on);
  RUN(jobs_run_side_by_side);
  RUN(many_jobs_few_workers);
  RUN(idle_workers_go_and_others_come);
  RUN(closed_with_work_left);
  RUN(a_bounded_channel);
  RUN(who_was_told_and_left_passes_it_on);
  RUN(a_value_stays_when_its_receiver_leaves);
  RUN(closing_tells_all);
  RUN(a_driver_that_closes_with_posts_on_their_way);
  RUN(a_stream_from_another_thread_in_order);
  return check_report();
}
