/* SPDX-License-Identifier: MIT */
#include "uv/stream.h"

#include "base/base.h"
#include "uv/error.h"
#include "uv/poller.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

typedef struct fd_stream {
  ebb_stream stream;
  uv_poll_t poll;
  ebb_attached attached;
  ebb_driver *driver;
  ebb_alloc *alloc;
  size_t n_next; /* how much to ask for at the next read */
  unsigned flags;
  bool borrows;  /* the input's block is one of the driver's */
  uint8_t armed; /* what the loop looks for: UV_READABLE, UV_WRITABLE */
  bool may_read; /* there may be something: ask before waiting */
  bool ended;    /* the other side has ended, or failed: */
  int error;     /* 0 or libuv's code */
  bool handle_closed, released; /* both: it can be freed */
} fd_stream;

/* A read asks for twice as much when it got all it asked for. */
#define LEAST_BYTES ((size_t)4096)
#define MOST_BYTES  ((size_t)1 << 16)

static fd_stream *stream_of(const ebb_stream *self)
{
  return ebb_container_of(self, fd_stream, stream);
}

static fd_stream *reader_of(const ebb_input *input)
{
  return stream_of(ebb_container_of(input, ebb_stream, input));
}

static fd_stream *writer_of(const ebb_output *output)
{
  return stream_of(ebb_container_of(output, ebb_stream, output));
}

/* --- readiness ------------------------------------------------------------ */

static void on_poll(uv_poll_t *handle, int status, int events);

static void look_for(fd_stream *self, int events)
{
  if (events == self->armed)
    return;
  self->armed = (uint8_t)events;
  if (events == 0)
    uv_poll_stop(&self->poll);
  else
    uv_poll_start(&self->poll, events, on_poll);
}

/* Only what somebody waits for keeps the loop running. */
static void keep_alive(fd_stream *self)
{
  uv_handle_t *handle = (uv_handle_t *)&self->poll;
  if (ebb_input_is_wanted(&self->stream.input) ||
      ebb_output_is_wanted(&self->stream.output))
    uv_ref(handle);
  else
    uv_unref(handle);
}

/* --- memory --------------------------------------------------------------- */

/* A stream that has nothing buffered has no block either: it borrows the
   driver's to read what is passed on at once. */
static void borrow(fd_stream *self)
{
  ebb_input *input = &self->stream.input;
  if (input->block != NULL)
    return;
  input->block = ebb_driver_lend(self->driver);
  if (input->block == NULL)
    return;
  input->cap = EBB_LENT_BYTES;
  self->borrows = true;
}

/* It gives it back when all is taken; what is left is moved to a small block of
   its own if there is memory. */
static void give_back(fd_stream *self)
{
  ebb_input *input = &self->stream.input;
  char *block = input->block;
  if (!self->borrows)
    return;
  if (input->cap != EBB_LENT_BYTES || self->stream.closed) {
    self->borrows = false; /* it has grown; or goes with the stream */
    return;
  }
  if (input->n > 0) {
    char *own =
        input->n > LEAST_BYTES ? NULL : ebb_alloc_get(self->alloc, LEAST_BYTES);
    if (own == NULL)
      return;
    memcpy(own, block + input->start, input->n);
    input->block = own;
    input->cap = LEAST_BYTES;
  } else {
    input->block = NULL;
    input->cap = 0;
  }
  input->start = 0;
  self->borrows = false;
  ebb_driver_take_back(self->driver, block);
}

/* --- reading -------------------------------------------------------------- */

