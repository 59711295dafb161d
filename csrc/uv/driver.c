/* SPDX-License-Identifier: MIT */
#include "uv/driver.h"

#include "base/base.h"
#include "uv/fork.h"
#include "uv/remote.h"

#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

struct ebb_driver {
  ebb_alloc *alloc;
  uv_loop_t *loop;
  uv_loop_t own;
  bool is_own;
  bool is_outside;    /* somebody else runs the loop */
  uv_async_t *wakeup; /* in its own block: freed by its close callback */
  uv_timer_t *alarm;  /* the coarse part of a wait */
  uv_poll_t *watched; /* somebody else's descriptor, or NULL */
  size_t n_busy, n_holding;
  unsigned n_closing;
  unsigned n_forks;     /* of this process when it was opened */
  bool has_been_forked; /* and the loop is the child's own since */
  ebb_list attached;    /* of ebb_attached */
  char *spare;          /* to lend */
  struct ebb__children *children;
  ebb_remote *remote; /* made when somebody needs it */
};

uint64_t ebb_driver_clock(void *driver)
{
  (void)driver;
  return uv_hrtime();
}

uint64_t ebb_driver_cpu_clock(void)
{
#ifdef CLOCK_THREAD_CPUTIME_ID
  struct timespec used;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0)
    return 0;
  return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
#else
  return uv_hrtime();
#endif
}

static void on_wakeup(uv_async_t *handle)
{
  (void)handle; /* returning from the poll is all it is for */
}

/* libuv runs timers before it polls, too. A process that was kept from running
   for as long as that has its alarm then, and nothing would end the poll. */
static void on_alarm(uv_timer_t *handle)
{
  uv_stop(handle->loop);
}

static void *get(ebb_driver *driver, size_t n_bytes)
{
  return ebb_alloc_get(driver->alloc, n_bytes);
}

/* A loop that libuv cannot open in the end keeps its descriptor, -1 if there is
   none (or 0, as in cleared memory). */
static int open_loop(uv_loop_t *loop)
{
  int error = uv_loop_init(loop);
  if (error != 0 && uv_backend_fd(loop) > 0)
    close(uv_backend_fd(loop));
  return error;
}

static int start_handles(ebb_driver *driver)
{
  int error = uv_async_init(driver->loop, driver->wakeup, on_wakeup);
  if (error != 0)
    return error;
  driver->wakeup->data = driver;
  uv_unref((uv_handle_t *)driver->wakeup);
  uv_timer_init(driver->loop, driver->alarm);
  driver->alarm->data = driver;
  return 0;
}

ebb_driver *ebb_driver_open(ebb_alloc *alloc, struct uv_loop_s *shared,
                            int *error)
{
  ebb_driver *driver = ebb_alloc_get(alloc, sizeof *driver);
  *error = UV_ENOMEM;
  if (driver == NULL)
    return NULL;
  ebb_forks_count();
  *driver =
      (ebb_driver){.alloc = alloc, .loop = shared, .n_forks = ebb_forks()};
  ebb_list_init(&driver->attached);
  driver->wakeup = get(driver, sizeof *driver->wakeup);
  driver->alarm = get(driver, sizeof *driver->alarm);
  if (driver->wakeup == NULL || driver->alarm == NULL)
    goto no_handles;
  if (shared == NULL) {
    *error = open_loop(&driver->own);
    if (*error != 0)
      goto no_handles;
    driver->is_own = true;
    driver->loop = &driver->own;
  }
  *error = start_handles(driver);
  if (*error != 0)
    goto no_start;
  if (driver->is_own) {
    /* libuv registers the wake-up's descriptor when it polls, and a loop
       without active handles does not poll: nobody could end the first wait */
    uv_ref((uv_handle_t *)driver->wakeup);
    uv_run(driver->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)driver->wakeup);
  }
  return driver;

no_start:
  if (driver->is_own)
    uv_loop_close(driver->loop);
no_handles:
  ebb_alloc_put(alloc, driver->wakeup, sizeof *driver->wakeup);
  ebb_alloc_put(alloc, driver->alarm, sizeof *driver->alarm);
  ebb_alloc_put(alloc, driver, sizeof *driver);
  return NULL;
}

bool ebb_driver_is_inherited(const ebb_driver *driver)
{
  return driver->n_forks != ebb_forks();
}

/* Before anything reaches the loop's descriptors, which are the parent's, too:
   the loop gets new ones. */
static void part(ebb_driver *driver)
{
  if (driver->has_been_forked || !driver->is_own)
    return;
  driver->has_been_forked = true;
  uv_loop_fork(driver->loop);
}

static inline void part_if_inherited(ebb_driver *driver)
{
  if (EBB_UNLIKELY(ebb_driver_is_inherited(driver)))
    part(driver);
}

