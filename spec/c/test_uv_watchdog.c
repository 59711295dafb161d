/* SPDX-License-Identifier: MIT */
/* The watchdog, without Lua: what it notices and what not, whose handler has
   its signal, threads that come and go, a forked child. Built with the thread
   sanitizer it shows no race. */
#include "check.h"
#include "uv/action.h"
#include "uv/watchdog.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static ebb_alloc alloc;
static volatile sig_atomic_t n_own;

typedef struct watched {
  ebb_beat beat;
  ebb_watchdog *dog;
  volatile sig_atomic_t n_overruns, n_late;
} watched;

static void on_overrun(void *ud)
{
  watched *self = ud;
  self->n_overruns++;
  if (!ebb_beat_is_overrun(&self->beat))
    self->n_late++;
}

static void begin_on(watched *self, int number)
{
  int error = 0;
  *self = (watched){.n_overruns = 0};
  self->dog =
      ebb_watchdog_open(&alloc, &self->beat, number, on_overrun, self, &error);
  CHECK_EQ(error, 0);
  CHECK(ebb_watchdog_attach(self->dog) == NULL);
}

static void begin(watched *self)
{
  ebb_alloc_init(&alloc, NULL, NULL);
  begin_on(self, EBB_WATCHDOG_SIGNAL);
}

static void end(watched *self)
{
  ebb_watchdog_detach(self->dog, NULL);
  ebb_watchdog_close(self->dog);
}

static void allow(watched *self, unsigned us)
{
  atomic_store(&self->beat.allow_us, us);
  ebb_watchdog_wake(self->dog);
}

/* Computes; with a system call now and then, where the thread sanitizer lets
   signals through. True when `until` became so many, within 5 s. */
static bool compute(uint64_t at_least_ns, volatile sig_atomic_t *until, int n)
{
  uint64_t began_ns = uv_hrtime(), span_ns = 0;
  while (span_ns < at_least_ns || (*until < n && span_ns < 5u * 1000000000u)) {
    sched_yield();
    span_ns = uv_hrtime() - began_ns;
  }
  return *until >= n;
}

static const uint64_t ms = 1000000;
static volatile sig_atomic_t never = 0;