/* What is there goes into the input's buffer. One system call. */
static void read_once(fd_stream *self)
{
  ebb_input *input = &self->stream.input;
  size_t n_room = self->borrows && input->n == 0 ? input->cap : self->n_next;
  char *room = ebb_input_room(input, n_room);
  if (room == NULL) {
    n_room = 256;
    room = ebb_input_room(input, n_room);
  }
  if (room == NULL) {
    ebb_input_end(input, UV_ENOMEM); /* nothing is lost: it was not read */
    return;
  }
  ssize_t n;
  do {
    n = read(self->stream.fd, room, n_room);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) {
    self->may_read = false;
    return;
  }
  if (n <= 0) {
    self->ended = true;
    self->error = n < 0 ? ebb_uv_error_code(errno) : 0;
    ebb_input_end(input, self->error);
    return;
  }
  self->may_read = (size_t)n == n_room;
  if (self->may_read && self->n_next < MOST_BYTES)
    self->n_next *= 2;
  else if ((size_t)n < self->n_next / 4 && self->n_next > LEAST_BYTES)
    self->n_next /= 2;
  ebb_input_fed(input, (size_t)n);
}

/* Level-triggered: what is left over is told again. */
#define READS_PER_EVENT 4

static void on_poll(uv_poll_t *handle, int status, int events)
{
  fd_stream *self = handle->data;
  ebb_stream *stream = &self->stream;
  bool reads_soon = false;
  if (status < 0) { /* the calls tell the error; libuv has stopped looking */
    self->armed = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  if (events & UV_READABLE) {
    self->may_read = true;
    reads_soon = ebb_input_ready(&stream->input);
    for (int i = 0; i < READS_PER_EVENT && self->may_read && !self->ended &&
                    ebb_input_is_wanted(&stream->input);
         i++)
      read_once(self);
  }
  if (events & UV_WRITABLE)
    ebb_output_ready(&stream->output);
  int wanted = self->armed & UV_READABLE;
  if (ebb_input_is_wanted(&stream->input))
    wanted = UV_READABLE;
  else if (!reads_soon && (self->may_read || self->ended))
    wanted = 0; /* nobody wants it yet */
  if (ebb_output_is_wanted(&stream->output))
    wanted |= UV_WRITABLE;
  look_for(self, wanted);
}

/* --- the input ------------------------------------------------------------ */

static void pull_input(ebb_input *input)
{
  fd_stream *self = reader_of(input);
  if (self->ended)
    ebb_input_end(input, self->error);
  else if (self->may_read) {
    borrow(self);
    read_once(self);
    if (input->n == 0)
      give_back(self);
  }
}

static void start_input(ebb_input *input)
{
  fd_stream *self = reader_of(input);
  look_for(self, self->armed | UV_READABLE);
  keep_alive(self);
}

/* It goes on looking for what the next read will wait for. */
static void stop_input(ebb_input *input)
{
  keep_alive(reader_of(input));
}

static void input_was_taken(ebb_input *input)
{
  give_back(reader_of(input));
}

static const ebb_input_class input_class = {.taken = input_was_taken,

                                            .pull = pull_input,
                                            .start = start_input,
                                            .stop = stop_input};

/* --- the output ----------------------------------------------------------- */

/* The signal that comes with EPIPE stays in this thread and is taken out. */
static ssize_t write_quietly(int fd, const struct iovec *pieces, int n)
{
  sigset_t sigpipe, before, pending;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  ssize_t n_bytes = writev(fd, pieces, n);
  int error = errno;
  if (n_bytes < 0 && error == EPIPE && sigpending(&pending) == 0 &&
      sigismember(&pending, SIGPIPE)) {
    int number;
    sigwait(&sigpipe, &number);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return n_bytes;
}

static ssize_t send_pieces(fd_stream *self, const struct iovec *pieces, int n)
{
#if defined(MSG_NOSIGNAL)
  if (self->flags & EBB_STREAM_SOCKET) {
    if (n == 1)
      return send(self->stream.fd, pieces->iov_base, pieces->iov_len,
                  MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = (struct iovec *)pieces,
                             .msg_iovlen = (size_t)n};
    return sendmsg(self->stream.fd, &message, MSG_NOSIGNAL);
  }
#endif
  return write_quietly(self->stream.fd, pieces, n);
}

static ptrdiff_t write_output(ebb_output *output, const struct iovec *pieces,
                              int n)
{
  fd_stream *self = writer_of(output);
  ssize_t n_bytes;
  do {
    n_bytes = send_pieces(self, pieces, n);
  } while (n_bytes < 0 && errno == EINTR);
  if (n_bytes >= 0)
    return n_bytes;
  return errno == EAGAIN ? EBB_EAGAIN : ebb_uv_error_code(errno);
}

static bool is_output_ready(ebb_output *output)
{
  return ebb_fd_is_ready(writer_of(output)->stream.fd, true);
}

static void start_output(ebb_output *output)
{
  fd_stream *self = writer_of(output);
  look_for(self, self->armed | UV_WRITABLE);
  keep_alive(self);
}

static void stop_output(ebb_output *output)
{
  fd_stream *self = writer_of(output);
  if (!self->stream.closed)
    look_for(self, self->armed & ~UV_WRITABLE);
  keep_alive(self);
}

static int shut_output(ebb_output *output)
{
  fd_stream *self = writer_of(output);
  if (!(self->flags & EBB_STREAM_SOCKET)) {
    /* nothing else is ever done with it if it is only written to */
    return 0;
  }
  if (shutdown(self->stream.fd, SHUT_WR) == 0 || errno == ENOTCONN)
    return 0; /* not connected any more: the other side has gone */
  return ebb_uv_error_code(errno);
}

static const ebb_output_class output_class = {.write = write_output,
                                              .is_ready = is_output_ready,
                                              .start = start_output,
                                              .stop = stop_output,
                                              .shutdown = shut_output};

/* --- opening and closing -------------------------------------------------- */

static void destroy(fd_stream *self)
{
  ebb_input_fini(&self->stream.input);
  ebb_alloc_put(self->alloc, self, sizeof *self);
}

static void on_closed(uv_handle_t *handle)
{
  fd_stream *self = handle->data;
  ebb_driver_closed(self->driver);
  self->handle_closed = true;
  if (self->released)
    destroy(self);
}

void ebb_stream_close(ebb_stream *stream)
{
  fd_stream *self = stream_of(stream);
  if (stream->closed)
    return;
  stream->closed = true;
  ebb_driver_closing(self->driver, &self->attached);
  uv_close((uv_handle_t *)&self->poll, on_closed);
  if (!(self->flags & EBB_STREAM_KEEP_FD))
    close(stream->fd);
  stream->fd = -1;
  ebb_input_close(&stream->input);
  ebb_output_close(&stream->output);
}

static void close_attached(ebb_attached *attached)
{
  fd_stream *self = ebb_container_of(attached, fd_stream, attached);
  ebb_stream_close(&self->stream);
}

void ebb_stream_release(ebb_stream *stream)
{
  fd_stream *self = stream_of(stream);
  ebb_stream_close(stream);
  self->released = true;
  if (self->handle_closed)
    destroy(self);
}

ebb_stream *ebb_stream_open(ebb_driver *driver, ebb_alloc *alloc, int fd,
                            unsigned flags, int *error)
{
  fd_stream *self = ebb_alloc_get(alloc, sizeof *self);
  *error = UV_ENOMEM;
  if (self == NULL)
    return NULL;
  *self = (fd_stream){.driver = driver,
                      .alloc = alloc,
                      .flags = flags,
                      .n_next = LEAST_BYTES,
                      .may_read = !(flags & EBB_STREAM_CONNECTING)};
  *error = uv_poll_init(ebb_driver_loop(driver), &self->poll, fd);
  if (*error != 0) {
    ebb_alloc_put(alloc, self, sizeof *self);
    return NULL;
  }
  self->stream.fd = fd;
  self->poll.data = self;
  uv_unref((uv_handle_t *)&self->poll);
  ebb_input_init(&self->stream.input, &input_class, alloc, driver);
  ebb_output_init(&self->stream.output, &output_class, driver);
  self->attached.close = close_attached;
  ebb_list_init(&self->attached.link);
  ebb_driver_attach(driver, &self->attached);
#if defined(SO_NOSIGPIPE)
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
  return &self->stream;
}
