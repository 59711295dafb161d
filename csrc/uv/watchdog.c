/* SPDX-License-Identifier: MIT */
/* The watchdog where there is no timer that signals one thread: a thread of its
   own (macOS, BSD); and none (Windows). On Linux see watchdog_timer.c; with
   EBB_WATCHDOG_THREAD defined it is this one, there as well. */
#if !defined(__linux__) || defined(EBB_WATCHDOG_THREAD)

  #include "uv/watchdog.h"

  #include "base/base.h"

  #include <uv.h>

  #if defined(_WIN32)

ebb_watchdog *ebb_watchdog_open(ebb_alloc *alloc, ebb_beat *beat,
                                int signal_number, ebb_overrun notify, void *ud,
                                int *error)
{
  (void)alloc, (void)beat, (void)signal_number, (void)notify, (void)ud;
  *error = UV_ENOTSUP;
  return NULL;
}

void ebb_watchdog_close(ebb_watchdog *self)
{
  (void)self;
}

ebb_watchdog *ebb_watchdog_attach(ebb_watchdog *self)
{
  return self;
}

void ebb_watchdog_detach(ebb_watchdog *self, ebb_watchdog *before)
{
  (void)self, (void)before;
}

ebb_watchdog *ebb_watchdog_attached(void)
{
  return NULL;
}

void ebb_watchdog_wake(ebb_watchdog *self)
{
  (void)self;
}

bool ebb_watchdog_is_lost(const ebb_watchdog *self)
{
  (void)self;
  return false;
}

  #else

    #include "uv/action.h"

    #include <errno.h>
    #include <pthread.h>
    #include <sched.h>
    #include <signal.h>
    #include <unistd.h>

  /* How often it looks, in an allowed time; and its bounds. */
    #define LOOKS       4
    #define LOOK_MIN_US 250
    #define LOOK_MAX_US 10000
    #define IDLE_NS     1000000000u

struct ebb_watchdog {
  ebb_beat *beat;
  ebb_alloc *alloc;
  ebb_overrun notify;
  void *ud;
  int number;
  pid_t pid;
  uv_thread_t thread;
  uv_mutex_t mutex; /* of what follows */
  uv_cond_t cond;
  pthread_t target; /* valid while has_target */
  bool has_target, stopping, woken;
  atomic_bool sent; /* a signal is on its way */
};

  /* Who watches this thread. The handler reads it, so it must not be allocated
     on first use, as a shared object's may be. */
    #if defined(__linux__)
static _Thread_local ebb_watchdog *here
    __attribute__((tls_model("initial-exec")));
    #else
static _Thread_local ebb_watchdog *here;
    #endif

/* --- the handler --- */

static void on_signal(int number, siginfo_t *info, void *context)
{
  int saved = errno;
  ebb_watchdog *self = here;
  if (self != NULL && self->number == number &&
      atomic_exchange(&self->sent, false))
    self->notify(self->ud);
  else
    ebb__action_pass(number, info, context);
  errno = saved;
}

/* --- the thread --- */

static unsigned get(atomic_uint *at)
{
  return atomic_load_explicit(at, memory_order_relaxed);
}

static void signal_overrun(ebb_watchdog *self, unsigned turn, uint64_t ran_ns)
{
  ebb_beat *beat = self->beat;
  uint64_t ran_us = ran_ns / 1000;
  if (get(&beat->hushed) == turn || !self->has_target)
    return;
  atomic_store_explicit(&beat->ran_us,
                        ran_us < UINT32_MAX ? (unsigned)ran_us : UINT32_MAX,
                        memory_order_relaxed);
  atomic_store_explicit(&beat->overran, turn, memory_order_relaxed);
  atomic_store(&self->sent, true);
  pthread_kill(self->target, self->number);
}

static uint64_t look_every_ns(unsigned allow_us)
{
  unsigned us = allow_us == 0 ? LOOK_MAX_US : allow_us / LOOKS;
  if (us < LOOK_MIN_US)
    us = LOOK_MIN_US;
  if (us > LOOK_MAX_US)
    us = LOOK_MAX_US;
  return us * (uint64_t)1000;
}

