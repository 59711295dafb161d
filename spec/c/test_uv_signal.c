/* SPDX-License-Identifier: MIT */
/* Subscriptions and Ctrl-C, without Lua: which handler is there, in every order
   of coming and going. */
#include "check.h"
#include "uv/interrupt.h"
#include "uv/signal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static ebb_alloc alloc;
static ebb_driver *driver;
static volatile sig_atomic_t n_own, n_notified;

static void own_handler(int number)
{
  (void)number;
  n_own++;
}

static void notify(void *ud)
{
  (void)ud;
  n_notified++;
}

static void install(int number, void (*handler)(int))
{
  struct sigaction action;
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGUSR2);
  sigaction(number, &action, NULL);
}

/* As install() left it. */
static bool is_own(int number)
{
  struct sigaction action;
  sigaction(number, NULL, &action);
  return action.sa_handler == own_handler &&
         (action.sa_flags & SA_NODEFER) != 0 &&
         sigismember(&action.sa_mask, SIGUSR2) == 1;
}

static ebb_driver *new_driver(void)
{
  int error;
  ebb_driver *made = ebb_driver_open(&alloc, NULL, &error);
  CHECK_EQ(error, 0);
  return made;
}

static void begin(void)
{
  ebb_alloc_init(&alloc, NULL, NULL);
  driver = new_driver();
  install(SIGINT, own_handler);
  install(SIGUSR1, own_handler);
  n_own = n_notified = 0;
}

static void end(void)
{
  ebb_driver_close(driver);
  CHECK_EQ(alloc.live_bytes, 0);
  CHECK(is_own(SIGINT));
  CHECK(is_own(SIGUSR1));
}

static ebb_signal *open_from(ebb_alloc *from, ebb_driver *on, int number)
{
  int error;
  ebb_signal *self = ebb_signal_open(on, from, number, &error);
  CHECK_EQ(error, 0);
  return self;
}

static ebb_signal *open_on(ebb_driver *on, int number)
{
  return open_from(&alloc, on, number);
}

/* Raises it and takes it from the subscription. */
static bool arrives(ebb_driver *on, ebb_signal *self)
{
  raise(self->number);
  for (int i = 0; i < 100 && !self->pending; i++)
    ebb_driver_poll(on);
  bool pending = self->pending;
  self->pending = false;
  return pending;
}

static void watch(ebb_interrupt *interrupt, ebb_driver *on)
{
  *interrupt = (ebb_interrupt){.notify = notify};
  CHECK(ebb_interrupt_watch(interrupt, on, true));
}

static bool interrupts(ebb_interrupt *interrupt)
{
  sig_atomic_t count = interrupt->count;
  raise(SIGINT);
  return interrupt->count == count + 1;
}

TEST(one_and_another)
{
  begin();
  ebb_signal *one = open_on(driver, SIGUSR1), *two = open_on(driver, SIGUSR1);
  CHECK(!is_own(SIGUSR1));
  CHECK(arrives(driver, one));
  CHECK(two->pending);
  ebb_signal_release(one);
  CHECK(!is_own(SIGUSR1));
  CHECK(arrives(driver, two));
  ebb_signal_release(two);
  CHECK(is_own(SIGUSR1));
  raise(SIGUSR1);
  CHECK_EQ(n_own, 1);
  end();
}

TEST(closed_with_the_driver)
{
  begin();
  ebb_signal *one = open_on(driver, SIGUSR1), *two = open_on(driver, SIGINT);
  raise(SIGUSR1); /* in flight */
  ebb_driver_close(driver);
  CHECK(one->closed && two->closed);
  CHECK(is_own(SIGUSR1));
  ebb_signal_release(one);
  ebb_signal_release(two);
  driver = new_driver();
  end();
}

TEST(bad_numbers)
{
  begin();
  int error;
  CHECK(ebb_signal_open(driver, &alloc, SIGKILL, &error) == NULL);
  CHECK_EQ(error, UV_EINVAL);
  CHECK(ebb_signal_open(driver, &alloc, 0, &error) == NULL);
  CHECK(ebb_signal_open(driver, &alloc, 1000, &error) == NULL);
  CHECK(!ebb_driver_is_busy(driver));
  CHECK_EQ(ebb_signal_number("int"), SIGINT);
  CHECK_EQ(ebb_signal_number("kill"), -1);
  CHECK_EQ(ebb_signal_number("nothing"), 0);
  end();
}

TEST(subscribed_within_a_watch)
{
  begin();
  ebb_interrupt interrupt;
  watch(&interrupt, driver);
  CHECK(interrupts(&interrupt));
  ebb_signal *one = open_on(driver, SIGINT);
  CHECK(arrives(driver, one));
  CHECK(!interrupts(&interrupt));
  ebb_signal_release(one);
  CHECK(interrupts(&interrupt));
  CHECK_EQ(n_notified, 2);
  ebb_interrupt_unwatch(&interrupt);
  CHECK(is_own(SIGINT));
  end();
}

TEST(watched_within_a_subscription)
{
  begin();
  ebb_interrupt interrupt;
  ebb_signal *one = open_on(driver, SIGINT);
  watch(&interrupt, driver);
  CHECK(arrives(driver, one));
  CHECK_EQ(interrupt.count, 0);
  ebb_interrupt_unwatch(&interrupt);
  CHECK(arrives(driver, one));
  ebb_signal_release(one);
  end();
}

TEST(overlapping_both_ways)
{
  begin();
  ebb_interrupt interrupt;
  watch(&interrupt, driver);
  ebb_signal *one = open_on(driver, SIGINT);
  ebb_interrupt_unwatch(&interrupt);
  CHECK(arrives(driver, one));
  watch(&interrupt, driver);
  ebb_signal_release(one);
  CHECK(interrupts(&interrupt));
  ebb_interrupt_unwatch(&interrupt);
  CHECK(is_own(SIGINT));
  end();
}

