/* SPDX-License-Identifier: MIT */
/* Heaps on a backing that counts, checks sizes and can fail. Include it after
   check.h. */
#ifndef EBB_SPEC_HEAP_BACK_H
#define EBB_SPEC_HEAP_BACK_H

#include <stdlib.h>

#include "alloc/heap.h"
#include "alloc/heap_parts.h"

typedef struct back {
  size_t live_bytes, n_live;
  long n_asked, fail_at, n_fail;
  bool shrinks_fail; /* as well; Lua's own allocators never do that */
} back;

typedef struct head {
  size_t n_bytes, mark;
} head;

static inline void *back_alloc(void *ud, void *ptr, size_t old_bytes,
                               size_t new_bytes)
{
  back *b = ud;
  head *h = ptr != NULL ? (head *)ptr - 1 : NULL;
  if (h != NULL)
    CHECK_EQ(h->mark, 0x5afe);
  if (new_bytes == 0) {
    if (h != NULL) {
      b->live_bytes -= h->n_bytes;
      b->n_live--;
    }
    free(h);
    return NULL;
  }
  if (new_bytes > old_bytes || h == NULL || b->shrinks_fail) {
    b->n_asked++;
    if (b->fail_at > 0 && b->n_asked >= b->fail_at &&
        b->n_asked - b->fail_at < b->n_fail)
      return NULL;
  }
  head *got = malloc(sizeof *got + new_bytes);
  if (got == NULL)
    return NULL;
  *got = (head){new_bytes, 0x5afe};
  if (h != NULL) {
    memcpy(got + 1, ptr, h->n_bytes < new_bytes ? h->n_bytes : new_bytes);
    b->live_bytes -= h->n_bytes;
    b->n_live--;
    free(h);
  }
  b->live_bytes += new_bytes;
  b->n_live++;
  return got + 1;
}

static inline ebb_heap *open_heap(back *b)
{
  ebb_heap_config config = {.backing = back_alloc, .backing_ud = b};
  return ebb_heap_open(&config);
}

static inline size_t live(ebb_heap *heap)
{
  return ebb_heap_live(heap);
}

static inline ebb_heap_info info(ebb_heap *heap)
{
  ebb_heap_info i;
  ebb_heap_get_info(heap, &i);
  return i;
}

static inline void *get(ebb_heap *heap, size_t n_bytes)
{
  return ebb_heap_alloc(heap, NULL, 0, n_bytes);
}

static inline void put(ebb_heap *heap, void *ptr, size_t n_bytes)
{
  ebb_heap_alloc(heap, ptr, n_bytes, 0);
}

#endif
