/* SPDX-License-Identifier: MIT */
#include "uv/interrupt.h"

#include <errno.h>
#include <stddef.h>

static ebb_interrupt *volatile watching;

static void on_sigint(int number)
{
  int saved = errno;
  (void)number;
  ebb_interrupt *interrupt = watching;
  if (interrupt != NULL) {
    interrupt->count++;
    if (interrupt->notify != NULL)
      interrupt->notify(interrupt->notify_ud);
    ebb_driver_wakeup(interrupt->driver);
  }
  errno = saved;
}

bool ebb_interrupt_watch(ebb_interrupt *interrupt, ebb_driver *driver,
                         bool only_if_handled)
{
  struct sigaction action;
  interrupt->count = 0;
  interrupt->active = false;
  interrupt->driver = driver;
  if (sigaction(SIGINT, NULL, &interrupt->previous) != 0 ||
      interrupt->previous.sa_handler == SIG_IGN ||
      (only_if_handled && interrupt->previous.sa_handler == SIG_DFL))
    return false;
  interrupt->outer = watching;
  watching = interrupt;
  action.sa_handler = on_sigint;
  action.sa_flags = 0;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGINT, &action, NULL) != 0) {
    watching = interrupt->outer;
    return false;
  }
  interrupt->active = true;
  return true;
}

void ebb_interrupt_unwatch(ebb_interrupt *interrupt)
{
  if (!interrupt->active)
    return;
  sigaction(SIGINT, &interrupt->previous, NULL);
  watching = interrupt->outer;
  interrupt->active = false;
}
