/* SPDX-License-Identifier: MIT */
/* Waiting for a descriptor to be readable or writable, for who makes the system
   calls itself. Any number of tasks may wait for either; all of them are woken,
   since nobody takes anything: they ask again.

   The loop looks only for what somebody waits for. Owned by who opened it,
   until ebb_poller_release. Knows no Lua. */
#ifndef EBB_UV_POLLER_H
#define EBB_UV_POLLER_H

#include "core/task.h"
#include "uv/driver.h"

typedef struct ebb_poller {
  ebb_driver *driver;
  ebb_waitq readers, writers;
  bool closed;
} ebb_poller;

/* The descriptor stays the caller's, who closes it after the poller; it is
   non-blocking from now on. One poller for a descriptor. NULL: *error is
   libuv's code; EPERM: it cannot be polled (a file). */
ebb_poller *ebb_poller_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                            int *error);
/* Wakes who waits with EBB_ECLOSED. Closing twice is harmless; closing the
   driver closes. */
void ebb_poller_close(ebb_poller *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_poller_release(ebb_poller *self);

/* Node i of the task waits: EBB_OK when it may be tried, or EBB_ECLOSED. */
void ebb_poller_link(ebb_task *task, uint32_t i, ebb_poller *self,
                     bool to_write);

/* Can it be read or written at once (or is there an error to be told)? Works
   for any descriptor. O(1), one system call. */
bool ebb_fd_is_ready(int fd, bool to_write);

#endif
