/* SPDX-License-Identifier: MIT */
/* The driver: waits end no earlier than due unless something happened, other
   threads can end them, and closing leaves nothing. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/base.h"
#include "check.h"
#include "uv/driver.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static uint64_t now(void)
{
  return ebb_driver_clock(NULL);
}

/* Waits until due_ns as the runtime does: again and again. */
static int wait_until(ebb_driver *driver, uint64_t due_ns)
{
  int n = 0;
  while (now() < due_ns) {
    ebb_driver_wait(driver, due_ns);
    n++;
  }
  return n;
}

/* Is the best of many waits late by less than most_ns? On a busy machine it
   takes some tries to find one that nobody was in the way of. */
static bool best_of(ebb_driver *driver, uint64_t span_ns, uint64_t most_ns)
{
  for (int round = 0; round < 300; round++) {
    uint64_t due_ns = now() + span_ns;
    /* not a busy loop: the coarse part, and the fine one a few times */
    CHECK(wait_until(driver, due_ns) <= 10);
    if (now() - due_ns < most_ns)
      return true;
  }
  return false;
}

TEST(waits_are_exact)
{
  static const uint64_t spans_ns[] = {1,      50 * US, 300 * US, 999 * US, MS,
                                      2 * MS, 3 * MS,  4 * MS,   15 * MS};
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK(driver != NULL);
  CHECK_EQ(error, 0);
  for (size_t i = 0; i < sizeof spans_ns / sizeof *spans_ns; i++) {
    /* whole-ms rounding of the shortest shows in the next test */
    CHECK(best_of(driver, spans_ns[i], 5 * MS));
  }
  ebb_driver_close(driver);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(waits_below_a_millisecond)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK(best_of(driver, 100 * US, 800 * US));
  ebb_driver_close(driver);
}

TEST(the_past_does_not_block)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  uint64_t start_ns = now();
  for (int i = 0; i < 100; i++) {
    ebb_driver_wait(driver, 0);
    ebb_driver_wait(driver, start_ns);
    ebb_driver_poll(driver);
  }
  CHECK(now() - start_ns < 30 * EBB_NS_PER_S);
  ebb_driver_close(driver);
}

typedef struct waker {
  ebb_driver *driver;
  atomic_bool is_woken;
} waker;

static void wake_soon(void *ud)
{
  waker *w = ud;
  uv_sleep(20);
  atomic_store(&w->is_woken, true);
  ebb_driver_wakeup(w->driver);
}

static void check_wakeup(uint64_t span_ns)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  waker w = {ebb_driver_open(&alloc, NULL, &error), false};
  uv_thread_t thread;
  uint64_t start_ns = now();
  CHECK_EQ(uv_thread_create(&thread, wake_soon, &w), 0);
  uint64_t due_ns = span_ns == EBB_NEVER ? EBB_NEVER : start_ns + span_ns;
  while (!atomic_load(&w.is_woken)) /* a wait may return early */
    ebb_driver_wait(w.driver, due_ns);
  uint64_t end_ns = now();
  uv_thread_join(&thread);
  CHECK(end_ns - start_ns < 30 * EBB_NS_PER_S);
  ebb_driver_close(w.driver);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(wakeup_from_another_thread)
{
  check_wakeup(EBB_NEVER);
  check_wakeup(60 * EBB_NS_PER_S);
}

/* One that comes before the wait is not lost. */
TEST(wakeup_before_the_wait)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  uint64_t start_ns = now();
  ebb_driver_wakeup(driver);
  ebb_driver_wait(driver, EBB_NEVER);
  ebb_driver_wakeup(driver);
  ebb_driver_wait(driver, start_ns + 8 * EBB_NS_PER_S);
  CHECK(now() - start_ns < 5 * EBB_NS_PER_S);
  ebb_driver_close(driver);
}

static void on_far_timer(uv_timer_t *handle)
{
  (void)handle;
}