TEST(a_long_turn_is_noticed)
{
  watched w;
  begin(&w);
  allow(&w, 2000);
  uint64_t began_ns = uv_hrtime();
  ebb_beat_begin(&w.beat);
  CHECK(compute(0, &w.n_overruns, 1));
  CHECK(uv_hrtime() - began_ns >= 2 * ms);
  CHECK(atomic_load(&w.beat.ran_us) >= 2000);
  CHECK(ebb_beat_is_overrun(&w.beat));
  CHECK(compute(0, &w.n_overruns, 3)); /* again and again */
  ebb_beat_end(&w.beat);
  CHECK(!ebb_beat_is_overrun(&w.beat));
  end(&w);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(short_turns_and_pauses_are_not)
{
  watched w;
  begin(&w);
  allow(&w, 400000);
  for (int i = 0; i < 1000; i++) {
    ebb_beat_begin(&w.beat);
    compute(ms / 2, &never, 0);
    ebb_beat_end(&w.beat);
  }
  compute(100 * ms, &never, 0);
  CHECK_EQ(w.n_overruns, 0);
  end(&w);
}

TEST(no_limit_no_signal)
{
  watched w;
  begin(&w);
  ebb_beat_begin(&w.beat);
  compute(50 * ms, &never, 0);
  CHECK_EQ(w.n_overruns, 0);
  allow(&w, 1000); /* from now on */
  CHECK(compute(0, &w.n_overruns, 1));
  allow(&w, 0);
  compute(20 * ms, &never, 0);
  int n = w.n_overruns;
  compute(30 * ms, &never, 0);
  CHECK_EQ(w.n_overruns, n);
  ebb_beat_end(&w.beat);
  end(&w);
}

TEST(a_hushed_turn_is_left_alone)
{
  watched w;
  begin(&w);
  allow(&w, 1000);
  ebb_beat_begin(&w.beat);
  CHECK(compute(0, &w.n_overruns, 1));
  atomic_store(&w.beat.hushed, ebb_beat_turn(&w.beat));
  compute(10 * ms, &never, 0);
  int n = w.n_overruns;
  compute(30 * ms, &never, 0);
  CHECK_EQ(w.n_overruns, n);
  ebb_beat_end(&w.beat);
  ebb_beat_begin(&w.beat); /* the next one is not */
  CHECK(compute(0, &w.n_overruns, n + 1));
  ebb_beat_end(&w.beat);
  end(&w);
}

/* It has slept for a while when the next long turn comes. */
TEST(it_falls_asleep_and_wakes_up)
{
  watched w;
  begin(&w);
  allow(&w, 1000);
  uint64_t began_ns = uv_hrtime();
  while (!atomic_load(&w.beat.asleep) && uv_hrtime() - began_ns < 5000 * ms)
    usleep(1000);
  CHECK(atomic_load(&w.beat.asleep));
  CHECK(uv_hrtime() - began_ns >= 90 * ms);
  ebb_watchdog_wake(w.dog);
  ebb_beat_begin(&w.beat);
  CHECK(compute(0, &w.n_overruns, 1));
  ebb_beat_end(&w.beat);
  end(&w);
}

/* --- whose handler --- */

static void own_handler(int number, siginfo_t *info, void *context)
{
  (void)context;
  n_own += number == SIGURG && info != NULL && info->si_pid == getpid();
}

static void install(void (*handler)(int, siginfo_t *, void *))
{
  struct sigaction action = {.sa_sigaction = handler,
                             .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  sigaction(SIGURG, &action, NULL);
}

TEST(the_handler_from_before_is_called_and_comes_back)
{
  watched w;
  struct sigaction now;
  install(own_handler);
  begin(&w);
  n_own = 0;
  kill(getpid(), SIGURG);
  CHECK(compute(0, &n_own, 1));
  CHECK_EQ(w.n_overruns, 0);
  allow(&w, 1000);
  ebb_beat_begin(&w.beat);
  CHECK(compute(0, &w.n_overruns, 3));
  ebb_beat_end(&w.beat);
  CHECK_EQ(n_own, 1); /* those were not for it */
  end(&w);
  sigaction(SIGURG, NULL, &now);
  CHECK(now.sa_sigaction == own_handler);
  CHECK((now.sa_flags & SA_NODEFER) != 0);
  now.sa_handler = SIG_DFL;
  now.sa_flags = 0;
  sigaction(SIGURG, &now, NULL);
}

TEST(another_signal)
{
  watched w;
  struct sigaction now;
  ebb_alloc_init(&alloc, NULL, NULL);
  begin_on(&w, SIGUSR2);
  allow(&w, 1000);
  ebb_beat_begin(&w.beat);
  CHECK(compute(0, &w.n_overruns, 1));
  ebb_beat_end(&w.beat);
  end(&w);
  sigaction(SIGUSR2, NULL, &now);
  CHECK(now.sa_handler == SIG_DFL);
  int error = 0;
  CHECK(ebb_watchdog_open(&alloc, &w.beat, 12345, on_overrun, &w, &error) ==
        NULL);
  CHECK_EQ(error, UV_EINVAL);
  CHECK_EQ(alloc.live_bytes, 0);
}

static void *no_memory(void *ud, void *block, size_t old, size_t n_bytes)
{
  (void)ud, (void)old, (void)n_bytes;
  CHECK(block == NULL);
  return NULL;
}

TEST(without_memory_there_is_none)
{
  ebb_alloc none;
  watched w = {.n_overruns = 0};
  int error = 0;
  ebb_alloc_init(&none, no_memory, NULL);
  CHECK(ebb_watchdog_open(&none, &w.beat, 0, on_overrun, &w, &error) == NULL);
  CHECK_EQ(error, UV_ENOMEM);
}

/* --- threads and processes --- */

static void *own_thread(void *ud)
{
  watched *w = ud;
  for (int i = 0; i < 20; i++) {
    ebb_watchdog *before = ebb_watchdog_attach(w->dog);
    CHECK(before == NULL);
    CHECK(ebb_watchdog_attached() == w->dog);
    int n = w->n_overruns;
    ebb_beat_begin(&w->beat);
    if (atomic_load(&w->beat.asleep)) /* the thread began late */
      ebb_watchdog_wake(w->dog);
    CHECK(compute(0, &w->n_overruns, n + 1));
    ebb_beat_end(&w->beat);
    ebb_watchdog_detach(w->dog, NULL);
  }
  return NULL;
}

TEST(threads_each_with_their_own)
{
  enum { N = 3 };
  static watched w[N];
  pthread_t threads[N];
  ebb_alloc allocs[N];
  for (int i = 0; i < N; i++) {
    int error = 0;
    ebb_alloc_init(&allocs[i], NULL, NULL);
    w[i].dog =
        ebb_watchdog_open(&allocs[i], &w[i].beat, 0, on_overrun, &w[i], &error);
    allow(&w[i], 500);
    pthread_create(&threads[i], NULL, own_thread, &w[i]);
  }
  for (int i = 0; i < N; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < N; i++) { /* the thread it watched is gone */
    CHECK(w[i].n_overruns >= 20);
    usleep(2000);
    ebb_watchdog_close(w[i].dog);
    CHECK_EQ(allocs[i].live_bytes, 0);
  }
}

/* One may watch a thread while another one is attached: then it has to wait. */
TEST(nested)
{
  watched outer, inner;
  begin(&outer);
  int error = 0;
  inner = (watched){.n_overruns = 0};
  inner.dog =
      ebb_watchdog_open(&alloc, &inner.beat, 0, on_overrun, &inner, &error);
  allow(&outer, 1000);
  ebb_beat_begin(&outer.beat);
  CHECK(ebb_watchdog_attach(inner.dog) == outer.dog);
  allow(&inner, 1000);
  ebb_beat_begin(&inner.beat);
  CHECK(compute(0, &inner.n_overruns, 1));
  ebb_beat_end(&inner.beat);
  ebb_watchdog_detach(inner.dog, outer.dog);
  CHECK(ebb_watchdog_attached() == outer.dog);
  CHECK(compute(0, &outer.n_overruns, 1));
  ebb_beat_end(&outer.beat);
  ebb_watchdog_close(inner.dog);
  end(&outer);
  CHECK_EQ(alloc.live_bytes, 0);
}

#if !defined(__SANITIZE_THREAD__) /* it does not fork with threads */
TEST(a_forked_child_has_none_and_can_make_one)
{
  watched w;
  begin(&w);
  allow(&w, 1000);
  pid_t child = fork();
  if (child == 0) {
    bool good = ebb_watchdog_is_lost(w.dog);
    ebb_watchdog_wake(w.dog);
    ebb_watchdog_attach(w.dog);
    ebb_watchdog_detach(w.dog, NULL);
    ebb_watchdog_close(w.dog);
    begin(&w);
    allow(&w, 1000);
    ebb_beat_begin(&w.beat);
    good = good && compute(0, &w.n_overruns, 1);
    ebb_beat_end(&w.beat);
    end(&w);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_EQ(status, 0);
  CHECK(!ebb_watchdog_is_lost(w.dog));
  end(&w);
}
#endif

int main(void)
{
  RUN(a_long_turn_is_noticed);
  RUN(short_turns_and_pauses_are_not);
  RUN(no_limit_no_signal);
  RUN(a_hushed_turn_is_left_alone);
  RUN(it_falls_asleep_and_wakes_up);
  RUN(the_handler_from_before_is_called_and_comes_back);
  RUN(another_signal);
  RUN(without_memory_there_is_none);
  RUN(threads_each_with_their_own);
  RUN(nested);
#if !defined(__SANITIZE_THREAD__)
  RUN(a_forked_child_has_none_and_can_make_one);
#endif
  return check_report();
}
