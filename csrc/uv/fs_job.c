/* SPDX-License-Identifier: MIT */
/* What the requests do, in a thread of the pool: plain POSIX, memory from
   malloc (ebb's allocators belong to one thread), no signals raised. */
#include "uv/error.h"
#include "uv/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* --- directories and names ------------------------------------------------ */

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
    return ebb__fs_read(fs);
  case EBB_FS_WRITE:
  case EBB_FS_APPEND:
    return ebb__fs_write(fs);
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
    return ebb__fs_copy(fs);
  case EBB_FS_SYMLINK:
    return symlink(fs->other, fs->path);
  case EBB_FS_REALPATH:
    return run_realpath(fs);
  case EBB_FS_CHMOD:
    return chmod(fs->path, (mode_t)fs->call.mode);
  case EBB_FS_MKDTEMP:
    return run_mkdtemp(fs);
  case EBB_FS_OPEN:
    return ebb__fs_open(fs);
  case EBB_FS_TMPFILE:
    return ebb__fs_tmpfile(fs);
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
