/* SPDX-License-Identifier: MIT */
/* Whose handler a signal of the process has. From the top: a watch's (Ctrl-C
   while a runtime is driven, the watchdog's signal), libuv's while there are
   subscriptions, the one that was there before ebb came. The topmost is
   installed, in whatever order they come and go; in the end the one from before
   is back, byte for byte. A handler that somebody else installs meanwhile
   counts as the one from before.

   Internal to csrc/uv. Signals belong to the process, so this has static state,
   under a lock: runtimes may run in several threads. */
#ifndef EBB_UV_ACTION_H
#define EBB_UV_ACTION_H

#include "base/list.h"
#include "uv/driver.h"

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

typedef struct ebb__subscriber {
  ebb_list link;
  ebb_driver *driver;
  int number;
  uv_signal_t handle; /* initialised by its owner */
} ebb__subscriber;

/* Starts and stops the handle. Returns libuv's code. O(1). */
int ebb__action_subscribe(ebb__subscriber *self, uv_signal_cb on_signal);
void ebb__action_unsubscribe(ebb__subscriber *self);
/* Has the driver open subscriptions to SIGINT? O(subscriptions to it). */
bool ebb__action_has_interrupt(const ebb_driver *driver);

/* `with` gets the signal until unwatch; for one number always the same. False
   when there is no such signal, or the condition does not hold for what was
   there before. */
typedef enum ebb__watch_if {
  EBB__ALWAYS,
  EBB__IF_NOT_IGNORED,
  EBB__IF_HANDLED,
} ebb__watch_if;
bool ebb__action_watch(int number, const struct sigaction *with,
                       ebb__watch_if condition);
void ebb__action_unwatch(int number);
/* From within that handler: lets the subscriptions have the signal too. */
void ebb__action_forward(int number);
/* The same, then the handler from before: the signal was not for the watch. */
void ebb__action_pass(int number, siginfo_t *info, void *context);

#endif
