/* SPDX-License-Identifier: MIT */
/* The watchdog on Linux: no thread at all, but a timer of the kernel that
   signals the loop's thread, whose handler looks at the beat. A second thread
   would cost every program that uses malloc: the C library takes its locks from
   then on, and tables become 15 to 40 % dearer. And a signal to the thread that
   computes comes in time also on a machine that is overloaded.

   All of this runs in the attached thread, most of it in the handler: no locks,
   and calls that are async-signal-safe only. */
#if defined(__linux__) && !defined(EBB_WATCHDOG_THREAD)

  #include "base/base.h"
  #include "uv/action.h"
  #include "uv/watchdog.h"

  #include <errno.h>
  #include <signal.h>
  #include <sys/syscall.h>
  #include <time.h>
  #include <unistd.h>
  #include <uv.h>

  #ifndef sigev_notify_thread_id
    #define sigev_notify_thread_id _sigev_un._tid
  #endif

/* How often it looks, in an allowed time; and its bounds. */
  #define LOOKS       4
  #define LOOK_MIN_US 250
  #define LOOK_MAX_US 10000
  #define IDLE_NS     100000000u

struct ebb_watchdog {
  ebb_beat *beat;
  ebb_alloc *alloc;
  ebb_overrun notify;
  void *ud;
  int number;
  pid_t pid, tid; /* of whose thread the timer is */
  timer_t timer;
  bool has_timer, is_attached;
  volatile bool is_detaching; /* a look in between would set the timer */
  ebb_watchdog *outer;        /* attached to the same thread before */
  volatile uint64_t every_ns; /* 0: the timer does not run */
  /* what the last look saw */
  volatile unsigned last;
  volatile uint64_t began_ns, busy_ns;
};

/* Who watches this thread. The handler reads it, so it must not be allocated on
   first use, as a shared object's may be. */
static _Thread_local ebb_watchdog *volatile here
    __attribute__((tls_model("initial-exec")));

static unsigned get(atomic_uint *at)
{
  return atomic_load_explicit(at, memory_order_relaxed);
}

/* --- the timer --- */

static uint64_t look_every_ns(unsigned allow_us)
{
  unsigned us = allow_us == 0 ? LOOK_MAX_US : allow_us / LOOKS;
  if (us < LOOK_MIN_US)
    us = LOOK_MIN_US;
  if (us > LOOK_MAX_US)
    us = LOOK_MAX_US;
  return us * (uint64_t)1000;
}

/* 0: stops it. */
static void set_timer(ebb_watchdog *self, uint64_t every_ns)
{
  struct timespec every = {.tv_nsec = (long)every_ns};
  struct itimerspec spec = {.it_interval = every, .it_value = every};
  if (!self->has_timer || every_ns == self->every_ns)
    return;
  self->every_ns = every_ns;
  timer_settime(self->timer, 0, &spec, NULL);
}

static void run_timer(ebb_watchdog *self)
{
  self->busy_ns = uv_hrtime();
  atomic_store_explicit(&self->beat->asleep, false, memory_order_relaxed);
  set_timer(self, look_every_ns(get(&self->beat->allow_us)));
}

static void delete_timer(ebb_watchdog *self)
{
  if (self->has_timer)
    timer_delete(self->timer);
  self->has_timer = false;
  self->every_ns = 0;
}

/* For the calling thread. Returns libuv's code. */
static int create_timer(ebb_watchdog *self)
{
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = self->number};
  pid_t tid = (pid_t)syscall(SYS_gettid);
  if (self->has_timer && self->tid == tid)
    return 0;
  delete_timer(self);
  event.sigev_value.sival_ptr = self;
  event.sigev_notify_thread_id = tid;
  if (timer_create(CLOCK_MONOTONIC, &event, &self->timer) != 0)
    return -errno;
  self->has_timer = true;
  self->tid = tid;
  return 0;
}

/* --- looking --- */

