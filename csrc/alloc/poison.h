/* SPDX-License-Identifier: MIT */
/* How the pools make use of freed memory visible. A free block keeps its link
   in the first `n_link` bytes; the rest is filled with 0xDD in debug builds,
   and the whole block is closed to the address sanitizer. All of it is nothing
   at all in a release build. */
#ifndef EBB_ALLOC_POISON_H
#define EBB_ALLOC_POISON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
  #define EBB_ASAN 1
#elif defined(__has_feature)
  #if __has_feature(address_sanitizer)
    #define EBB_ASAN 1
  #endif
#endif

#if defined(EBB_ASAN)
  #include <sanitizer/asan_interface.h>
  #define ebb_poison_close(ptr, n_bytes)                                       \
    __asan_poison_memory_region(ptr, n_bytes)
  #define ebb_poison_open(ptr, n_bytes)                                        \
    __asan_unpoison_memory_region(ptr, n_bytes)
  #define ebb_poison_is_closed(ptr) (__asan_address_is_poisoned(ptr) != 0)
#else
  #define ebb_poison_close(ptr, n_bytes) ((void)(ptr), (void)(n_bytes))
  #define ebb_poison_open(ptr, n_bytes)  ((void)(ptr), (void)(n_bytes))
  #define ebb_poison_is_closed(ptr)      ((void)(ptr), false)
#endif

enum {
  EBB_POISON_FREED = 0xDD,
  EBB_POISON_FRESH = 0xCD,
  EBB_POISON_FENCE = 0xFD
};

/* Only this much of a large block is filled and looked at, so that the debug
   build's cost stays the same whatever the size. */
#define EBB_POISON_MAX_BYTES ((size_t)512)

static inline bool ebb_poison_is_intact(const void *ptr, size_t n_bytes,
                                        size_t n_link)
{
  const unsigned char *bytes = ptr;
  size_t end = n_bytes < EBB_POISON_MAX_BYTES ? n_bytes : EBB_POISON_MAX_BYTES;
  for (size_t i = n_link; i < end; i++)
    if (bytes[i] != EBB_POISON_FREED)
      return false;
  return true;
}

static inline void ebb_poison_fill(void *ptr, size_t n_bytes, size_t n_link,
                                   int with)
{
  size_t end = n_bytes < EBB_POISON_MAX_BYTES ? n_bytes : EBB_POISON_MAX_BYTES;
  if (end > n_link)
    memset((char *)ptr + n_link, with, end - n_link);
}

/* After its link is written. */
static inline void ebb_poison_put(void *ptr, size_t n_bytes, size_t n_link)
{
#if defined(EBB_DEBUG_CHECKS)
  ebb_poison_fill(ptr, n_bytes, n_link, EBB_POISON_FREED);
#endif
  (void)n_link;
  ebb_poison_close(ptr, n_bytes);
}

/* Before its link is read: nobody may have written to it while it was free. */
static inline void ebb_poison_taken(void *ptr, size_t n_bytes, size_t n_link)
{
  (void)n_link;
  ebb_poison_open(ptr, n_bytes);
#if defined(EBB_DEBUG_CHECKS)
  EBB_CHECK(ebb_poison_is_intact(ptr, n_bytes, n_link));
  ebb_poison_fill(ptr, n_bytes, n_link, EBB_POISON_FRESH);
#endif
}

#endif
