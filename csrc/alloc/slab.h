/* SPDX-License-Identifier: MIT */
/* Pool of objects of one size over an ebb_alloc.

   Pages of about 4 KiB, doubling to 64 KiB, are carved from front to back, and
   objects given back are taken again last in, first out, so the hot ones stay
   in the cache. Pages go back to the allocator only in ebb_slab_fini.

   Ownership: the slab borrows `alloc`, which must outlive it, and owns its
   pages; an object belongs to the caller from get until put (or fini, which
   frees everything, live or not). Objects are aligned to 16 bytes (to 64 if
   their size is a multiple of 64) and are not cleared. Not thread-safe. Nothing
   here raises, yields or calls out except to the allocator.

   Complexity: get and put O(1), a get now and then asks for a page; no get asks
   for memory while the free objects that ebb_slab_reserve promised last.

   Invariant: n_live <= n_total, and n_total - n_live objects are either in the
   free list or in the part of the newest page not carved yet.

   With EBB_DEBUG_CHECKS a freed object is filled with 0xDD, which makes a
   second put, or a write after the put, break an invariant check; under the
   address sanitizer any use of a freed object is reported. */
#ifndef EBB_ALLOC_SLAB_H
#define EBB_ALLOC_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "alloc/alloc.h"
#include "alloc/poison.h"
#include "base/base.h"

typedef struct ebb_slab_free {
  struct ebb_slab_free *next;
} ebb_slab_free;

typedef struct ebb_slab {
  ebb_slab_free *free;     /* objects given back, newest first */
  char *fresh, *fresh_end; /* part of the newest page never handed out */
  size_t object_bytes;     /* rounded up to a multiple of 16 */
  size_t n_live, n_total;  /* objects handed out; objects in all pages */
  size_t n_pages;
  size_t page_bytes;           /* size of the next page */
  struct ebb_slab_page *pages; /* newest first */
  ebb_alloc *alloc;
} ebb_slab;

void ebb_slab_init(ebb_slab *slab, ebb_alloc *alloc, size_t object_bytes);
/* Frees every page; the slab is then as after init and may be used again. */
void ebb_slab_fini(ebb_slab *slab);
/* The next n gets cannot fail and ask for no memory. False (and nothing lost)
   when out of memory. */
bool ebb_slab_reserve(ebb_slab *slab, size_t n);

/* The rare half of get: makes a page and takes an object of it. */
void *ebb__slab_get_slow(ebb_slab *slab);

/* For the debug build's check: the object is in the free list. O(1) unless its
   bytes look as if it were. */
bool ebb__slab_is_free(const ebb_slab *slab, const void *object);

/* Uninitialised memory for one object, NULL when out of memory. */
static inline void *ebb_slab_get(ebb_slab *slab)
{
  ebb_slab_free *object = slab->free;
  if (EBB_LIKELY(object != NULL)) {
    ebb_poison_taken(object, slab->object_bytes, sizeof(*object));
    slab->free = object->next;
    slab->n_live++;
    return object;
  }
  return ebb__slab_get_slow(slab);
}

/* NULL is ignored. */
static inline void ebb_slab_put(ebb_slab *slab, void *ptr)
{
  ebb_slab_free *object = ptr;
  if (EBB_UNLIKELY(ptr == NULL))
    return;
  EBB_CHECK(slab->n_live > 0);
  EBB_CHECK(!ebb__slab_is_free(slab, object));
  slab->n_live--;
  object->next = slab->free;
  slab->free = object;
  ebb_poison_put(object, slab->object_bytes, sizeof(*object));
}

#endif
