/* SPDX-License-Identifier: MIT */
#include "uv/file_io.h"

#include "uv/error.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- SIGPIPE -------------------------------------------------------------- */

/* It comes to the thread that writes: kept off there, and taken out again. */
typedef struct quiet {
  sigset_t before;
  bool was_pending;
} quiet;

static void begin_quiet(quiet *self, sigset_t *sigpipe)
{
  sigset_t pending;
  sigemptyset(sigpipe);
  sigaddset(sigpipe, SIGPIPE);
  sigemptyset(&pending);
  sigpending(&pending);
  self->was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, sigpipe, &self->before);
}

static void end_quiet(quiet *self, sigset_t *sigpipe, bool is_broken)
{
  sigset_t pending;
  int error = errno, number;
  sigemptyset(&pending);
  if (is_broken && !self->was_pending && sigpending(&pending) == 0 &&
      sigismember(&pending, SIGPIPE))
    sigwait(sigpipe, &number);
  pthread_sigmask(SIG_SETMASK, &self->before, NULL);
  errno = error;
}

/* --- reading -------------------------------------------------------------- */

static ssize_t code(void)
{
  return errno == EWOULDBLOCK ? ebb_uv_error_code(EAGAIN)
                              : ebb_uv_error_code(errno);
}

static bool wait_ready(int fd, short events, int timeout_ms)
{
  struct pollfd poll_fd = {fd, events, 0};
  int n;
  do
    n = poll(&poll_fd, 1, timeout_ms);
  while (n < 0 && errno == EINTR);
  return n > 0;
}

bool ebb__file_is_readable(int fd)
{
  return wait_ready(fd, POLLIN, 0);
}

ssize_t ebb__file_read(int fd, char *bytes, size_t n, int64_t at)
{
  ssize_t got;
  if (n > SSIZE_MAX)
    n = SSIZE_MAX;
  do
    got = at < 0 ? read(fd, bytes, n) : pread(fd, bytes, n, (off_t)at);
  while (got < 0 && errno == EINTR);
  return got < 0 ? code() : got;
}

/* --- writing -------------------------------------------------------------- */

static ssize_t write_once(int fd, const char *bytes, size_t n, int64_t at)
{
  ssize_t put;
  do
    put = at < 0 ? write(fd, bytes, n) : pwrite(fd, bytes, n, (off_t)at);
  while (put < 0 && errno == EINTR);
  return put;
}

ssize_t ebb__file_write(int fd, const char *bytes, size_t n, int64_t at)
{
  quiet q;
  sigset_t sigpipe;
  ssize_t put = 0;
  begin_quiet(&q, &sigpipe);
  while (n > 0) {
    put = write_once(fd, bytes, n, at);
    if (put < 0 && errno == EAGAIN) {
      wait_ready(fd, POLLOUT, -1);
      continue;
    }
    if (put < 0)
      break;
    bytes += put;
    n -= (size_t)put;
    at += at < 0 ? 0 : put;
  }
  end_quiet(&q, &sigpipe, put < 0 && errno == EPIPE);
  return put < 0 ? code() : 0;
}

/* What a pipe that is ready takes for sure without blocking. */
#define SURE_BYTES ((size_t)PIPE_BUF)

ssize_t ebb__file_write_some(int fd, const char *bytes, size_t n,
                             bool is_blocking)
{
  quiet q;
  sigset_t sigpipe;
  size_t done = 0;
  ssize_t put = 0;
  begin_quiet(&q, &sigpipe);
  while (done < n) {
    size_t part = n - done;
    if (is_blocking) {
      if (!wait_ready(fd, POLLOUT, 0)) {
        put = -1;
        errno = EAGAIN;
        break;
      }
      part = part < SURE_BYTES ? part : SURE_BYTES;
    }
    put = write_once(fd, bytes + done, part, -1);
    if (put < 0)
      break;
    done += (size_t)put;
  }
  end_quiet(&q, &sigpipe, put < 0 && errno == EPIPE);
  if (done > 0)
    return (ssize_t)done; /* what is the matter is told by the next */
  return put < 0 ? code() : 0;
}

int64_t ebb__file_size(int fd)
{
  struct stat info;
  if (fstat(fd, &info) != 0)
    return ebb_uv_error_code(errno);
  return (int64_t)info.st_size;
}
