/* SPDX-License-Identifier: MIT */
/* The child processes of one driver: their handles, and SIGCHLD.

   libuv installs a handler for SIGCHLD with the first process of a loop and
   leaves the default action behind with the last. To bring back the one that
   was there before, a subscription (uv/action.h) is open while there are
   processes. It also finds out when somebody else has taken a child's status.

   Internal to csrc/uv. No Lua. */
#ifndef EBB_UV_CHILDREN_H
#define EBB_UV_CHILDREN_H

#include "uv/driver.h"

#include <uv.h>

typedef struct ebb__child {
  ebb_list link; /* while it has not ended */
  ebb_driver *driver;
  uv_process_t handle;
  ebb_attached counted; /* its handle, while it closes */
  bool is_detached;     /* the driver's close lets it live */
  bool is_group;        /* signals are for the group that it leads */
  /* It has ended, with this code or by this signal (else 0; -1: nobody knows).
     Called once, from within the loop, ebb__child_kill_now or the driver's
     close. */
  void (*on_end)(struct ebb__child *self, int64_t code, int signal);
  void (*on_closed)(struct ebb__child *self); /* it may be freed */
} ebb__child;

/* Starts it: 0 or libuv's code; then on_closed is called, now or later, and
   on_end not. Blocks until the program has been found and begun. */
int ebb__child_spawn(ebb__child *self, ebb_driver *driver, ebb_alloc *alloc,
                     uv_process_options_t *options);
/* Kills it and, if that is soon done, takes its status. It has not ended. */
void ebb__child_kill_now(ebb__child *self);
/* A signal. 0 or libuv's code. It has not ended. */
int ebb__child_signal(ebb__child *self, int number);

#endif