static void overrun(ebb_watchdog *self, unsigned turn, uint64_t ran_ns)
{
  ebb_beat *beat = self->beat;
  uint64_t ran_us = ran_ns / 1000;
  if (get(&beat->hushed) == turn)
    return;
  atomic_store_explicit(&beat->ran_us,
                        ran_us < UINT32_MAX ? (unsigned)ran_us : UINT32_MAX,
                        memory_order_relaxed);
  atomic_store_explicit(&beat->overran, turn, memory_order_relaxed);
  self->notify(self->ud);
}

static void look(ebb_watchdog *self)
{
  ebb_beat *beat = self->beat;
  unsigned turn = ebb_beat_turn(beat), allow_us = get(&beat->allow_us);
  uint64_t now_ns = uv_hrtime();
  if (allow_us != 0 && (turn != self->last || (turn & 1) != 0))
    self->busy_ns = now_ns;
  if (turn != self->last) {
    self->last = turn;
    self->began_ns = now_ns;
  } else if ((turn & 1) != 0 && allow_us != 0 &&
             now_ns - self->began_ns >= allow_us * (uint64_t)1000) {
    overrun(self, turn, now_ns - self->began_ns);
  }
  if (now_ns - self->busy_ns >= IDLE_NS) {
    atomic_store_explicit(&beat->asleep, true, memory_order_relaxed);
    set_timer(self, 0);
  } else {
    set_timer(self, look_every_ns(allow_us));
  }
}

/* Timers of those that another one hides run on; they only have to wait. */
static bool is_attached(const ebb_watchdog *self)
{
  for (const ebb_watchdog *at = here; at != NULL; at = at->outer)
    if (at == self)
      return true;
  return false;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
  int saved = errno;
  ebb_watchdog *self = info->si_value.sival_ptr;
  if (info->si_code != SI_TIMER || !is_attached(self))
    ebb__action_pass(number, info, context);
  else if (self == here && !self->is_detaching)
    look(self);
  errno = saved;
}

/* --- opening and closing --- */

ebb_watchdog *ebb_watchdog_open(ebb_alloc *alloc, ebb_beat *beat,
                                int signal_number, ebb_overrun notify, void *ud,
                                int *error)
{
  struct sigaction with = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigemptyset(&with.sa_mask);
  ebb_watchdog *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (ebb_watchdog){
      .beat = beat,
      .alloc = alloc,
      .notify = notify,
      .ud = ud,
      .number = signal_number != EBB_WATCHDOG_SIGNAL ? signal_number : SIGURG,
      .pid = getpid(),
  };
  *error = UV_EINVAL;
  if (ebb__action_watch(self->number, &with, EBB__ALWAYS)) {
    *error = create_timer(self);
    if (*error == 0)
      return self;
    ebb__action_unwatch(self->number);
  }
  ebb_alloc_put(alloc, self, sizeof *self);
  return NULL;
}

bool ebb_watchdog_is_lost(const ebb_watchdog *self)
{
  return self->pid != getpid();
}

void ebb_watchdog_close(ebb_watchdog *self)
{
  if (self->is_attached)
    ebb_watchdog_detach(self, self->outer);
  if (!ebb_watchdog_is_lost(self))
    delete_timer(self);
  ebb__action_unwatch(self->number);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

/* --- the watched thread --- */

ebb_watchdog *ebb_watchdog_attach(ebb_watchdog *self)
{
  ebb_watchdog *before = here;
  if (!self->is_attached) {
    self->outer = before;
    self->is_attached = true;
    here = self;
  }
  if (!ebb_watchdog_is_lost(self) && create_timer(self) == 0)
    run_timer(self);
  return before;
}

/* What the timer has sent up to now is delivered at the latest when the call
   that stops it returns: it was sent to this thread. */
void ebb_watchdog_detach(ebb_watchdog *self, ebb_watchdog *before)
{
  if (before == self || !self->is_attached)
    return;
  self->is_detaching = true;
  if (!ebb_watchdog_is_lost(self))
    set_timer(self, 0);
  self->is_attached = false;
  here = before;
  self->is_detaching = false;
}

ebb_watchdog *ebb_watchdog_attached(void)
{
  return here;
}

void ebb_watchdog_wake(ebb_watchdog *self)
{
  if (self->is_attached && !ebb_watchdog_is_lost(self))
    run_timer(self);
}

#endif
