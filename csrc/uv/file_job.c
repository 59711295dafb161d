/* SPDX-License-Identifier: MIT */
#include "uv/file_job.h"

#include "uv/file_io.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- reading -------------------------------------------------------------- */

static void on_read_work(uv_work_t *work)
{
  ebb__job *reading = work->data;
  reading->result = ebb__file_read(reading->fd, reading->bytes,
                                   reading->n_asked, reading->at);
}

/* One chunk, while what is buffered is taken. */
void ebb__file_read_ahead(ebb_input *input)
{
  ebb_file *f = ebb__file_of_input(input);
  ebb__file *self = ebb__file_of(f);
  if (self->is_ahead && f->is_seekable && !f->is_writing && !f->closed &&
      !self->is_reading && input->n < EBB_FILE_CHUNK)
    ebb__file_start_reading(self);
}

/* What was read ahead is told when somebody wants it, the end by a new try. */
static void feed(ebb__file *self, ssize_t n)
{
  ebb_file *f = &self->file;
  ebb_input *input = &f->input;
  bool is_wanted = ebb_input_is_wanted(input);
  char *room = n > 0 ? ebb_input_room(input, (size_t)n) : NULL;
  self->is_ahead = room != NULL && (size_t)n == self->reading.n_asked;
  if (room != NULL) {
    memcpy(room, self->reading.bytes, (size_t)n);
    f->read_at += n;
    ebb_input_fed(input, (size_t)n);
    ebb__file_read_ahead(input);
  } else if (is_wanted) {
    ebb_input_end(input, n > 0 ? UV_ENOMEM : (int)n);
  }
}

static void on_read_done(uv_work_t *work, int status)
{
  ebb__file *self = ebb_container_of(work, ebb__file, reading.work);
  ebb_file *f = &self->file;
  ebb_input *input = &f->input;
  ssize_t n = status != 0 ? status : self->reading.result;
  ebb_driver_end(input->driver, true);
  self->is_reading = false;
  if (f->closed) {
    ebb__file_finish(self);
    return;
  }
  if (self->is_stale)
    self->is_stale = false;
  else
    feed(self, n);
  if (ebb_input_is_wanted(input) && !self->is_reading)
    ebb__file_start_reading(self);
}

/* More at once for who wants all or much. */
#define LARGE_CHUNK ((size_t)1 << 20)

static size_t chunk_of(const ebb_input *input)
{
  const ebb_want *want = &input->want;
  size_t missing = want->n > input->n ? want->n - input->n : 0;
  if (want->kind == EBB_WANT_ALL && input->n >= EBB_FILE_CHUNK)
    return LARGE_CHUNK;
  if (want->kind == EBB_WANT_COUNT && missing > EBB_FILE_CHUNK)
    return missing < LARGE_CHUNK ? missing : LARGE_CHUNK;
  return EBB_FILE_CHUNK;
}

/* What is there stays when there is no more. */
static bool reserve_reading(ebb__job *reading, size_t n)
{
  char *bytes = malloc(n);
  if (bytes == NULL)
    return false;
  free(reading->bytes);
  reading->bytes = bytes;
  reading->n = n;
  return true;
}

bool ebb__file_may_read(ebb__file *self)
{
  ebb__job *reading = &self->reading;
  return self->is_reading || reading->n > 0 ||
         reserve_reading(reading, EBB_FILE_CHUNK);
}

void ebb__file_start_reading(ebb__file *self)
{
  ebb__job *reading = &self->reading;
  ebb_input *input = &self->file.input;
  size_t n = ebb_input_is_wanted(input) ? chunk_of(input) : EBB_FILE_CHUNK;
  if (reading->n < n && !reserve_reading(reading, n))
    n = reading->n;
  if (n == 0) /* reading ahead: nobody waits for it */
    return;
  reading->n_asked = n;
  reading->fd = self->file.fd;
  reading->at = self->file.is_seekable ? self->file.read_at : -1;
  reading->work.data = reading;
  self->is_reading = true;
  self->is_stale = false;
  ebb_driver_begin(input->driver, true);
  uv_queue_work(ebb_driver_loop(input->driver), &reading->work, on_read_work,
                on_read_done);
}

/* --- writing -------------------------------------------------------------- */

static void write_now(ebb__job *writing)
{
  writing->result =
      ebb__file_write(writing->fd, writing->bytes, writing->n, writing->at);
}

static void on_write_work(uv_work_t *work)
{
  ebb__job *writing = work->data;
  write_now(writing);
  atomic_store_explicit(&writing->finished, true, memory_order_release);
}

static void on_write_done(uv_work_t *work, int status)
{
  ebb__file *self = ebb_container_of(work, ebb__file, writing.work);
  (void)status; /* cancelled only by a close, which has done it itself */
  ebb_driver_end(self->file.input.driver, true);
  self->is_sending = false;
  if (self->file.closed)
    ebb__file_finish(self);
  else
    ebb__file_sent(self, (int)self->writing.result);
}

/* The file closes: what is on its way is written when it returns, since whoever
   opens the file next shall find it. */
int ebb__file_wait_for_writing(ebb__file *self)
{
  static const struct timespec nap = {0, 50000};
  ebb__job *writing = &self->writing;
  if (!self->is_sending)
    return 0;
  if (uv_cancel((uv_req_t *)&writing->work) == 0) {
    write_now(writing);
    return (int)writing->result;
  }
  while (!atomic_load_explicit(&writing->finished, memory_order_acquire))
    nanosleep(&nap, NULL);
  return (int)writing->result;
}

void ebb__file_start_writing(ebb__file *self)
{
  ebb_file *f = &self->file;
  ebb__job *writing = &self->writing;
  writing->fd = f->fd;
  writing->bytes = f->spare;
  writing->n = f->n_sent;
  writing->at = -1;
  if (f->is_seekable && (f->flags & EBB_FILE_APPEND) == 0)
    writing->at = f->out_at;
  writing->work.data = writing;
  atomic_init(&writing->finished, false);
  self->is_sending = true;
  ebb_driver_begin(f->input.driver, true);
  uv_queue_work(ebb_driver_loop(f->input.driver), &writing->work, on_write_work,
                on_write_done);
}
