/* SPDX-License-Identifier: MIT */
/* The jobs that read and write.

   Files are opened without blocking: regular files do not notice, and a named
   pipe whose other end never comes does not keep a thread (and the runtime's
   close) for ever once nobody waits for it. */
#include "uv/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How soon a job that waits for a pipe notices that nobody wants it. */
#define PATIENCE_MS 10

static bool is_abandoned(ebb_fs *fs)
{
  return atomic_load_explicit(&fs->abandoned, memory_order_relaxed);
}

/* 0, or -1 with errno set. */
static int wait_fd(ebb_fs *fs, int fd, short events)
{
  while (!is_abandoned(fs)) {
    struct pollfd poll_fd = {fd, events, 0};
    int n = poll(&poll_fd, 1, PATIENCE_MS);
    if (n > 0)
      return 0;
    if (n < 0 && errno != EINTR)
      return -1;
  }
  errno = ECANCELED;
  return -1;
}

static int open_file(const char *path, int flags, unsigned mode)
{
  int fd;
  do
    fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, (mode_t)mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* Keeps errno when there is one already; -1 when closing fails. */
static int close_file(int fd, int result)
{
  int error = errno;
  if (close(fd) != 0 && errno != EINTR && result == 0)
    return -1;
  errno = error;
  return result;
}

/* --- read ----------------------------------------------------------------- */

static bool grow(ebb_fs *fs, size_t *cap)
{
  size_t wanted = *cap < SIZE_MAX / 2 ? *cap * 2 : SIZE_MAX;
  char *data = realloc(fs->data, wanted);
  if (data == NULL) {
    errno = ENOMEM;
    return false;
  }
  fs->data = data;
  *cap = wanted;
  return true;
}

/* The size is a hint: files of /proc have none, others grow meanwhile. */
static int read_all(ebb_fs *fs, int fd, const struct stat *info)
{
  bool regular = S_ISREG(info->st_mode);
  size_t cap = 4096;
  if (regular && info->st_size > 0) {
    if ((uintmax_t)info->st_size >= SIZE_MAX) {
      errno = EFBIG;
      return -1;
    }
    cap = (size_t)info->st_size + 1;
  }
  fs->data = malloc(cap);
  if (fs->data == NULL) {
    errno = ENOMEM;
    return -1;
  }
  while (!is_abandoned(fs)) {
    if (fs->n_bytes == cap && !grow(fs, &cap))
      return -1;
    if (!regular && wait_fd(fs, fd, POLLIN) != 0)
      return -1;
    size_t room = cap - fs->n_bytes;
    ssize_t n =
        read(fd, fs->data + fs->n_bytes, room < SSIZE_MAX ? room : SSIZE_MAX);
    if (n == 0)
      return 0;
    if (n > 0)
      fs->n_bytes += (size_t)n;
    else if (errno == EAGAIN && wait_fd(fs, fd, POLLIN) != 0)
      return -1;
    else if (errno != EAGAIN && errno != EINTR)
      return -1;
  }
  errno = ECANCELED;
  return -1;
}

int ebb__fs_read(ebb_fs *fs)
{
  struct stat info;
  int fd = open_file(fs->path, O_RDONLY, 0);
  if (fd < 0)
    return -1;
  int result = fstat(fd, &info);
  if (result == 0 && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    result = -1;
  }
  if (result == 0)
    result = read_all(fs, fd, &info);
  (void)close_file(fd, -1); /* what was read was read */
  return result;
}

/* --- write, append -------------------------------------------------------- */

static int write_all(ebb_fs *fs, int fd, const char *data, size_t n_bytes)
{
  while (n_bytes > 0) {
    ssize_t n = write(fd, data, n_bytes < SSIZE_MAX ? n_bytes : SSIZE_MAX);
    if (n >= 0) {
      data += n;
      n_bytes -= (size_t)n;
    } else if (errno == EAGAIN) {
      if (wait_fd(fs, fd, POLLOUT) != 0)
        return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

/* A pipe whose reader goes away gives EPIPE; the signal that comes with it
   stays in this thread and is taken out again. */
static int write_pipe(ebb_fs *fs, int fd)
{
  sigset_t sigpipe, before, pending;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  int result = write_all(fs, fd, fs->call.data, fs->call.n_bytes);
  int error = errno;
  if (result != 0 && error == EPIPE && sigpending(&pending) == 0 &&
      sigismember(&pending, SIGPIPE)) {
    int number;
    sigwait(&sigpipe, &number);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return result;
}

static bool is_fifo(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

static int open_to_write(ebb_fs *fs, int flags)
{
  for (;;) {
    int fd = open_file(fs->path, O_WRONLY | O_CREAT | flags, 0666);
    if (fd >= 0 || errno != ENXIO || !is_fifo(fs->path))
      return fd;
    if (is_abandoned(fs)) { /* nobody reads the pipe yet */
      errno = ECANCELED;
      return -1;
    }
    struct timespec pause = {0, PATIENCE_MS * 1000000};
    nanosleep(&pause, NULL);
  }
}

int ebb__fs_write(ebb_fs *fs)
{
  struct stat info;
  int fd =
      open_to_write(fs, fs->call.kind == EBB_FS_APPEND ? O_APPEND : O_TRUNC);
  if (fd < 0)
    return -1;
  int result = fstat(fd, &info);
  if (result == 0)
    result = S_ISREG(info.st_mode)
                 ? write_all(fs, fd, fs->call.data, fs->call.n_bytes)
                 : write_pipe(fs, fd);
  return close_file(fd, result);
}

/* --- copy ----------------------------------------------------------------- */

#define COPY_BYTES 65536

static int copy_bytes(ebb_fs *fs, int from, int to)
{
  char *buffer = malloc(COPY_BYTES);
  ssize_t n = 0;
  int result = 0;
  if (buffer == NULL) {
    errno = ENOMEM;
    return -1;
  }
  while (result == 0 && (n = read(from, buffer, COPY_BYTES)) != 0) {
    if (n > 0) {
      result = write_all(fs, to, buffer, (size_t)n);
      fs->n_bytes += (size_t)n;
    } else if (errno != EINTR) {
      result = -1;
    }
  }
  int error = errno;
  free(buffer);
  errno = error;
  return result;
}

/* Regular files only, and never onto itself, which would empty it. */
static int copy_into(ebb_fs *fs, int from, const struct stat *source)
{
  struct stat target;
  int to = open_file(fs->other, O_WRONLY | O_CREAT,
                     (unsigned)source->st_mode & 0777);
  if (to < 0)
    return -1;
  int result = fstat(to, &target);
  if (result == 0 && target.st_dev == source->st_dev &&
      target.st_ino == source->st_ino) {
    errno = EINVAL;
    result = -1;
  }
  if (result == 0 && S_ISREG(target.st_mode))
    result = ftruncate(to, 0);
  if (result == 0)
    result = copy_bytes(fs, from, to);
  return close_file(to, result);
}

int ebb__fs_copy(ebb_fs *fs)
{
  struct stat info;
  int from = open_file(fs->path, O_RDONLY, 0);
  if (from < 0)
    return -1;
  int result = fstat(from, &info);
  if (result == 0 && !S_ISREG(info.st_mode)) {
    errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    result = -1;
  }
  if (result == 0)
    result = copy_into(fs, from, &info);
  (void)close_file(from, -1);
  return result;
}
