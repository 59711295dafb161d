/* SPDX-License-Identifier: MIT */
/* Names of hosts to addresses and back, by the system's resolver on libuv's
   thread pool.

   Owned by who started it until ebb_resolve_release; at most one task waits for
   it. A wait that ends otherwise abandons it: its answer is dropped. While it
   runs the driver is busy and holds time. Knows no Lua. */
#ifndef EBB_UV_RESOLVE_H
#define EBB_UV_RESOLVE_H

#include "core/task.h"
#include "uv/driver.h"
#include "uv/endpoint.h"

typedef struct ebb_resolve {
  bool done;                    /* what follows is valid */
  int error;                    /* 0 or libuv's code */
  const struct addrinfo *first; /* ebb_resolve_start */
  const char *name;             /* ebb_resolve_start_name */
  ebb_waitq waiter;
} ebb_resolve;

/* NULL: *error is libuv's code. */
ebb_resolve *ebb_resolve_start(ebb_driver *driver, ebb_alloc *alloc,
                               const char *host, int *error);
/* The other way round: the name of a host at an address. */
ebb_resolve *ebb_resolve_start_name(ebb_driver *driver, ebb_alloc *alloc,
                                    const ebb_endpoint *at, int *error);
void ebb_resolve_link(ebb_task *task, uint32_t i, ebb_resolve *self);
/* The owner lets go: freed now or when it ends. Also after the driver closed.
 */
void ebb_resolve_release(ebb_resolve *self);

/* The next answer, or NULL. Its address goes to *to, with port 0. */
const struct addrinfo *ebb_resolve_next(const struct addrinfo *answer,
                                        ebb_endpoint *to);

#endif
