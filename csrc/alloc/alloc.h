/* SPDX-License-Identifier: MIT */
/* The allocator interface of ebb's C side: Lua's own realloc contract, so that
   a state's lua_Alloc can be used as it is, plus exact counters.

   fn(ud, ptr, old_bytes, new_bytes): new_bytes == 0 frees and returns NULL;
   otherwise (re)allocates, NULL when out of memory (the old block stays good).
   Nothing here raises, yields or calls out except to fn. */
#ifndef EBB_ALLOC_ALLOC_H
#define EBB_ALLOC_ALLOC_H

#include <stddef.h>
#include <stdint.h>

typedef void *(*ebb_alloc_fn)(void *ud, void *ptr, size_t old_bytes,
                              size_t new_bytes);

typedef struct ebb_alloc {
  ebb_alloc_fn fn;
  void *ud;
  size_t live_bytes, peak_bytes;
  uint64_t n_calls; /* times memory was asked for (not given back) */
} ebb_alloc;

/* malloc and free. */
void *ebb_alloc_system(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);

/* fn NULL: ebb_alloc_system. */
void ebb_alloc_init(ebb_alloc *alloc, ebb_alloc_fn fn, void *ud);
void *ebb_alloc_get(ebb_alloc *alloc, size_t n_bytes);
void *ebb_alloc_resize(ebb_alloc *alloc, void *ptr, size_t old_bytes,
                       size_t new_bytes);
void ebb_alloc_put(ebb_alloc *alloc, void *ptr, size_t n_bytes);

#endif
