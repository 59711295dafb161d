/* SPDX-License-Identifier: MIT */
#include "alloc/slab.h"

enum { PAGE_MIN_BYTES = 4096, PAGE_MAX_BYTES = 65536, OBJECTS_MIN = 4 };

/* The first object begins at a cache line, so that objects whose size is a
   multiple of 64 are all aligned to 64, though the allocator promises 16. */
enum { LINE_BYTES = 64 };

typedef struct ebb_slab_page {
  struct ebb_slab_page *next;
  size_t n_bytes; /* of the whole page, for giving it back */
} ebb_slab_page;

/* The most that the head of a page and the gap after it take. */
#define PAGE_HEAD_BYTES (sizeof(ebb_slab_page) + LINE_BYTES - 1)

void ebb_slab_init(ebb_slab *slab, ebb_alloc *alloc, size_t object_bytes)
{
  *slab = (ebb_slab){
      .object_bytes = object_bytes < 16 ? 16 : (object_bytes + 15) / 16 * 16,
      .page_bytes = PAGE_MIN_BYTES,
      .alloc = alloc,
  };
}

void ebb_slab_fini(ebb_slab *slab)
{
  while (slab->pages != NULL) {
    ebb_slab_page *page = slab->pages;
    slab->pages = page->next;
    ebb_poison_open(page, page->n_bytes);
    ebb_alloc_put(slab->alloc, page, page->n_bytes);
  }
  ebb_slab_init(slab, slab->alloc, slab->object_bytes);
}

static inline void *carve(ebb_slab *slab)
{
  void *object = slab->fresh;
  slab->fresh += slab->object_bytes;
#if defined(EBB_DEBUG_CHECKS)
  ebb_poison_fill(object, slab->object_bytes, 0, EBB_POISON_FRESH);
#endif
  return object;
}

/* Makes a page of at least n objects the newest one. What is left of the last
   page moves to the free list first. */
static bool add_page(ebb_slab *slab, size_t n)
{
  size_t n_bytes = slab->page_bytes, n_objects;
  ebb_slab_page *page;
  if (n < OBJECTS_MIN && slab->object_bytes <= PAGE_MAX_BYTES / OBJECTS_MIN)
    n = OBJECTS_MIN;
  if (n > (SIZE_MAX / 2 - PAGE_HEAD_BYTES) / slab->object_bytes)
    return false;
  if (n_bytes < PAGE_HEAD_BYTES + n * slab->object_bytes)
    n_bytes = PAGE_HEAD_BYTES + n * slab->object_bytes;
  n_objects = (n_bytes - PAGE_HEAD_BYTES) / slab->object_bytes;
  page = ebb_alloc_get(slab->alloc, n_bytes);
  if (page == NULL)
    return false;
  page->next = slab->pages;
  page->n_bytes = n_bytes;
  slab->pages = page;
  while (slab->fresh != slab->fresh_end) {
    ebb_slab_free *object = carve(slab);
    object->next = slab->free;
    slab->free = object;
    ebb_poison_put(object, slab->object_bytes, sizeof(*object));
  }
  slab->fresh = (char *)(page + 1);
  slab->fresh += -(uintptr_t)slab->fresh & (LINE_BYTES - 1);
  slab->fresh_end = slab->fresh + n_objects * slab->object_bytes;
  slab->n_total += n_objects;
  slab->n_pages++;
  if (slab->page_bytes < PAGE_MAX_BYTES)
    slab->page_bytes *= 2;
  return true;
}

void *ebb__slab_get_slow(ebb_slab *slab)
{
  if (slab->fresh == slab->fresh_end && !add_page(slab, 1))
    return NULL;
  slab->n_live++;
  return carve(slab);
}

bool ebb_slab_reserve(ebb_slab *slab, size_t n)
{
  size_t n_free = slab->n_total - slab->n_live;
  return n <= n_free || add_page(slab, n - n_free);
}

bool ebb__slab_is_free(const ebb_slab *slab, const void *object)
{
  if (ebb_poison_is_closed(object))
    return true;
  if (!ebb_poison_is_intact(object, slab->object_bytes, sizeof(ebb_slab_free)))
    return false;
#if !defined(EBB_ASAN)
  for (const ebb_slab_free *it = slab->free; it != NULL; it = it->next)
    if (it == object)
      return true;
#endif
  return false;
}