/* Beside other handles libuv does the coarse part of a wait. */
TEST(waits_are_exact_beside_others)
{
  ebb_alloc alloc;
  int error;
  uv_loop_t loop;
  uv_timer_t far;
  ebb_alloc_init(&alloc, NULL, NULL);
  CHECK_EQ(uv_loop_init(&loop), 0);
  uv_timer_init(&loop, &far);
  uv_timer_start(&far, on_far_timer, 3600000, 0);
  ebb_driver *driver = ebb_driver_open(&alloc, &loop, &error);
  CHECK(best_of(driver, 15 * MS, 10 * MS));
  ebb_driver_close(driver);
  uv_close((uv_handle_t *)&far, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQ(uv_loop_close(&loop), 0);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* Of the blocks that come back one is kept, and goes with the driver. */
TEST(lent_blocks_come_back)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  size_t before = alloc.live_bytes;
  char *a = ebb_driver_lend(driver), *b = ebb_driver_lend(driver);
  CHECK(a != NULL && b != NULL && a != b);
  CHECK_EQ(alloc.live_bytes, before + 2 * (size_t)EBB_LENT_BYTES);
  ebb_driver_take_back(driver, a);
  ebb_driver_take_back(driver, b);
  CHECK_EQ(alloc.live_bytes, before + (size_t)EBB_LENT_BYTES);
  CHECK(ebb_driver_lend(driver) == a);
  ebb_driver_take_back(driver, a);
  ebb_driver_close(driver);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* On a loop that somebody else owns, nothing of ours stays. */
TEST(shared_loop)
{
  ebb_alloc alloc;
  int error;
  uv_loop_t loop;
  ebb_alloc_init(&alloc, NULL, NULL);
  CHECK_EQ(uv_loop_init(&loop), 0);
  ebb_driver *driver = ebb_driver_open(&alloc, &loop, &error);
  CHECK(ebb_driver_loop(driver) == &loop);
  CHECK(!uv_loop_alive(&loop)); /* an idle driver keeps no loop running */
  wait_until(driver, now() + 5 * MS);
  CHECK(!uv_loop_alive(&loop));
  ebb_driver_close(driver);
  CHECK_EQ(uv_loop_close(&loop), 0);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(busy_counts)
{
  ebb_alloc alloc;
  int error;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK(!ebb_driver_is_busy(driver) && !ebb_driver_holds_time(driver));
  ebb_driver_begin(driver, false);
  CHECK(ebb_driver_is_busy(driver) && !ebb_driver_holds_time(driver));
  ebb_driver_begin(driver, true);
  CHECK(ebb_driver_holds_time(driver));
  ebb_driver_end(driver, true);
  CHECK(ebb_driver_is_busy(driver) && !ebb_driver_holds_time(driver));
  ebb_driver_end(driver, false);
  CHECK(!ebb_driver_is_busy(driver));
  ebb_driver_close(driver);
}

/* --- what is attached closes first; memory that runs out --- */

typedef struct attached_timer {
  ebb_attached attached;
  uv_timer_t timer;
  ebb_driver *driver;
  int n_closed;
} attached_timer;

static void on_closed(uv_handle_t *handle)
{
  attached_timer *t = handle->data;
  t->n_closed++;
  ebb_driver_closed(t->driver);
}

static void close_attached(ebb_attached *attached)
{
  attached_timer *t = ebb_container_of(attached, attached_timer, attached);
  ebb_driver_closing(t->driver, attached);
  uv_close((uv_handle_t *)&t->timer, on_closed);
}

TEST(attached_handles_are_closed)
{
  ebb_alloc alloc;
  int error;
  attached_timer t[3] = {0};
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  for (int i = 0; i < 3; i++) {
    t[i].driver = driver;
    t[i].attached.close = close_attached;
    uv_timer_init(ebb_driver_loop(driver), &t[i].timer);
    t[i].timer.data = &t[i];
    ebb_driver_attach(driver, &t[i].attached);
  }
  close_attached(&t[1].attached); /* by its owner, before */
  ebb_driver_close(driver);
  for (int i = 0; i < 3; i++)
    CHECK_EQ(t[i].n_closed, 1);
  CHECK_EQ(alloc.live_bytes, 0);
}

static void *flaky(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  long *n_left = ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return (*n_left)-- > 0 ? realloc(ptr, new_bytes) : NULL;
}

TEST(open_without_memory)
{
  for (long k = 0; k < 10; k++) {
    ebb_alloc alloc;
    int error;
    long n_left = k;
    ebb_alloc_init(&alloc, flaky, &n_left);
    ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
    CHECK_EQ(error, driver == NULL ? UV_ENOMEM : 0);
    CHECK_EQ(driver != NULL, k >= 3);
    if (driver != NULL)
      ebb_driver_close(driver);
    CHECK_EQ(alloc.live_bytes, 0);
  }
}

int main(void)
{
  RUN(waits_are_exact);
  RUN(waits_below_a_millisecond);
  RUN(the_past_does_not_block);
  RUN(wakeup_from_another_thread);
  RUN(wakeup_before_the_wait);
  RUN(waits_are_exact_beside_others);
  RUN(lent_blocks_come_back);
  RUN(shared_loop);
  RUN(busy_counts);
  RUN(attached_handles_are_closed);
  RUN(open_without_memory);
  return check_report();
}
