/* SPDX-License-Identifier: MIT */
#include "uv/signal.h"

#include "base/base.h"
#include "uv/action.h"
#include "uv/interrupt.h"

#include <signal.h>
#include <string.h>

typedef struct subscription {
  ebb_signal signal;
  ebb__subscriber subscriber;
  ebb_attached attached;
  ebb_alloc *alloc;
  bool handle_closed, released; /* both: it can be freed */
} subscription;

const ebb_wait_class ebb_signal_class = {"signal", true, NULL};

/* --- names ---------------------------------------------------------------- */

static const struct {
  const char *name;
  int number;
  bool is_caught;
} names[] = {
    {"int", SIGINT, true},       {"term", SIGTERM, true},
    {"hup", SIGHUP, true},       {"quit", SIGQUIT, true},
    {"usr1", SIGUSR1, true},     {"usr2", SIGUSR2, true},
    {"winch", SIGWINCH, true},   {"chld", SIGCHLD, true},
    {"cont", SIGCONT, true},     {"pipe", SIGPIPE, true},
    {"alrm", SIGALRM, true},     {"tstp", SIGTSTP, true},
    {"ttin", SIGTTIN, true},     {"ttou", SIGTTOU, true},
    {"urg", SIGURG, true},       {"io", SIGIO, true},
    {"abrt", SIGABRT, true},     {"trap", SIGTRAP, true},
    {"vtalrm", SIGVTALRM, true}, {"prof", SIGPROF, true},
    {"xcpu", SIGXCPU, true},     {"xfsz", SIGXFSZ, true},
    {"sys", SIGSYS, true},
#if defined(SIGPWR)
    {"pwr", SIGPWR, true},
#endif
    {"kill", SIGKILL, false},    {"stop", SIGSTOP, false},
    {"segv", SIGSEGV, false},    {"ill", SIGILL, false},
    {"fpe", SIGFPE, false},      {"bus", SIGBUS, false},
};

#define N_NAMES (sizeof names / sizeof *names)

int ebb_signal_number(const char *name)
{
  for (size_t i = 0; i < N_NAMES; i++)
    if (strcmp(names[i].name, name) == 0)
      return names[i].is_caught ? names[i].number : -1;
  return 0;
}

int ebb_signal_sent_number(const char *name)
{
  for (size_t i = 0; i < N_NAMES; i++)
    if (strcmp(names[i].name, name) == 0)
      return names[i].number;
  return 0;
}

const char *ebb_signal_name(int number)
{
  for (size_t i = 0; i < N_NAMES; i++)
    if (names[i].number == number)
      return names[i].name;
  return NULL;
}

/* --- opening and closing -------------------------------------------------- */

static subscription *subscription_of(ebb_signal *self)
{
  return ebb_container_of(self, subscription, signal);
}

static void destroy(subscription *self)
{
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void on_signal(uv_signal_t *handle, int number)
{
  (void)number;
  ebb_signal *self = handle->data;
  ebb_wait *wait = ebb_waitq_head(&self->waiters);
  if (wait != NULL)
    ebb_wake(wait, EBB_OK);
  else if (!self->closed)
    self->pending = true;
}

static void on_closed(uv_handle_t *handle)
{
  subscription *self = subscription_of(handle->data);
  ebb_driver_closed(self->subscriber.driver);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

static void close_handle(subscription *self)
{
  ebb_driver_closing(self->subscriber.driver, &self->attached);
  uv_close((uv_handle_t *)&self->subscriber.handle, on_closed);
}

void ebb_signal_close(ebb_signal *signal)
{
  subscription *self = subscription_of(signal);
  if (signal->closed)
    return;
  signal->closed = true;
  signal->pending = false;
  ebb__action_unsubscribe(&self->subscriber);
  ebb__interrupt_refresh();
  ebb_driver_end(self->subscriber.driver, false);
  close_handle(self);
  ebb_wake_all(&signal->waiters, EBB_ECLOSED);
}

static void close_attached(ebb_attached *attached)
{
  subscription *self = ebb_container_of(attached, subscription, attached);
  ebb_signal_close(&self->signal);
}

void ebb_signal_release(ebb_signal *signal)
{
  subscription *self = subscription_of(signal);
  ebb_signal_close(signal);
  self->released = true;
  if (self->handle_closed)
    destroy(self);
}

ebb_signal *ebb_signal_open(ebb_driver *driver, ebb_alloc *alloc, int number,
                            int *error)
{
  subscription *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (subscription){.alloc = alloc};
  self->signal.number = self->subscriber.number = number;
  self->subscriber.driver = driver;
  self->attached.close = close_attached;
  ebb_list_init(&self->attached.link);
  ebb_list_init(&self->signal.waiters);
  *error = uv_signal_init(ebb_driver_loop(driver), &self->subscriber.handle);
  if (*error != 0) {
    destroy(self);
    return NULL;
  }
  self->subscriber.handle.data = &self->signal;
  *error = ebb__action_subscribe(&self->subscriber, on_signal);
  if (*error != 0) {
    self->signal.closed = self->released = true;
    close_handle(self);
    return NULL;
  }
  ebb_driver_attach(driver, &self->attached);
  ebb_driver_begin(driver, false);
  ebb__interrupt_refresh();
  return &self->signal;
}
