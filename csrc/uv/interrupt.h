/* SPDX-License-Identifier: MIT */
/* Ctrl-C while a runtime is driven: libuv swallows EINTR and lua.c's handler
   only arms a hook, so a wait would go on. While one is watched, SIGINT is
   ours; afterwards the handler that was there is back (see uv/action.h). Where
   the driver has a subscription to SIGINT, that gets it instead.

   Signals belong to the process, so here is static state, under a lock: which
   driver to wake. Watches nest (a second one while one is active takes over and
   gives back), also across threads: the newest has Ctrl-C. Each is begun and
   ended by one thread, and that one is told: a signal that comes to another one
   is passed on. Nothing of a watch is looked at after unwatch. */
#ifndef EBB_UV_INTERRUPT_H
#define EBB_UV_INTERRUPT_H

#include "uv/driver.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

typedef struct ebb_interrupt {
  ebb_list link;
  ebb_driver *driver;
  void (*notify)(void *ud); /* called in the handler: async-signal-safe only */
  void *notify_ud;
  pthread_t thread;
  volatile sig_atomic_t count; /* how often SIGINT came */
  atomic_bool subscribed;      /* the driver has a subscription to it */
  bool active;
} ebb_interrupt;

/* Takes SIGINT over, unless it is ignored or (only_if_handled) has its default
   action. False when it was left alone. */
bool ebb_interrupt_watch(ebb_interrupt *interrupt, ebb_driver *driver,
                         bool only_if_handled);
void ebb_interrupt_unwatch(ebb_interrupt *interrupt);

/* In the child of a fork: the handlers that ran in other threads never end. */
void ebb__interrupt_forked(void);
/* A subscription to a signal has come or gone. */
void ebb__interrupt_refresh(void);

#endif