/* Under the mutex, but while it waits. */
static void watch(ebb_watchdog *self)
{
  ebb_beat *beat = self->beat;
  uint64_t busy_ns = uv_hrtime(), began_ns = busy_ns;
  unsigned last = 0;
  while (!self->stopping) {
    unsigned allow_us = get(&beat->allow_us);
    uint64_t now_ns = uv_hrtime();
    if (self->woken)
      busy_ns = now_ns;
    self->woken = false;
    if (now_ns - busy_ns >= IDLE_NS) {
      /* it may just have missed that there is something to do again, hence no
         wait without limit while there is a limit for turns */
      atomic_store(&beat->asleep, true);
      if (get(&beat->turn) == last && get(&beat->allow_us) == 0)
        uv_cond_wait(&self->cond, &self->mutex);
      else if (get(&beat->turn) == last)
        uv_cond_timedwait(&self->cond, &self->mutex, IDLE_NS);
      atomic_store(&beat->asleep, false);
      busy_ns = uv_hrtime();
      if (!self->woken && get(&beat->turn) == last)
        busy_ns -= IDLE_NS;
      continue;
    }
    uv_cond_timedwait(&self->cond, &self->mutex, look_every_ns(allow_us));
    unsigned turn = ebb_beat_turn(beat);
    allow_us = get(&beat->allow_us);
    now_ns = uv_hrtime();
    if (allow_us != 0 && (turn != last || (turn & 1) != 0))
      busy_ns = now_ns;
    if (turn != last) {
      last = turn;
      began_ns = now_ns;
    } else if ((turn & 1) != 0 && allow_us != 0 &&
               now_ns - began_ns >= allow_us * (uint64_t)1000) {
      signal_overrun(self, turn, now_ns - began_ns);
    }
  }
}

static void thread_main(void *ud)
{
  ebb_watchdog *self = ud;
  uv_mutex_lock(&self->mutex);
  watch(self);
  uv_mutex_unlock(&self->mutex);
}

/* The thread takes none of the process's signals. */
static int start_thread(ebb_watchdog *self)
{
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                 .stack_size = 256 * 1024};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = uv_thread_create_ex(&self->thread, &options, thread_main, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

/* --- opening and closing --- */

static int start(ebb_watchdog *self)
{
  struct sigaction with = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigemptyset(&with.sa_mask);
  int error = uv_mutex_init(&self->mutex);
  if (error != 0)
    return error;
  error = uv_cond_init(&self->cond);
  if (error != 0)
    goto no_cond;
  error = UV_EINVAL;
  if (!ebb__action_watch(self->number, &with, EBB__ALWAYS))
    goto no_watch;
  error = start_thread(self);
  if (error == 0)
    return 0;
  ebb__action_unwatch(self->number);
no_watch:
  uv_cond_destroy(&self->cond);
no_cond:
  uv_mutex_destroy(&self->mutex);
  return error;
}

ebb_watchdog *ebb_watchdog_open(ebb_alloc *alloc, ebb_beat *beat,
                                int signal_number, ebb_overrun notify, void *ud,
                                int *error)
{
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
  *error = start(self);
  if (*error != 0) {
    ebb_alloc_put(alloc, self, sizeof *self);
    return NULL;
  }
  return self;
}

bool ebb_watchdog_is_lost(const ebb_watchdog *self)
{
  return self->pid != getpid();
}

/* In a forked child the mutex may be locked, and the condition has a waiter,
   for ever: they are only forgotten. */
void ebb_watchdog_close(ebb_watchdog *self)
{
  if (here == self)
    here = NULL;
  if (!ebb_watchdog_is_lost(self)) {
    uv_mutex_lock(&self->mutex);
    self->stopping = true;
    self->has_target = false;
    uv_cond_signal(&self->cond);
    uv_mutex_unlock(&self->mutex);
    uv_thread_join(&self->thread);
    uv_cond_destroy(&self->cond);
    uv_mutex_destroy(&self->mutex);
  }
  ebb__action_unwatch(self->number);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

/* --- the watched thread --- */

ebb_watchdog *ebb_watchdog_attach(ebb_watchdog *self)
{
  ebb_watchdog *before = here;
  here = self;
  if (ebb_watchdog_is_lost(self))
    return before;
  uv_mutex_lock(&self->mutex);
  self->target = pthread_self();
  self->has_target = true;
  uv_mutex_unlock(&self->mutex);
  return before;
}

void ebb_watchdog_detach(ebb_watchdog *self, ebb_watchdog *before)
{
  if (before == self)
    return;
  if (!ebb_watchdog_is_lost(self)) {
    uv_mutex_lock(&self->mutex);
    self->has_target = false;
    uv_mutex_unlock(&self->mutex);
    /* a signal that is on its way is delivered with the next system call */
    if (atomic_load(&self->sent))
      sched_yield();
  }
  here = before;
}

ebb_watchdog *ebb_watchdog_attached(void)
{
  return here;
}

void ebb_watchdog_wake(ebb_watchdog *self)
{
  if (ebb_watchdog_is_lost(self))
    return;
  uv_mutex_lock(&self->mutex);
  self->woken = true;
  atomic_store(&self->beat->asleep, false); /* nobody needs to wake it twice */
  uv_cond_signal(&self->cond);
  uv_mutex_unlock(&self->mutex);
}

  #endif

#endif