static void on_close(uv_handle_t *handle)
{
  ebb_driver *driver = handle->data;
  driver->n_closing--;
}

static void close_handle(ebb_driver *driver, uv_handle_t *handle)
{
  driver->n_closing++;
  uv_close(handle, on_close);
}

void ebb_driver_attach(ebb_driver *driver, ebb_attached *attached)
{
  ebb_list_push_back(&driver->attached, &attached->link);
}

void ebb_driver_closing(ebb_driver *driver, ebb_attached *attached)
{
  part_if_inherited(driver);
  ebb_list_unlink(&attached->link);
  driver->n_closing++;
}

void ebb_driver_closed(ebb_driver *driver)
{
  driver->n_closing--;
}

static void count_handle(uv_handle_t *handle, void *n)
{
  (void)handle;
  ++*(size_t *)n;
}

size_t ebb_driver_handles(const ebb_driver *driver)
{
  size_t n = 0;
  if (driver->is_own) {
    uv_walk(driver->loop, count_handle, &n);
    return n;
  }
  ebb_list_foreach(node, &driver->attached)
    n++;
  return n + driver->n_closing;
}

static void close_loop(ebb_driver *driver)
{
  /* Requests in flight end by themselves: their memory is theirs. */
  while (driver->n_closing > 0 || driver->n_holding > 0)
    uv_run(driver->loop, UV_RUN_ONCE);
  if (driver->is_own) {
    uv_run(driver->loop, UV_RUN_NOWAIT);
    uv_loop_close(driver->loop);
  }
}

/* In a fork: the threads that did the requests are not there. Handles close
   within a few turns; true: there is no request, all can be freed. */
static bool close_inherited_loop(ebb_driver *driver)
{
  for (int i = 0; i < 10 && driver->n_closing > 0; i++)
    uv_run(driver->loop, UV_RUN_NOWAIT);
  return driver->n_closing == 0 && driver->n_holding == 0 && driver->is_own &&
         uv_loop_close(driver->loop) == 0;
}

void ebb_driver_close(ebb_driver *driver)
{
  part_if_inherited(driver);
  while (!ebb_list_is_empty(&driver->attached)) {
    ebb_attached *attached =
        ebb_container_of(driver->attached.next, ebb_attached, link);
    attached->close(attached);
  }
  if (driver->remote != NULL)
    ebb__remote_close(driver->remote);
  close_handle(driver, (uv_handle_t *)driver->wakeup);
  close_handle(driver, (uv_handle_t *)driver->alarm);
  ebb_driver_unwatch(driver);
  if (!ebb_driver_is_inherited(driver))
    close_loop(driver);
  else if (!close_inherited_loop(driver))
    return;
  if (driver->spare != NULL)
    ebb_alloc_put(driver->alloc, driver->spare, EBB_LENT_BYTES);
  ebb_alloc_put(driver->alloc, driver->wakeup, sizeof *driver->wakeup);
  ebb_alloc_put(driver->alloc, driver->alarm, sizeof *driver->alarm);
  ebb_alloc_put(driver->alloc, driver, sizeof *driver);
}

char *ebb_driver_lend(ebb_driver *driver)
{
  char *block = driver->spare;
  driver->spare = NULL;
  return block != NULL ? block : ebb_alloc_get(driver->alloc, EBB_LENT_BYTES);
}

void ebb_driver_take_back(ebb_driver *driver, char *block)
{
  if (driver->spare == NULL)
    driver->spare = block;
  else
    ebb_alloc_put(driver->alloc, block, EBB_LENT_BYTES);
}

struct ebb__children **ebb_driver_children(ebb_driver *driver)
{
  return &driver->children;
}

struct uv_loop_s *ebb_driver_loop(ebb_driver *driver)
{
  return driver->loop;
}

int ebb_driver_fd(const ebb_driver *driver)
{
  return uv_backend_fd(driver->loop);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
  (void)handle, (void)status, (void)events; /* as on_wakeup */
}

int ebb_driver_watch(ebb_driver *driver, int fd)
{
  uv_poll_t *handle = get(driver, sizeof *handle);
  if (handle == NULL)
    return UV_ENOMEM;
  int error = uv_poll_init(driver->loop, handle, fd);
  if (error != 0) {
    ebb_alloc_put(driver->alloc, handle, sizeof *handle);
    return error;
  }
  handle->data = driver;
  driver->watched = handle;
  uv_poll_start(handle, UV_READABLE, on_readable);
  uv_run(driver->loop, UV_RUN_NOWAIT); /* registers it */
  uv_unref((uv_handle_t *)handle);
  return 0;
}

static void on_unwatched(uv_handle_t *handle)
{
  ebb_driver *driver = handle->data;
  on_close(handle);
  ebb_alloc_put(driver->alloc, handle, sizeof(uv_poll_t));
}

