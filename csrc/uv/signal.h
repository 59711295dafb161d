/* SPDX-License-Identifier: MIT */
/* Subscriptions to signals: each gets every signal that arrives while it is
   open; those that nobody has waited for are one. While one is open the driver
   is busy. The handler that was there before the first one of the process comes
   back with the end of the last: see uv/action.h.

   Owned by who opened it, until ebb_signal_release. Knows no Lua. */
#ifndef EBB_UV_SIGNAL_H
#define EBB_UV_SIGNAL_H

#include "core/task.h"
#include "uv/driver.h"

typedef struct ebb_signal {
  int number;
  bool pending; /* one has arrived and nobody has taken it */
  bool closed;
  ebb_waitq waiters;
} ebb_signal;

/* "signal": a wake with EBB_OK hands over a signal. EBB_ECLOSED when it is
   closed. */
extern const ebb_wait_class ebb_signal_class;

/* The number of a signal by its name ("int"); 0 when there is none, -1 when it
   cannot be caught or may not be. O(names). */
int ebb_signal_number(const char *name);
/* The same for sending one: 0 when there is none. */
int ebb_signal_sent_number(const char *name);
/* NULL when it has none here. */
const char *ebb_signal_name(int number);

/* NULL: *error is libuv's code. */
ebb_signal *ebb_signal_open(ebb_driver *driver, ebb_alloc *alloc, int number,
                            int *error);
/* Wakes who waits. Closing twice is harmless; closing the driver closes. */
void ebb_signal_close(ebb_signal *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_signal_release(ebb_signal *self);

#endif
