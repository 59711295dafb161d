/* SPDX-License-Identifier: MIT */
/* The writing end of a byte stream: the one task that waits for room, and the
   sink that gives it. Nothing is kept back here: what a sink has taken is on
   its way, what it has not is the writer's. So a writer that is cancelled knows
   how much was written, and nothing is left over when the stream closes.

   Allocates nothing. Knows neither Lua nor libuv. */
#ifndef EBB_UV_OUTPUT_H
#define EBB_UV_OUTPUT_H

#include "core/task.h"
#include "uv/driver.h"

#include <sys/uio.h>

typedef struct ebb_output ebb_output;

typedef struct ebb_output_class {
  /* Takes what it can at once: how many bytes of the n pieces, or libuv's code;
     EBB_EAGAIN: none now. At most EBB_MAX_PIECES. */
  ptrdiff_t (*write)(ebb_output *self, const struct iovec *pieces, int n);
  /* Would it take something now, or tell an error? */
  bool (*is_ready)(ebb_output *self);
  /* Somebody waits for ebb_output_ready; and nobody does any more. */
  void (*start)(ebb_output *self);
  void (*stop)(ebb_output *self);
  /* Optional: has what was taken got where it belongs? 0, EBB_EAGAIN, or
     libuv's code. */
  int (*flush)(ebb_output *self);
  /* No more will be written: the reader's end sees the end of the data. 0 or
     libuv's code. */
  int (*shutdown)(ebb_output *self);
} ebb_output_class;

#define EBB_MAX_PIECES 64

struct ebb_output {
  const ebb_output_class *cls;
  ebb_driver *driver; /* busy while somebody waits; may be NULL */
  ebb_task *writer;   /* it was woken and goes on soon */
  bool ended;         /* shut down */
  bool closed;
  uint64_t n_written; /* bytes taken so far */
  ebb_waitq waiters;
};

void ebb_output_init(ebb_output *self, const ebb_output_class *cls,
                     ebb_driver *driver);

/* --- for who writes ------------------------------------------------------- */

/* Somebody else writes at the moment. */
bool ebb_output_is_busy(const ebb_output *self, const ebb_task *task);
/* The class's write, counted. */
ptrdiff_t ebb_output_write(ebb_output *self, const struct iovec *pieces, int n);
/* Node i of the task waits for room: EBB_OK, or EBB_ECLOSED. `cls` is one of
   these, for reports. Only one task waits, with several nodes if it likes. */
extern const ebb_wait_class ebb_write_class, ebb_connect_class;
void ebb_output_link(ebb_task *task, uint32_t i, ebb_output *self,
                     const ebb_wait_class *cls);

/* --- for the sink --------------------------------------------------------- */

static inline bool ebb_output_is_wanted(const ebb_output *self)
{
  return !ebb_list_is_empty(&self->waiters);
}
/* There is room, or an error to be told: wakes who waits. */
void ebb_output_ready(ebb_output *self);
/* Wakes who waits; no more is written. */
void ebb_output_close(ebb_output *self);

#endif
