/* SPDX-License-Identifier: MIT */
/* The jobs that open. Without blocking, as fs_file.c says: what can be polled
   stays so, regular files do not notice. */
#include "uv/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How soon a job that waits for a pipe's reader notices that nobody wants it.
 */
#define PATIENCE_NS 10000000

static int flags_of(const char *mode)
{
  int access = strchr(mode, '+') != NULL ? O_RDWR : O_WRONLY;
  if (mode[0] == 'r')
    return access == O_RDWR ? O_RDWR : O_RDONLY;
  return access | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

static bool is_fifo(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

int ebb__fs_open(ebb_fs *fs)
{
  static const struct timespec pause = {0, PATIENCE_NS};
  int flags = flags_of(fs->call.data) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  for (;;) {
    int fd = open(fs->path, flags, 0666);
    if (fd >= 0) {
      fs->fd = fd;
      return 0;
    }
    if (errno == EINTR)
      continue;
    if (errno != ENXIO || !is_fifo(fs->path))
      return -1;
    if (atomic_load_explicit(&fs->abandoned, memory_order_relaxed)) {
      errno = ECANCELED;
      return -1;
    }
    nanosleep(&pause, NULL); /* nobody reads the pipe yet */
  }
}

int ebb__fs_tmpfile(ebb_fs *fs)
{
  static const char random_part[] = "XXXXXX";
  size_t n_prefix = strlen(fs->path);
  char *path = malloc(n_prefix + sizeof random_part);
  if (path == NULL) {
    errno = ENOMEM;
    return -1;
  }
  memcpy(path, fs->path, n_prefix);
  memcpy(path + n_prefix, random_part, sizeof random_part);
  int fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0 && unlink(path) != 0) { /* it would stay for ever */
    int error = errno;
    close(fd);
    errno = error;
    fd = -1;
  }
  int error = errno;
  free(path);
  errno = error;
  fs->fd = fd;
  return fd >= 0 ? 0 : -1;
}
