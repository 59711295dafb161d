/* SPDX-License-Identifier: MIT */
/* Byte streams over a descriptor that can be polled, such as sockets.
   Nothing is read unless somebody waits for it, so that a slow reader stops the
   sender; nothing is written but what its descriptor takes.

   The loop only tells when the descriptor is ready (uv_poll_t, not
   uv_stream_t): reads go straight into the input's buffer, writes come straight
   from the writer's strings. Writing to an end that nobody reads is EPIPE,
   never a signal.

   Owned by who opened it, until ebb_stream_release. Knows no Lua. */
#ifndef EBB_UV_STREAM_H
#define EBB_UV_STREAM_H

#include "uv/input.h"
#include "uv/output.h"

typedef struct ebb_stream {
  ebb_input input;
  ebb_output output;
  int fd; /* -1 once it is closed */
  bool closed;
} ebb_stream;

enum {
  EBB_STREAM_SOCKET = 1,    /* it can be half-closed */
  EBB_STREAM_KEEP_FD = 2,   /* closing leaves the descriptor open */
  EBB_STREAM_CONNECTING = 4 /* nothing to read yet */
};

/* The descriptor is the stream's from now on, and non-blocking. NULL: *error
   is libuv's code, and the descriptor is the caller's still. EPERM: it cannot
   be polled (a file). */
ebb_stream *ebb_stream_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                            unsigned flags, int *error);
/* Wakes who waits. Closing twice is harmless; closing the driver closes. */
void ebb_stream_close(ebb_stream *self);
/* Closes, and frees it once its handle is gone. Also after the driver is. */
void ebb_stream_release(ebb_stream *self);

#endif
