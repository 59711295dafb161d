/* SPDX-License-Identifier: MIT */
/* Two connected ends in memory: what is written to one is read from the other.
   A writer waits while `capacity` bytes lie unread; a reader that waits for
   more than that is given more. Knows neither Lua nor libuv, and no runtime.

   Each end is owned until ebb_duplex_release; the pair is freed with the
   second.
*/
#ifndef EBB_UV_DUPLEX_H
#define EBB_UV_DUPLEX_H

#include "uv/input.h"
#include "uv/output.h"

typedef struct ebb_duplex {
  ebb_input input;
  ebb_output output;
  bool closed;
} ebb_duplex;

/* False when out of memory. */
bool ebb_duplex_open(ebb_alloc *alloc, size_t capacity, ebb_duplex *ends[2]);
/* The other end reads what is left, then the end; its writes are EPIPE. Closing
   twice is harmless. */
void ebb_duplex_close(ebb_duplex *self);
void ebb_duplex_release(ebb_duplex *self);

#endif
