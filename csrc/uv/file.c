/* SPDX-License-Identifier: MIT */
#include "uv/file.h"

#include "base/base.h"
#include "uv/error.h"
#include "uv/file_io.h"
#include "uv/file_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static void try_destroy(ebb__file *self)
{
  ebb_file *f = &self->file;
  if (!self->released || !self->handle_closed || self->is_reading ||
      self->is_sending)
    return;
  ebb_input_fini(&f->input);
  ebb_alloc_put(self->alloc, f->out, EBB_FILE_CHUNK);
  ebb_alloc_put(self->alloc, f->spare, EBB_FILE_CHUNK);
  free(self->reading.bytes);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static int close_fd(ebb_file *f)
{
  int fd = f->fd;
  f->fd = -1;
  if (fd < 0 || (f->flags & EBB_FILE_STANDARD) != 0)
    return 0;
  return close(fd) == 0 || errno == EINTR ? 0 : ebb_uv_error_code(errno);
}

/* --- polling -------------------------------------------------------------- */

static void on_ready(uv_poll_t *handle, int status, int events);

static void watch(ebb__file *self, int event, bool on)
{
  int events = on ? self->poll_events | event : self->poll_events & ~event;
  if (events == self->poll_events || self->file.closed)
    return;
  self->poll_events = events;
  if (events == 0)
    uv_poll_stop(&self->poll);
  else
    uv_poll_start(&self->poll, events, on_ready);
}

/* Reads once what is there. False when nothing is. */
static bool read_ready(ebb__file *self)
{
  ebb_input *input = &self->file.input;
  char *room = ebb_input_room(input, EBB_FILE_CHUNK);
  if (room == NULL) {
    ebb_input_end(input, UV_ENOMEM);
    return true;
  }
  ssize_t n = ebb__file_read(self->file.fd, room, EBB_FILE_CHUNK, -1);
  if (n == UV_EAGAIN)
    return false;
  if (n > 0)
    ebb_input_fed(input, (size_t)n);
  else
    ebb_input_end(input, (int)n);
  return true;
}

static void read_after_writing(ebb__file *self);

void ebb__file_sent(ebb__file *self, int error)
{
  ebb_file *f = &self->file;
  f->n_sent = 0;
  if (error != 0) {
    f->write_error = error;
    f->n_out = 0;
  }
  ebb_wake_all(&f->waiters, EBB_OK);
  if (f->is_seekable && f->is_writing && ebb_input_is_wanted(&f->input))
    read_after_writing(self);
}

/* As much as goes: what was sent of spare moves to its front. */
static void write_ready(ebb__file *self)
{
  ebb_file *f = &self->file;
  bool is_blocking = (f->flags & EBB_FILE_STANDARD) != 0;
  ssize_t n = ebb__file_write_some(f->fd, f->spare, f->n_sent, is_blocking);
  if (n < 0 && n != UV_EAGAIN) {
    watch(self, UV_WRITABLE, false);
    ebb__file_sent(self, (int)n);
    return;
  }
  if (n > 0 && (size_t)n < f->n_sent)
    memmove(f->spare, f->spare + n, f->n_sent - (size_t)n);
  if (n > 0)
    f->n_sent -= (size_t)n;
  watch(self, UV_WRITABLE, f->n_sent > 0);
  if (f->n_sent == 0)
    ebb__file_sent(self, 0);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
  ebb__file *self = handle->data;
  if (status != 0) {
    /* libuv has stopped; the calls tell what is the matter */
    events = self->poll_events;
    self->poll_events = 0;
    watch(self, events, true);
  }
  if ((events & UV_WRITABLE) != 0 && self->file.n_sent > 0)
    write_ready(self);
  if ((events & UV_READABLE) != 0 && !self->file.closed &&
      ebb_input_is_wanted(&self->file.input))
    read_ready(self);
}

/* --- reading -------------------------------------------------------------- */

static void pull(ebb_input *input)
{
  ebb_file *f = ebb__file_of_input(input);
  ebb__file *self = ebb__file_of(f);
  if (f->is_polled && ebb__file_is_readable(f->fd))
    read_ready(self);
  else if (!f->is_polled && !ebb__file_may_read(self))
    ebb_input_end(input, UV_ENOMEM); /* not when somebody waits for it */
}

static void start(ebb_input *input)
{
  ebb_file *f = ebb__file_of_input(input);
  ebb__file *self = ebb__file_of(f);
  if (f->is_polled)
    watch(self, UV_READABLE, true);
  else if (f->is_seekable && f->is_writing)
    read_after_writing(self);
  else if (!self->is_reading)
    ebb__file_start_reading(self);
}

static void stop(ebb_input *input)
{
  ebb_file *f = ebb__file_of_input(input);
  if (f->is_polled)
    watch(ebb__file_of(f), UV_READABLE, false);
}

/* Begins with it when all is written. */
static void read_after_writing(ebb__file *self)
{
  ebb_file *f = &self->file;
  ebb_file_send(f);
  if (f->n_sent > 0 || f->n_out > 0)
    return;
  int error = ebb_file_begin_read(f);
  if (error != 0)
    ebb_input_end(&f->input, error);
  else if (!self->is_reading)
    ebb__file_start_reading(self);
}

static const ebb_input_class input_class = {
    .pull = pull, .start = start, .stop = stop, .taken = ebb__file_read_ahead};

int ebb_file_begin_read(ebb_file *self)
{
  if (!self->is_writing)
    return 0;
  int64_t at = self->out_at;
  if (self->has_written && self->is_seekable &&
      (self->flags & EBB_FILE_APPEND) != 0)
    at = ebb__file_size(self->fd);
  if (at < 0)
    return (int)at;
  self->is_writing = false;
  self->read_at = at;
  return 0;
}

/* --- writing -------------------------------------------------------------- */

/* Where the next byte is read or written. */
static int64_t position(const ebb_file *self)
{
  return self->is_writing ? self->out_at + (int64_t)self->n_out
                          : self->read_at - (int64_t)self->input.n;
}

/* What has been read ahead is no longer where the file is. */
static void forget_input(ebb_file *self)
{
  if (!self->is_seekable)
    return;
  ebb__file_of(self)->is_ahead = false;
  ebb_input_clear(&self->input);
  ebb__file_of(self)->is_stale = ebb__file_of(self)->is_reading;
}

int ebb_file_begin_write(ebb_file *self)
{
  ebb_alloc *alloc = ebb__file_of(self)->alloc;
  if (self->out == NULL)
    self->out = ebb_alloc_get(alloc, EBB_FILE_CHUNK);
  if (self->spare == NULL)
    self->spare = ebb_alloc_get(alloc, EBB_FILE_CHUNK);
  if (self->out == NULL || self->spare == NULL)
    return UV_ENOMEM;
  if (self->is_writing)
    return 0;
  self->out_at = position(self);
  self->is_writing = true;
  self->has_written = false;
  forget_input(self);
  return 0;
}

size_t ebb_file_put(ebb_file *self, const char *bytes, size_t n)
{
  size_t room = self->limit > self->n_out ? self->limit - self->n_out : 0;
  if (n > room)
    n = room;
  memcpy(self->out + self->n_out, bytes, n);
  self->n_out += n;
  self->has_written = self->has_written || n > 0;
  return n;
}

void ebb_file_send(ebb_file *self)
{
  if (self->n_sent > 0 || self->n_out == 0)
    return;
  char *bytes = self->out;
  self->out = self->spare;
  self->spare = bytes;
  self->n_sent = self->n_out;
  self->n_out = 0;
  if (self->is_polled) {
    write_ready(ebb__file_of(self));
  } else if ((self->flags & EBB_FILE_STANDARD) != 0) {
    /* a regular file or device that other writers share: in order */
    ssize_t error = ebb__file_write(self->fd, self->spare, self->n_sent, -1);
    ebb__file_sent(ebb__file_of(self), (int)error);
  } else {
    ebb__file_start_writing(ebb__file_of(self));
    self->out_at += (int64_t)self->n_sent;
  }
}

static void leave(ebb_wait *wait)
{
  ebb_file *self = wait->source;
  ebb_driver_end(self->input.driver, false);
}

/* Nothing is handed over: what is being written goes on whatever happens. */
static const ebb_wait_class write_class = {"write", false, leave};

void ebb_file_link(ebb_task *task, uint32_t i, ebb_file *self)
{
  ebb_driver_begin(self->input.driver, false);
  ebb_wait_link(task, i, &write_class, self, &self->waiters, 0);
}

int64_t ebb_file_seek(ebb_file *self, int whence, int64_t offset)
{
  if (!self->is_seekable)
    return UV_ESPIPE;
  int error = ebb_file_begin_read(self);
  if (error != 0)
    return error;
  int64_t base = 0;
  if (whence == EBB_FILE_CUR)
    base = position(self);
  else if (whence == EBB_FILE_END)
    base = ebb__file_size(self->fd);
  if (base < 0)
    return base;
  if (offset > INT64_MAX - base || base + offset < 0)
    return offset > 0 ? UV_EOVERFLOW : UV_EINVAL;
  if (whence == EBB_FILE_CUR && offset == 0)
    return base;
  forget_input(self);
  self->read_at = base + offset;
  return self->read_at;
}

bool ebb_file_is_terminal(const ebb_file *self)
{
  return self->fd >= 0 && isatty(self->fd) == 1;
}

/* --- making and closing --------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
  ebb__file *self = handle->data;
  ebb_driver_closed(self->file.input.driver);
  self->handle_closed = true;
  try_destroy(self);
}

/* What is buffered goes out, in this thread. */
static int write_rest(ebb_file *f)
{
  size_t n = f->n_out;
  f->n_out = 0;
  if (n == 0 || f->is_polled)
    return 0;
  bool is_placed = f->is_seekable && (f->flags & EBB_FILE_APPEND) == 0;
  return (int)ebb__file_write(f->fd, f->out, n, is_placed ? f->out_at : -1);
}

/* No job runs any more for a file that was closed meanwhile. */
void ebb__file_finish(ebb__file *self)
{
  if (self->is_reading)
    return;
  (void)close_fd(&self->file);
  try_destroy(self);
}

int ebb_file_close(ebb_file *f)
{
  ebb__file *self = ebb__file_of(f);
  if (f->closed)
    return 0;
  if (f->is_polled)
    watch(self, UV_READABLE | UV_WRITABLE, false);
  f->closed = true;
  ebb_driver_closing(f->input.driver, &self->attached);
  if (f->is_polled) {
    uv_close((uv_handle_t *)&self->poll, on_closed);
  } else {
    ebb_driver_closed(f->input.driver);
    self->handle_closed = true;
  }
  int error = f->write_error;
  int sent_error = ebb__file_wait_for_writing(self);
  int rest_error = error != 0 || sent_error != 0 ? 0 : write_rest(f);
  f->n_sent = 0;
  ebb_input_close(&f->input);
  ebb_wake_all(&f->waiters, EBB_ECLOSED);
  int close_error = self->is_reading ? 0 : close_fd(f);
  return error != 0        ? error
         : sent_error != 0 ? sent_error
         : rest_error != 0 ? rest_error
                           : close_error;
}

static void close_attached(ebb_attached *attached)
{
  (void)ebb_file_close(&ebb_container_of(attached, ebb__file, attached)->file);
}

void ebb_file_release(ebb_file *f)
{
  ebb__file *self = ebb__file_of(f);
  (void)ebb_file_close(f);
  self->released = true;
  try_destroy(self);
}

/* Whether the loop can poll it decides who reads and writes it. */
static int start_polling(ebb__file *self)
{
  ebb_file *f = &self->file;
  int flags = fcntl(f->fd, F_GETFL);
  int error =
      uv_poll_init(ebb_driver_loop(f->input.driver), &self->poll, f->fd);
  self->poll.data = self;
  f->is_polled = error == 0;
  if ((f->flags & EBB_FILE_STANDARD) != 0 && flags >= 0)
    (void)fcntl(f->fd, F_SETFL, flags); /* others have it too */
  return error == UV_EPERM ? 0 : error;
}

ebb_file *ebb_file_new(ebb_driver *driver, ebb_alloc *alloc, int fd,
                       unsigned flags, int *error)
{
  struct stat info;
  ebb__file *self = ebb_alloc_get(alloc, sizeof *self);
  *error = self == NULL ? UV_ENOMEM : 0;
  if (*error == 0 && fstat(fd, &info) != 0)
    *error = ebb_uv_error_code(errno);
  /* closed when the program began: a descriptor of the loop itself has its
     number now */
  if (*error == 0 && (flags & EBB_FILE_STANDARD) != 0 &&
      (info.st_mode & S_IFMT) == 0)
    *error = UV_EBADF;
  if (*error == 0) {
    *self = (ebb__file){.alloc = alloc};
    self->file.fd = fd;
    self->file.flags = flags;
    ebb_input_init(&self->file.input, &input_class, alloc, driver);
    ebb_list_init(&self->file.waiters);
    ebb_list_init(&self->attached.link);
    self->attached.close = close_attached;
    bool is_file = S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
    if (!is_file && !S_ISBLK(info.st_mode))
      *error = start_polling(self);
    self->file.is_seekable =
        (is_file || S_ISBLK(info.st_mode)) && (flags & EBB_FILE_STANDARD) == 0;
    self->file.limit = EBB_FILE_CHUNK;
    if (self->file.is_seekable && (flags & EBB_FILE_APPEND) != 0 &&
        (flags & EBB_FILE_READ) == 0)
      self->file.read_at = (int64_t)info.st_size; /* as in C */
    self->file.buffering = is_file && (flags & EBB_FILE_STANDARD) == 0
                               ? EBB_FILE_BUFFERED
                               : EBB_FILE_UNBUFFERED;
  }
  if (*error == 0) {
    ebb_driver_attach(driver, &self->attached);
    return &self->file;
  }
  ebb_alloc_put(alloc, self, sizeof *self);
  return NULL;
}

void ebb_file_drop_fd(int fd, unsigned flags)
{
  if ((flags & EBB_FILE_STANDARD) == 0)
    (void)close(fd);
}
