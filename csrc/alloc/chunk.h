/* SPDX-License-Identifier: MIT */
/* Chunks: memory from the operating system in pieces of 1 MiB, aligned to their
   size, so that an address tells its chunk. Only what is written to becomes
   resident.

   Where the system has no such calls, and under the address sanitizer (whose
   leak checker has to see it), chunks come from the C library and a purge does
   nothing. Nothing here raises or calls out. */
#ifndef EBB_ALLOC_CHUNK_H
#define EBB_ALLOC_CHUNK_H

#include <stddef.h>

#define EBB_CHUNK_BYTES ((size_t)1 << 20)

/* A zeroed or uninitialised chunk, NULL when there is no memory. */
void *ebb_chunk_map(void);
void ebb_chunk_unmap(void *chunk);
/* The pages within keep their address and lose their contents: the system gets
   the memory back. `at` and n_bytes are multiples of 64 KiB, or less at the
   chunk's beginning. */
void ebb_chunk_purge(void *at, size_t n_bytes);

#endif
