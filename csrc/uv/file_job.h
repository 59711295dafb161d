/* SPDX-License-Identifier: MIT */
/* What a file that cannot be polled leaves to libuv's thread pool: reading a
   chunk ahead, writing a buffer behind. One job each at a time; the loop's
   thread touches a job's fields only while it does not run.

   Internal to csrc/uv/file*.c. */
#ifndef EBB_UV_FILE_JOB_H
#define EBB_UV_FILE_JOB_H

#include "base/base.h"
#include "uv/file.h"

#include <stdatomic.h>
#include <sys/types.h>
#include <uv.h>

/* One read or write in flight at a time, each. */
typedef struct ebb__job {
  uv_work_t work;
  char *bytes; /* READ: its own, from malloc */
  size_t n, n_asked;
  int64_t at; /* -1: where the descriptor is */
  ssize_t result;
  int fd;
  atomic_bool finished; /* WRITE: the result is there */
} ebb__job;

typedef struct ebb__file {
  ebb_file file;
  uv_poll_t poll; /* is_polled */
  int poll_events;
  ebb_attached attached;
  ebb_alloc *alloc;
  ebb__job reading, writing;
  bool is_reading, is_sending; /* a job is */
  bool is_stale;               /* its bytes are no longer wanted */
  bool is_ahead;               /* the last read was full: worth reading ahead */
  bool handle_closed, released; /* both, and no job runs: it can be freed */
} ebb__file;

static inline ebb__file *ebb__file_of(const ebb_file *self)
{
  return ebb_container_of(self, ebb__file, file);
}

static inline ebb_file *ebb__file_of_input(ebb_input *input)
{
  return ebb_container_of(input, ebb_file, input);
}

/* --- file_job.c ----------------------------------------------------------- */

/* There is memory to read into: before somebody waits, for a wait that has
   begun cannot fail. */
bool ebb__file_may_read(ebb__file *self);
/* Begins to read; none is. Feeds the input. */
void ebb__file_start_reading(ebb__file *self);
/* One chunk, while what is buffered is taken. */
void ebb__file_read_ahead(ebb_input *input);
/* Begins to write n_sent bytes of spare; none is being written. */
void ebb__file_start_writing(ebb__file *self);
/* The file closes: blocks until they are written. 0 or libuv's code. */
int ebb__file_wait_for_writing(ebb__file *self);

/* --- file.c --------------------------------------------------------------- */

/* What was being written is, or failed. */
void ebb__file_sent(ebb__file *self, int error);
/* A job of a closed file has ended. */
void ebb__file_finish(ebb__file *self);

#endif
