/* SPDX-License-Identifier: MIT */
#include "uv/action.h"

#include "base/base.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define N_NUMBERS 65

typedef struct action {
  unsigned n_subscribers, n_watches;
  struct sigaction before; /* valid while there are subscribers or watches */
  struct sigaction libuv;  /* valid while there are subscribers */
  struct sigaction watch;  /* valid while there are watches */
} action;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static action actions[N_NUMBERS];
static ebb_list interrupts = {&interrupts, &interrupts}; /* to SIGINT */
/* Looked at in handlers, which cannot lock. */
typedef void handler_fn(int number);
static _Atomic(handler_fn *) forward_handlers[N_NUMBERS];

static bool is_watched(int number)
{
  return actions[number].n_watches > 0;
}

/* Is `current` one of the handlers that this file has installed? */
static bool is_ours(int number, const struct sigaction *current)
{
  const action *self = &actions[number];
  return (is_watched(number) &&
          current->sa_handler == self->watch.sa_handler) ||
         (self->n_subscribers > 0 &&
          current->sa_handler == self->libuv.sa_handler);
}

/* Reads what is installed, and notes it unless it is ours. */
static void look(int number, struct sigaction *current)
{
  sigaction(number, NULL, current);
  if (!is_ours(number, current))
    actions[number].before = *current;
}

static void install(int number)
{
  const action *self = &actions[number];
  sigaction(number,
            is_watched(number)        ? &self->watch
            : self->n_subscribers > 0 ? &self->libuv
                                      : &self->before,
            NULL);
}

static void update_forward(int number)
{
  const action *self = &actions[number];
  atomic_store(&forward_handlers[number],
               self->n_subscribers > 0 ? self->libuv.sa_handler : NULL);
}

/* --- subscriptions -------------------------------------------------------- */

/* libuv installs its handler for the first handle of a number in the process,
   which need not be one of ebb's. */
static void find_libuv(int number, const struct sigaction *current)
{
  action *self = &actions[number];
  struct sigaction now;
  sigaction(number, NULL, &now);
  if (now.sa_handler == current->sa_handler && is_watched(number))
    self->libuv = self->before;
  else
    self->libuv = now;
}

static int subscribe(ebb__subscriber *self, uv_signal_cb on_signal)
{
  struct sigaction current;
  int number = self->number;
  look(number, &current);
  int error = uv_signal_start(&self->handle, on_signal, number);
  if (error != 0)
    return error;
  if (actions[number].n_subscribers == 0)
    find_libuv(number, &current);
  actions[number].n_subscribers++;
  if (number == SIGINT)
    ebb_list_push_back(&interrupts, &self->link);
  update_forward(number);
  install(number);
  return 0;
}

int ebb__action_subscribe(ebb__subscriber *self, uv_signal_cb on_signal)
{
  ebb_list_init(&self->link);
  if (self->number < 1 || self->number >= N_NUMBERS)
    return UV_EINVAL;
  pthread_mutex_lock(&lock);
  int error = subscribe(self, on_signal);
  pthread_mutex_unlock(&lock);
  return error;
}

/* libuv resets to the default action with the last of its handles. */
static void unsubscribe(ebb__subscriber *self)
{
  struct sigaction current, now;
  int number = self->number;
  action *own = &actions[number];
  look(number, &current);
  uv_signal_stop(&self->handle);
  ebb_list_unlink(&self->link);
  own->n_subscribers--;
  update_forward(number);
  sigaction(number, NULL, &now);
  if (own->n_subscribers == 0 && !is_watched(number) &&
      now.sa_handler == own->libuv.sa_handler)
    return; /* somebody else's handles remain */
  install(number);
}

void ebb__action_unsubscribe(ebb__subscriber *self)
{
  /* in between the default action is installed: not to be hit by it */
  sigset_t number, before;
  sigemptyset(&number);
  sigaddset(&number, self->number);
  pthread_mutex_lock(&lock);
  pthread_sigmask(SIG_BLOCK, &number, &before);
  unsubscribe(self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_mutex_unlock(&lock);
}

bool ebb__action_has_interrupt(const ebb_driver *driver)
{
  bool found = false;
  pthread_mutex_lock(&lock);
  ebb_list_foreach(node, &interrupts) {
    if (ebb_container_of(node, ebb__subscriber, link)->driver == driver)
      found = true;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

/* --- watches -------------------------------------------------------------- */

static bool holds(ebb__watch_if condition, const struct sigaction *before)
{
  return condition == EBB__ALWAYS ||
         (before->sa_handler != SIG_IGN &&
          (condition == EBB__IF_NOT_IGNORED || before->sa_handler != SIG_DFL));
}

static bool watch(int number, const struct sigaction *with,
                  ebb__watch_if condition)
{
  struct sigaction current;
  action *self = &actions[number];
  look(number, &current);
  if (self->n_watches == 0 && !holds(condition, &self->before)) {
    /* the subscriptions' handler may have been replaced meanwhile */
    if (self->n_subscribers > 0)
      install(number);
    return false;
  }
  self->n_watches++;
  self->watch = *with;
  install(number);
  return true;
}

bool ebb__action_watch(int number, const struct sigaction *with,
                       ebb__watch_if condition)
{
  if (number < 1 || number >= N_NUMBERS)
    return false;
  pthread_mutex_lock(&lock);
  bool done = watch(number, with, condition);
  pthread_mutex_unlock(&lock);
  return done;
}

void ebb__action_unwatch(int number)
{
  pthread_mutex_lock(&lock);
  actions[number].n_watches--;
  install(number);
  pthread_mutex_unlock(&lock);
}

void ebb__action_forward(int number)
{
  handler_fn *handler = atomic_load(&forward_handlers[number]);
  if (handler != NULL)
    handler(number);
}

void ebb__action_pass(int number, siginfo_t *info, void *context)
{
  const struct sigaction *before = &actions[number].before;
  ebb__action_forward(number);
  if (before->sa_handler == SIG_IGN || before->sa_handler == SIG_DFL)
    return;
  if ((before->sa_flags & SA_SIGINFO) != 0)
    before->sa_sigaction(number, info, context);
  else
    before->sa_handler(number);
}