void ebb_driver_unwatch(ebb_driver *driver)
{
  if (driver->watched == NULL)
    return;
  driver->n_closing++;
  uv_close((uv_handle_t *)driver->watched, on_unwatched);
  driver->watched = NULL;
}

static void drain(ebb_driver *driver)
{
  if (driver->remote != NULL)
    ebb__remote_drain(driver->remote);
}

void ebb_driver_set_outside(ebb_driver *driver)
{
  driver->is_outside = true;
}

void ebb_driver_poll(ebb_driver *driver)
{
  part_if_inherited(driver);
  if (!driver->is_outside)
    uv_run(driver->loop, UV_RUN_NOWAIT);
  drain(driver);
}

void ebb_driver_drain(ebb_driver *driver)
{
  if (!driver->is_outside) {
    uv_ref((uv_handle_t *)driver->wakeup);
    uv_run(driver->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)driver->wakeup);
  }
  drain(driver);
}

/* Sub-millisecond waits: libuv counts in milliseconds, but its descriptor can
   be polled with nanoseconds. */
static bool wait_fine(ebb_driver *driver, uint64_t wait_ns)
{
  struct pollfd fd = {uv_backend_fd(driver->loop), POLLIN, 0};
#if defined(__linux__) || defined(__FreeBSD__)
  struct timespec span = {(time_t)(wait_ns / EBB_NS_PER_S),
                          (long)(wait_ns % EBB_NS_PER_S)};
  return ppoll(&fd, 1, &span, NULL) > 0;
#else
  uint64_t wait_ms = wait_ns / 1000000 + (wait_ns % 1000000 != 0);
  return poll(&fd, 1, wait_ms < INT_MAX ? (int)wait_ms : INT_MAX) > 0;
#endif
}

/* Above this, the coarse part is left to libuv, which then needs one system
   call less. */
#define FINE_NS       UINT64_C(3000000)
#define COARSE_MAX_MS UINT64_C(86400000)

static void wait_for_loop(ebb_driver *driver, uint64_t due_ns)
{
  /* what has been started since is registered, and what is there handled */
  uint64_t now_ns = uv_hrtime();
  uint64_t wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
  if (wait_ns == 0) {
    uv_run(driver->loop, UV_RUN_NOWAIT);
    return;
  }
  if (due_ns != EBB_NEVER && !uv_loop_alive(driver->loop)) {
    /* nothing but time and wake-ups to wait for: one system call */
    if (wait_fine(driver, wait_ns))
      ebb_driver_drain(driver);
    return;
  }
  if (due_ns != EBB_NEVER && wait_ns <= FINE_NS) {
    uv_run(driver->loop, UV_RUN_NOWAIT);
    int limit_ms =
        uv_loop_alive(driver->loop) ? uv_backend_timeout(driver->loop) : -1;
    now_ns = uv_hrtime();
    wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    if (limit_ms >= 0 && (uint64_t)limit_ms * 1000000 < wait_ns)
      wait_ns = (uint64_t)limit_ms * 1000000;
    if (wait_ns > 0)
      wait_fine(driver, wait_ns);
    uv_run(driver->loop, UV_RUN_NOWAIT);
    return;
  }
  uv_ref((uv_handle_t *)driver->wakeup);
  if (due_ns != EBB_NEVER) {
    uint64_t wait_ms = wait_ns / 1000000 - 1;
    uv_update_time(driver->loop);
    uv_timer_start(driver->alarm, on_alarm,
                   wait_ms < COARSE_MAX_MS ? wait_ms : COARSE_MAX_MS, 0);
  }
  uv_run(driver->loop, UV_RUN_ONCE);
  uv_timer_stop(driver->alarm);
  uv_unref((uv_handle_t *)driver->wakeup);
}

void ebb_driver_wait(ebb_driver *driver, uint64_t due_ns)
{
  wait_for_loop(driver, due_ns);
  drain(driver);
}

void ebb_driver_wakeup(ebb_driver *driver)
{
  uv_async_send(driver->wakeup);
}

void ebb_driver_begin(ebb_driver *driver, bool holds_time)
{
  driver->n_busy++;
  driver->n_holding += holds_time;
}

void ebb_driver_end(ebb_driver *driver, bool holds_time)
{
  EBB_CHECK(driver->n_busy > 0);
  part_if_inherited(driver);
  driver->n_busy--;
  driver->n_holding -= holds_time;
}

bool ebb_driver_is_busy(const ebb_driver *driver)
{
  return driver->n_busy > 0;
}

bool ebb_driver_is_due(const ebb_driver *driver)
{
  return driver->n_busy > 0 ||
         (driver->remote != NULL && !ebb__remote_is_empty(driver->remote));
}

ebb_remote **ebb_driver_remote(ebb_driver *driver)
{
  return &driver->remote;
}

bool ebb_driver_holds_time(const ebb_driver *driver)
{
  return driver->n_holding > 0;
}
