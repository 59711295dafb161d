/* SPDX-License-Identifier: MIT */
#include "uv/interrupt.h"

#include "uv/action.h"

#include <errno.h>
#include <stddef.h>

static ebb_interrupt *volatile watching;

static void on_sigint(int number)
{
  int saved = errno;
  ebb__action_forward(number);
  ebb_interrupt *interrupt = watching;
  if (interrupt != NULL && !interrupt->subscribed) {
    interrupt->count++;
    if (interrupt->notify != NULL)
      interrupt->notify(interrupt->notify_ud);
    ebb_driver_wakeup(interrupt->driver);
  }
  errno = saved;
}

void ebb__interrupt_refresh(void)
{
  for (ebb_interrupt *at = watching; at != NULL; at = at->outer)
    at->subscribed = ebb__action_has_interrupt(at->driver);
}

bool ebb_interrupt_watch(ebb_interrupt *interrupt, ebb_driver *driver,
                         bool only_if_handled)
{
  interrupt->count = 0;
  interrupt->active = false;
  interrupt->driver = driver;
  interrupt->subscribed = ebb__action_has_interrupt(driver);
  interrupt->outer = watching;
  watching = interrupt;
  struct sigaction with = {.sa_handler = on_sigint};
  sigemptyset(&with.sa_mask);
  if (!ebb__action_watch(SIGINT, &with,
                         only_if_handled ? EBB__IF_HANDLED
                                         : EBB__IF_NOT_IGNORED)) {
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
  ebb__action_unwatch(SIGINT);
  watching = interrupt->outer;
  interrupt->active = false;
}
