/* SPDX-License-Identifier: MIT */
/* Requests to the file system. Each is one job on libuv's thread pool that does
   the whole of it (a file is opened, read and closed in one), so that it costs
   one round trip. Knows no Lua.

   Who starts a request owns it until ebb_fs_release; at most one task waits for
   it, with ebb_fs_link. A wait that ends otherwise abandons the request: it is
   taken back if its job has not begun, else it runs on (but for the waiting for
   the other end of a named pipe) and its result is freed. While it runs the
   driver is busy and holds time. */
#ifndef EBB_UV_FS_H
#define EBB_UV_FS_H

#include "core/task.h"
#include "uv/driver.h"

#include <stdatomic.h>

enum {
  EBB_FS_READ,     /* path -> data */
  EBB_FS_WRITE,    /* path, data */
  EBB_FS_APPEND,   /* path, data */
  EBB_FS_STAT,     /* path -> stat */
  EBB_FS_LIST,     /* path -> items */
  EBB_FS_SCAN,     /* path -> items with types */
  EBB_FS_MKDIR,    /* path, parents */
  EBB_FS_REMOVE,   /* path: a file or an empty directory */
  EBB_FS_RENAME,   /* path, other */
  EBB_FS_COPY,     /* path, other -> n_bytes */
  EBB_FS_SYMLINK,  /* path (the new link), other (what it points to) */
  EBB_FS_REALPATH, /* path -> data */
  EBB_FS_CHMOD,    /* path, mode */
  EBB_FS_MKDTEMP,  /* path (a prefix) -> data */
  EBB_FS_OPEN,     /* path, mode: "r", "w+" … in `data` -> fd */
  EBB_FS_TMPFILE,  /* path (a prefix) -> fd of a file without a name */
  EBB_FS_N_KINDS
};

/* Kinds of files, as they stand before the names of a scan. */
enum {
  EBB_FS_FILE = 'f',
  EBB_FS_DIRECTORY = 'd',
  EBB_FS_SYMBOLIC_LINK = 'l',
  EBB_FS_FIFO = 'p',
  EBB_FS_SOCKET = 's',
  EBB_FS_CHAR_DEVICE = 'c',
  EBB_FS_BLOCK_DEVICE = 'b',
  EBB_FS_UNKNOWN = '?',
};

/* What is asked for. A request keeps copies of everything. */
typedef struct ebb_fs_call {
  int kind;
  const char *path, *other;
  const char *data;
  size_t n_bytes;
  unsigned mode;
  bool parents;
} ebb_fs_call;

typedef struct ebb_fs_stat {
  char type;
  unsigned mode; /* permission bits */
  uint64_t n_bytes, ino, nlink, uid, gid;
  double mtime_s, atime_s, ctime_s; /* since the epoch */
} ebb_fs_stat;

typedef struct ebb_fs {
  ebb_fs_call call;
  char *path, *other; /* writable, as the job needs them */
  bool done;          /* what follows is valid */
  int error;          /* 0 or libuv's code */
  char *data;         /* from malloc, as `items` */
  size_t n_bytes;
  char **items; /* sorted, pointing into data; [0] is the type, then the name */
  size_t n_items;
  ebb_fs_stat stat;
  int fd; /* -1: none; who takes it sets it to that */
  atomic_bool abandoned;
  ebb_waitq waiter;
} ebb_fs;

/* NULL when out of memory. O(bytes of the call). */
ebb_fs *ebb_fs_start(ebb_driver *driver, ebb_alloc *alloc,
                     const ebb_fs_call *call);
/* Node i of the task waits for the end of the request. */
void ebb_fs_link(ebb_task *task, uint32_t i, ebb_fs *fs);
/* The owner lets go: what has ended is freed now, else when it ends. Also after
   the driver was closed. */
void ebb_fs_release(ebb_fs *fs);

/* --- between the files of this -------------------------------------------- */

/* The job, in a thread of the pool: fills in the results. */
void ebb__fs_run(ebb_fs *fs);
/* Its parts: 0, or -1 with errno set. */
int ebb__fs_read(ebb_fs *fs);
int ebb__fs_write(ebb_fs *fs);
int ebb__fs_copy(ebb_fs *fs);
int ebb__fs_open(ebb_fs *fs);
int ebb__fs_tmpfile(ebb_fs *fs);
int ebb__fs_list(ebb_fs *fs);
/* The kind of a file, from its st_mode. */
char ebb__fs_type(unsigned mode);

#endif
