/* SPDX-License-Identifier: MIT */
/* System calls on descriptors, for files and their jobs: interrupted ones are
   repeated, writing to a pipe that nobody reads raises no signal. Results are
   counts or libuv's codes. Internal to csrc/uv; for any thread. */
#ifndef EBB_UV_FILE_IO_H
#define EBB_UV_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* At `at`, or (-1) where the descriptor is. 0: the end. UV_EAGAIN. */
ssize_t ebb__file_read(int fd, char *bytes, size_t n, int64_t at);
/* All of it: 0 or libuv's code. Waits where it must. */
ssize_t ebb__file_write(int fd, const char *bytes, size_t n, int64_t at);
/* What goes without waiting, which is little where the descriptor would block:
   how many bytes, or UV_EAGAIN and the like. */
ssize_t ebb__file_write_some(int fd, const char *bytes, size_t n,
                             bool is_blocking);
/* Would reading not wait? */
bool ebb__file_is_readable(int fd);
/* Of a regular file, in bytes; or libuv's code. */
int64_t ebb__file_size(int fd);

#endif