TEST(subscription_of_another_driver)
{
  begin();
  ebb_driver *other = new_driver();
  ebb_interrupt interrupt;
  watch(&interrupt, driver);
  ebb_signal *one = open_on(other, SIGINT);
  CHECK(interrupts(&interrupt));
  CHECK(arrives(other, one));
  ebb_interrupt_unwatch(&interrupt);
  ebb_driver_close(other);
  ebb_signal_release(one);
  end();
}

TEST(nested_watches)
{
  begin();
  ebb_interrupt outer, inner;
  watch(&outer, driver);
  watch(&inner, driver);
  CHECK(interrupts(&inner));
  CHECK_EQ(outer.count, 0);
  ebb_interrupt_unwatch(&inner);
  CHECK(interrupts(&outer));
  ebb_interrupt_unwatch(&outer);
  end();
}

TEST(handler_of_somebody_else_in_between)
{
  begin();
  ebb_interrupt interrupt;
  signal(SIGINT, SIG_DFL);
  ebb_signal *one = open_on(driver, SIGINT);
  install(SIGINT, own_handler);
  watch(&interrupt, driver);
  CHECK(arrives(driver, one));
  CHECK_EQ(n_own, 0);
  ebb_signal_release(one);
  ebb_interrupt_unwatch(&interrupt);
  end();
}

TEST(ignored_and_default_are_left_alone)
{
  begin();
  ebb_interrupt interrupt = {.notify = notify};
  signal(SIGINT, SIG_IGN);
  CHECK(!ebb_interrupt_watch(&interrupt, driver, false));
  ebb_interrupt_unwatch(&interrupt);
  raise(SIGINT);
  signal(SIGINT, SIG_DFL);
  CHECK(!ebb_interrupt_watch(&interrupt, driver, true));
  CHECK(ebb_interrupt_watch(&interrupt, driver, false));
  CHECK(interrupts(&interrupt));
  ebb_interrupt_unwatch(&interrupt);
  struct sigaction action;
  sigaction(SIGINT, NULL, &action);
  CHECK(action.sa_handler == SIG_DFL);
  install(SIGINT, own_handler);
  end();
}

static void on_foreign(uv_signal_t *handle, int number)
{
  (void)number;
  *(int *)handle->data += 1;
}

TEST(somebody_elses_libuv_handles)
{
  begin();
  int n_foreign = 0;
  uv_loop_t loop;
  uv_signal_t foreign;
  uv_loop_init(&loop);
  uv_signal_init(&loop, &foreign);
  foreign.data = &n_foreign;
  uv_signal_start(&foreign, on_foreign, SIGINT);
  ebb_interrupt interrupt;
  watch(&interrupt, driver);
  ebb_signal *one = open_on(driver, SIGINT);
  CHECK(arrives(driver, one));
  ebb_signal_release(one);
  ebb_interrupt_unwatch(&interrupt);
  raise(SIGINT);
  uv_run(&loop, UV_RUN_NOWAIT);
  CHECK(n_foreign >= 1);
  uv_close((uv_handle_t *)&foreign, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQ(uv_loop_close(&loop), 0);
  install(SIGINT, own_handler);
  end();
}

typedef struct beside {
  atomic_bool stops;
  pthread_t thread;
  ebb_alloc alloc;
  ebb_driver *driver;
} beside;

static void *subscribes_and_raises(void *ud)
{
  beside *self = ud;
  while (!atomic_load(&self->stops)) {
    ebb_signal *one = open_from(&self->alloc, self->driver, SIGINT);
    pthread_kill(pthread_self(), SIGINT);
    ebb_driver_poll(self->driver);
    ebb_signal_release(one);
    pthread_kill(pthread_self(), SIGINT);
  }
  return NULL;
}

/* Another thread subscribes and gets the signal while watches come and go here:
   they are told in this thread, and not looked at once they are gone. */
TEST(another_thread)
{
  begin();
  int error;
  beside other = {.driver = NULL};
  ebb_alloc_init(&other.alloc, NULL, NULL);
  other.driver = ebb_driver_open(&other.alloc, NULL, &error);
  /* With libuv's last handle the default action is there for a moment, which
     would end this process. */
  ebb_signal *last = open_from(&other.alloc, other.driver, SIGINT);
  CHECK_EQ(pthread_create(&other.thread, NULL, subscribes_and_raises, &other),
           0);
  for (int i = 0; i < 300; i++) {
    ebb_interrupt interrupt;
    watch(&interrupt, driver);
    for (int n = 0; n < 50000 && interrupt.count == 0; n++)
      usleep(20); /* the sanitizer of threads hands signals over here */
    CHECK(i > 0 || interrupt.count > 0);
    ebb_interrupt_unwatch(&interrupt);
    memset(&interrupt, 0xff, sizeof interrupt);
  }
  atomic_store(&other.stops, true);
  pthread_join(other.thread, NULL);
  ebb_signal_release(last);
  ebb_driver_close(other.driver);
  end();
}

int main(void)
{
  RUN(one_and_another);
  RUN(closed_with_the_driver);
  RUN(bad_numbers);
  RUN(subscribed_within_a_watch);
  RUN(watched_within_a_subscription);
  RUN(overlapping_both_ways);
  RUN(subscription_of_another_driver);
  RUN(nested_watches);
  RUN(handler_of_somebody_else_in_between);
  RUN(ignored_and_default_are_left_alone);
  RUN(somebody_elses_libuv_handles);
  RUN(another_thread);
  return check_report();
}
