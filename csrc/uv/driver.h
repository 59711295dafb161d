/* SPDX-License-Identifier: MIT */
/* The event loop of one runtime: libuv for I/O, an exact wait for timers.
   Opened when a runtime first has to wait or does I/O; its own loop or one
   that somebody else owns and runs. Never calls into Lua.

   Completions come as calls of C functions from within ebb_driver_poll and
   ebb_driver_wait; they may only wake tasks. */
#ifndef EBB_UV_DRIVER_H
#define EBB_UV_DRIVER_H

#include "alloc/alloc.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ebb_driver ebb_driver;
typedef struct ebb_remote ebb_remote; /* uv/remote.h */
struct uv_loop_s;

/* NULL when out of memory or descriptors: *error is libuv's code then.
   shared NULL: an own loop. */
ebb_driver *ebb_driver_open(ebb_alloc *alloc, struct uv_loop_s *shared,
                            int *error);
/* Closes every handle of the driver, runs the loop until they are gone, frees
   all. Requests in flight are waited for. Safe at any moment but from within a
   completion. */
void ebb_driver_close(ebb_driver *driver);
/* The shared loop is run by its owner: polling only looks at what was posted,
   and whoever runs the loop completes the rest. Waiting and closing still run
   it, so neither may happen in one of the loop's callbacks. */
void ebb_driver_set_outside(ebb_driver *driver);
struct uv_loop_s *ebb_driver_loop(ebb_driver *driver);
/* Was it opened by the process of which this one is a fork? Then all that can
   be done with it is to close it, which leaves the parent's alone; requests
   that were in flight never end. */
bool ebb_driver_is_inherited(const ebb_driver *driver);
/* Readable when the loop has something to do. */
int ebb_driver_fd(const ebb_driver *driver);
/* ebb_driver_wait also ends when this descriptor is readable, until unwatch;
   one at a time. 0 or libuv's code. */
int ebb_driver_watch(ebb_driver *driver, int fd);
void ebb_driver_unwatch(ebb_driver *driver);

/* Monotonic clock, nanoseconds; the driver may be NULL. */
uint64_t ebb_driver_clock(void *driver);
/* Processor time of the calling thread, nanoseconds; 0: cannot be had now.
   Where systems do not tell it, the monotonic clock. */
uint64_t ebb_driver_cpu_clock(void);

/* Handles what has completed, never blocks. */
void ebb_driver_poll(ebb_driver *driver);
/* The same, and wake-ups count as handled, though nothing else is alive: then
   the loop's descriptor is readable no more. */
void ebb_driver_drain(ebb_driver *driver);
/* Blocks until something completes, due_ns is reached (EBB_NEVER: no limit), or
   ebb_driver_wakeup is called. May return early. */
void ebb_driver_wait(ebb_driver *driver, uint64_t due_ns);
/* From any thread and from signal handlers. */
void ebb_driver_wakeup(ebb_driver *driver);

/* What may still complete: requests in flight and awaited handles. While any,
   waiting without a timer is no deadlock. `holds_time`: virtual time stands
   still meanwhile (a file request, a job), unlike for a socket that waits. */
void ebb_driver_begin(ebb_driver *driver, bool holds_time);
void ebb_driver_end(ebb_driver *driver, bool holds_time);
bool ebb_driver_is_busy(const ebb_driver *driver);
bool ebb_driver_holds_time(const ebb_driver *driver);
/* Is it worth while to poll? Busy, or something was posted. */
bool ebb_driver_is_due(const ebb_driver *driver);
/* Where the driver's remote is kept; it is closed with the driver. */
ebb_remote **ebb_driver_remote(ebb_driver *driver);

/* One block of EBB_LENT_BYTES, for who reads something and passes it on before
   anybody else does: it stays warm. NULL when out of memory. Whoever keeps it
   longer just does: the next one is given another. */
#define EBB_LENT_BYTES ((size_t)1 << 16)
char *ebb_driver_lend(ebb_driver *driver);
void ebb_driver_take_back(ebb_driver *driver, char *block);

/* Something that has handles on the loop: closed before the loop is. close()
   is called once, by ebb_driver_close, unless its owner closes it before; it
   calls ebb_driver_closing, then uv_close, and the handle's close callback
   calls ebb_driver_closed. */
typedef struct ebb_attached {
  ebb_list link;
  void (*close)(struct ebb_attached *self);
} ebb_attached;

/* How many handles are open or being closed: of its own loop all, of a shared
   one those that were attached. For people who look for leaks. O(handles). */
size_t ebb_driver_handles(const ebb_driver *driver);

/* What the driver has of processes: see uv/children.h. */
struct ebb__children **ebb_driver_children(ebb_driver *driver);

void ebb_driver_attach(ebb_driver *driver, ebb_attached *attached);
void ebb_driver_closing(ebb_driver *driver, ebb_attached *attached);
void ebb_driver_closed(ebb_driver *driver);

#endif
