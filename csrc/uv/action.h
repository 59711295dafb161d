/* SPDX-License-Identifier: MIT */
/* Whose handler a signal of the process has. From the top: Ctrl-C's while a
   runtime is driven, libuv's while there are subscriptions, the one that was
   there before ebb came. The topmost is installed, in whatever order they come
   and go; in the end the one from before is back, byte for byte. A handler that
   somebody else installs meanwhile counts as the one from before.

   Internal to csrc/uv. Signals belong to the process, so this has static state,
   under a lock: runtimes may run in several threads. */
#ifndef EBB_UV_ACTION_H
#define EBB_UV_ACTION_H

#include "base/list.h"
#include "uv/driver.h"

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

/* `handler` gets SIGINT until unwatch; always the same one. False when SIGINT
   was ignored before or (only_if_handled) has its default action. */
bool ebb__action_watch(void (*handler)(int), bool only_if_handled);
void ebb__action_unwatch(void);
/* From within that handler: lets the subscriptions have the signal too. */
void ebb__action_forward(int number);

#endif
