/* SPDX-License-Identifier: MIT */
/* A wait whose time comes before the loop gets to poll, as on a machine that is
   busy with something else: it must not wait for ever. The clock jumps whenever
   it is looked at. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "check.h"
#include "uv/driver.h"

static long step_ns, ahead_ns, n_looks;

#if defined(__linux__)
/* libuv's as well */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id,
                                                         struct timespec *now)
{
  int result = (int)syscall(SYS_clock_gettime, id, now);
  ahead_ns += step_ns;
  n_looks++;
  long ns = now->tv_nsec + ahead_ns;
  now->tv_sec += ns / 1000000000;
  now->tv_nsec = ns % 1000000000;
  return result;
}
#endif

static void on_async(uv_async_t *handle)
{
  (void)handle;
}

/* Another handle keeps the loop alive; each look takes step_ms. */
static void wait_with(long step_ms, long wait_ms)
{
  ebb_alloc alloc;
  int error;
  uv_async_t async;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_driver *driver = ebb_driver_open(&alloc, NULL, &error);
  CHECK(driver != NULL);
  if (driver == NULL)
    return;
  uv_async_init(ebb_driver_loop(driver), &async, on_async);
  ahead_ns = 0;
  uint64_t due_ns = uv_hrtime() + (uint64_t)wait_ms * 1000000;
  step_ns = step_ms * 1000000;
  while (uv_hrtime() < due_ns)
    ebb_driver_wait(driver, due_ns);
  step_ns = 0;
  CHECK(uv_hrtime() >= due_ns);
  uv_close((uv_handle_t *)&async, NULL);
  uv_run(ebb_driver_loop(driver), UV_RUN_NOWAIT);
  ebb_driver_close(driver);
}

TEST(the_clock_is_ours)
{
  n_looks = 0;
  uint64_t before_ns = uv_hrtime();
  step_ns = 1000000000;
  uint64_t after_ns = uv_hrtime();
  step_ns = ahead_ns = 0;
  /* else (libuv does not ask libc) there is nothing to see here */
  if (n_looks >= 2)
    CHECK(after_ns - before_ns >= 1000000000);
}

TEST(late_waits_end)
{
  for (long step_ms = 0; step_ms <= 12; step_ms++)
    for (long wait_ms = 1; wait_ms <= 25; wait_ms += 4)
      wait_with(step_ms, wait_ms);
}

int main(void)
{
  alarm(60); /* one that does not end ends the program */
  RUN(the_clock_is_ours);
  RUN(late_waits_end);
  return check_report();
}
