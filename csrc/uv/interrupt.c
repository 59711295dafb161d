/* SPDX-License-Identifier: MIT */
#include "uv/interrupt.h"

#include "base/base.h"
#include "uv/action.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ebb_list watches = {&watches, &watches}; /* the newest first */

/* For the handler, which cannot lock: the newest, and how many handlers may be
   looking at it at the moment. */
static _Atomic(ebb_interrupt *) newest;
static atomic_uint n_looking;

/* In the watch's thread, between two instructions of it. */
static void tell(ebb_interrupt *interrupt)
{
  if (atomic_load(&interrupt->subscribed))
    return;
  interrupt->count++;
  if (interrupt->notify != NULL)
    interrupt->notify(interrupt->notify_ud);
  ebb_driver_wakeup(interrupt->driver);
}

static void on_sigint(int number)
{
  int saved = errno;
  atomic_fetch_add(&n_looking, 1);
  ebb_interrupt *interrupt = atomic_load(&newest);
  if (interrupt != NULL && !pthread_equal(interrupt->thread, pthread_self())) {
    pthread_kill(interrupt->thread, number);
  } else {
    ebb__action_forward(number);
    if (interrupt != NULL)
      tell(interrupt);
  }
  atomic_fetch_sub(&n_looking, 1);
  errno = saved;
}

static void note_newest(void)
{
  ebb_interrupt *interrupt = NULL;
  if (!ebb_list_is_empty(&watches))
    interrupt = ebb_container_of(watches.next, ebb_interrupt, link);
  atomic_store(&newest, interrupt);
}

void ebb__interrupt_forked(void)
{
  atomic_store(&n_looking, 0);
}

void ebb__interrupt_refresh(void)
{
  pthread_mutex_lock(&lock);
  ebb_list_foreach(node, &watches) {
    ebb_interrupt *at = ebb_container_of(node, ebb_interrupt, link);
    atomic_store(&at->subscribed, ebb__action_has_interrupt(at->driver));
  }
  pthread_mutex_unlock(&lock);
}

static void link_watch(ebb_interrupt *interrupt)
{
  pthread_mutex_lock(&lock);
  atomic_store(&interrupt->subscribed,
               ebb__action_has_interrupt(interrupt->driver));
  ebb_list_push_front(&watches, &interrupt->link);
  note_newest();
  pthread_mutex_unlock(&lock);
}

/* A handler in another thread may have found it just before: it is soon done,
   and one in this thread is done already. */
static void unlink_watch(ebb_interrupt *interrupt)
{
  pthread_mutex_lock(&lock);
  ebb_list_unlink(&interrupt->link);
  note_newest();
  pthread_mutex_unlock(&lock);
  while (atomic_load(&n_looking) > 0)
    sched_yield();
}

bool ebb_interrupt_watch(ebb_interrupt *interrupt, ebb_driver *driver,
                         bool only_if_handled)
{
  interrupt->count = 0;
  interrupt->active = false;
  interrupt->driver = driver;
  interrupt->thread = pthread_self();
  link_watch(interrupt);
  struct sigaction with = {.sa_handler = on_sigint};
  sigemptyset(&with.sa_mask);
  interrupt->active = ebb__action_watch(
      SIGINT, &with, only_if_handled ? EBB__IF_HANDLED : EBB__IF_NOT_IGNORED);
  if (!interrupt->active)
    unlink_watch(interrupt);
  return interrupt->active;
}

void ebb_interrupt_unwatch(ebb_interrupt *interrupt)
{
  if (!interrupt->active)
    return;
  ebb__action_unwatch(SIGINT);
  unlink_watch(interrupt);
  interrupt->active = false;
}
