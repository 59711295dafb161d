/* SPDX-License-Identifier: MIT */
/* An open file, pipe or terminal as a stream of bytes.

   What can be polled (pipes, terminals, sockets) is read and written by the
   loop, when it is ready. The rest (regular files, devices) is read and written
   by jobs on libuv's thread pool, a chunk ahead of who reads and a buffer
   behind who writes; while a job runs the driver holds time. A regular file has
   a position, which reading and writing share as in C.

   Owned by who made it, until ebb_file_release. A file that is closed writes
   what is buffered, at once. Knows no Lua. */
#ifndef EBB_UV_FILE_H
#define EBB_UV_FILE_H

#include "uv/input.h"

#define EBB_FILE_CHUNK EBB_INPUT_CHUNK

enum {
  EBB_FILE_READ = 1,
  EBB_FILE_WRITE = 2,
  EBB_FILE_APPEND = 4,
  EBB_FILE_STANDARD = 8, /* one of the process: left open, left blocking */
};

enum { EBB_FILE_UNBUFFERED, EBB_FILE_BY_LINE, EBB_FILE_BUFFERED };
enum { EBB_FILE_SET, EBB_FILE_CUR, EBB_FILE_END };

typedef struct ebb_file {
  ebb_input input;
  int fd; /* -1 once it is closed */
  unsigned flags;
  bool is_polled, is_seekable, closed;
  bool is_writing;  /* the last thing done; else reading */
  bool has_written; /* something, since then */
  int buffering;
  size_t limit;    /* of what is buffered to be written */
  int write_error; /* of what was written behind, told by what follows it */
  int64_t read_at; /* where input's bytes end, in a seekable file */
  int64_t out_at;  /* where out's bytes begin */
  char *out, *spare;
  size_t n_out;      /* bytes that nothing has been done for yet */
  size_t n_sent;     /* bytes of spare that are being written */
  ebb_task *writer;  /* who writes at the moment */
  ebb_waitq waiters; /* for what is being written */
} ebb_file;

/* Takes the descriptor over. NULL: it is the caller's still, *error is libuv's
   code. */
ebb_file *ebb_file_new(ebb_driver *driver, ebb_alloc *alloc, int fd,
                       unsigned flags, int *error);
/* Lets go of a descriptor that none was made of. */
void ebb_file_drop_fd(int fd, unsigned flags);
/* Writes what is buffered and closes it: 0 or libuv's code. Wakes who waits.
   Closing twice is harmless; closing the driver closes. */
int ebb_file_close(ebb_file *self);
/* Closes, and frees it once nothing runs for it. Also after the driver is. */
void ebb_file_release(ebb_file *self);

/* Before the first byte is written after reading: 0 or libuv's code. */
int ebb_file_begin_write(ebb_file *self);
/* Copies what there is room for: how many bytes. */
size_t ebb_file_put(ebb_file *self, const char *bytes, size_t n);
/* Begins to write what is buffered unless something is being written. */
void ebb_file_send(ebb_file *self);
static inline bool ebb_file_is_sending(const ebb_file *self)
{
  return self->n_sent > 0;
}
/* "write": woken with EBB_OK when what is being written is or has failed;
   EBB_ECLOSED. */
void ebb_file_link(ebb_task *task, uint32_t i, ebb_file *self);
/* Everything is written, and reading begins: nothing is being written. 0 or
   libuv's code: then it goes on being written. */
int ebb_file_begin_read(ebb_file *self);
/* The new position or libuv's code; everything is written. */
int64_t ebb_file_seek(ebb_file *self, int whence, int64_t offset);
/* Bytes to the terminal end at once, in lines: is it one? */
bool ebb_file_is_terminal(const ebb_file *self);

#endif
