/* SPDX-License-Identifier: MIT */
/* What the requests do, in a thread of the pool: plain POSIX, memory from
   malloc (ebb's allocators belong to one thread), no signals raised.

   Files are opened without blocking: regular files do not notice, and a named
   pipe whose other end never comes does not keep a thread (and the runtime's
   close) for ever once nobody waits for it. */
#include "uv/error.h"
#include "uv/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* --- read --- */

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

static int run_read(ebb_fs *fs)
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

/* --- write, append --- */

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

static int run_write(ebb_fs *fs)
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

/* --- copy
 * ------------------------------------------------------------------------------
 */

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

static int run_copy(ebb_fs *fs)
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

/* --- stat
 * ---------------------------------------------------------------------------------
 */

char ebb__fs_type(unsigned mode)
{
  switch (mode & S_IFMT) {
  case S_IFREG:
    return EBB_FS_FILE;
  case S_IFDIR:
    return EBB_FS_DIRECTORY;
  case S_IFLNK:
    return EBB_FS_SYMBOLIC_LINK;
  case S_IFIFO:
    return EBB_FS_FIFO;
  case S_IFSOCK:
    return EBB_FS_SOCKET;
  case S_IFCHR:
    return EBB_FS_CHAR_DEVICE;
  case S_IFBLK:
    return EBB_FS_BLOCK_DEVICE;
  default:
    return EBB_FS_UNKNOWN;
  }
}

static double seconds_of(const struct timespec *at)
{
  return (double)at->tv_sec + (double)at->tv_nsec / 1e9;
}

static int run_stat(ebb_fs *fs)
{
  struct stat info;
  if (stat(fs->path, &info) != 0)
    return -1;
  fs->stat = (ebb_fs_stat)
  {
    .type = ebb__fs_type((unsigned)info.st_mode),
    .mode = (unsigned)info.st_mode & 07777, .n_bytes = (uint64_t)info.st_size,
    .ino = (uint64_t)info.st_ino, .nlink = (uint64_t)info.st_nlink,
    .uid = (uint64_t)info.st_uid, .gid = (uint64_t)info.st_gid,
#if defined(__APPLE__)
    .mtime_s = seconds_of(&info.st_mtimespec),
    .atime_s = seconds_of(&info.st_atimespec),
    .ctime_s = seconds_of(&info.st_ctimespec),
#else
    .mtime_s = seconds_of(&info.st_mtim), .atime_s = seconds_of(&info.st_atim),
    .ctime_s = seconds_of(&info.st_ctim),
#endif
  };
  return 0;
}

/* --- directories and names --- */

static bool is_directory(const char *path)
{
  struct stat info;
  int error = errno;
  bool yes = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  errno = error;
  return yes;
}

/* A directory that is there already is as good as one that was made. */
static int make_directory(const char *path)
{
  return mkdir(path, 0777) == 0 || is_directory(path) ? 0 : -1;
}

static int run_mkdir(ebb_fs *fs)
{
  if (!fs->call.parents)
    return mkdir(fs->path, 0777);
  for (char *at = fs->path; *at != 0; at++) {
    if (*at != '/' || at == fs->path)
      continue;
    *at = 0;
    int result = make_directory(fs->path);
    *at = '/';
    if (result != 0)
      return -1;
  }
  return make_directory(fs->path);
}

static int run_realpath(ebb_fs *fs)
{
  fs->data = realpath(fs->path, NULL);
  if (fs->data == NULL)
    return -1;
  fs->n_bytes = strlen(fs->data);
  return 0;
}

static int run_mkdtemp(ebb_fs *fs)
{
  static const char random_part[] = "XXXXXX";
  size_t n_prefix = strlen(fs->path);
  fs->data = malloc(n_prefix + sizeof random_part);
  if (fs->data == NULL) {
    errno = ENOMEM;
    return -1;
  }
  memcpy(fs->data, fs->path, n_prefix);
  memcpy(fs->data + n_prefix, random_part, sizeof random_part);
  fs->n_bytes = n_prefix + sizeof random_part - 1;
  return mkdtemp(fs->data) != NULL ? 0 : -1;
}

static int run(ebb_fs *fs)
{
  switch (fs->call.kind) {
  case EBB_FS_READ:
    return run_read(fs);
  case EBB_FS_WRITE:
  case EBB_FS_APPEND:
    return run_write(fs);
  case EBB_FS_STAT:
    return run_stat(fs);
  case EBB_FS_LIST:
  case EBB_FS_SCAN:
    return ebb__fs_list(fs);
  case EBB_FS_MKDIR:
    return run_mkdir(fs);
  case EBB_FS_REMOVE:
    return remove(fs->path);
  case EBB_FS_RENAME:
    return rename(fs->path, fs->other);
  case EBB_FS_COPY:
    return run_copy(fs);
  case EBB_FS_SYMLINK:
    return symlink(fs->other, fs->path);
  case EBB_FS_REALPATH:
    return run_realpath(fs);
  case EBB_FS_CHMOD:
    return chmod(fs->path, (mode_t)fs->call.mode);
  case EBB_FS_MKDTEMP:
    return run_mkdtemp(fs);
  default:
    errno = ENOSYS;
    return -1;
  }
}

void ebb__fs_run(ebb_fs *fs)
{
  if (run(fs) != 0)
    fs->error = ebb_uv_error_code(errno);
}
