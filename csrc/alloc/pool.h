/* SPDX-License-Identifier: MIT */
/* Blocks of any size over an ebb_alloc, with exact counters. Blocks of up to
   32 KiB come from a slab per size class (16, 32, 48, 64, then four classes a
   doubling: a block is at most a fifth larger than asked for); larger ones, and
   those aligned to more than 64 bytes, come straight from the allocator: the
   heap. After warm-up the classes serve everything without asking the system.

   The pool keeps no header before a block: whoever holds one knows its size and
   alignment and gives them back with it (ebb_guard does, alloc/guard.h, and it
   is there that a stale handle is told from a live one).

   Ownership: the pool borrows `alloc`; a block is the caller's from get until
   put or ebb_pool_fini. Blocks are not cleared. One thread. Nothing here raises
   or yields. Every function is O(1) but for copying and for fini.

   In debug builds (EBB_DEBUG_CHECKS) what lies between the bytes asked for and
   the end of the block, at least 16 bytes but for the very last class, is
   filled, and looked at when the block is given back or resized: who wrote past
   the end is found then. The address sanitizer finds him at once.

   The counters count the bytes that were asked for, not what a class rounds
   them up to: an independent count by the caller gives the same numbers. */
#ifndef EBB_ALLOC_POOL_H
#define EBB_ALLOC_POOL_H

#include "alloc/slab.h"

#define EBB_POOL_N_CLASSES 40
#define EBB_POOL_MAX_BYTES ((size_t)32768)
#define EBB_POOL_MAX_ALIGN ((size_t)4096)

typedef struct ebb_pool_count {
  size_t live_bytes, peak_bytes;
  uint64_t total_bytes; /* of all gets so far, and of growth */
} ebb_pool_count;

typedef struct ebb_pool {
  ebb_alloc *alloc;
  ebb_alloc pages; /* counts what the slabs ask for; passes on to `alloc` */
  ebb_pool_count pool, heap;
  ebb_slab slabs[EBB_POOL_N_CLASSES];
} ebb_pool;

void ebb_pool_init(ebb_pool *pool, ebb_alloc *alloc);
/* Frees the classes' pages; heap blocks that live on are lost to the caller's
   bookkeeping (a leak), so they must have been given back. */
void ebb_pool_fini(ebb_pool *pool);

/* A block aligned to `align`, a power of two of at most 4096 (0 and less than
   16 mean 16). n_bytes may be 0. NULL when out of memory or when the arguments
   are impossible; nothing has changed then. */
void *ebb_pool_get(ebb_pool *pool, size_t n_bytes, size_t align);
/* n_bytes and align as given to get (or the new size given to resize). */
void ebb_pool_put(ebb_pool *pool, void *ptr, size_t n_bytes, size_t align);
/* The block, moved if need be, keeps its first min(old, new) bytes. NULL when
   out of memory (which may also befall a block that gets smaller, when it must
   move to a class): the old block stays as it is. */
void *ebb_pool_resize(ebb_pool *pool, void *ptr, size_t old_bytes,
                      size_t new_bytes, size_t align);

/* Has nobody written past the end of the block? Always true where it cannot be
   told. */
bool ebb__pool_is_intact(const void *ptr, size_t n_bytes, size_t align);

/* Times the pool has asked the allocator for pages. */
static inline uint64_t ebb_pool_mallocs(const ebb_pool *pool)
{
  return pool->pages.n_calls;
}

/* The size of class i, and the class of a size (n_bytes <= 32768). */
size_t ebb_pool_class_bytes(unsigned i);
unsigned ebb_pool_class_of(size_t n_bytes);

#endif
