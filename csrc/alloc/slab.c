/* SPDX-License-Identifier: MIT */
#include "alloc/slab.h"

enum { PAGE_MIN_BYTES = 4096, PAGE_MAX_BYTES = 65536, OBJECTS_MIN = 4 };

typedef struct ebb_slab_page {
  struct ebb_slab_page *next;
  size_t n_bytes; /* of the whole page, for giving it back */
} ebb_slab_page;

/* Where objects begin, so that they are aligned as the page is. */
#define PAGE_HEAD_BYTES ((sizeof(ebb_slab_page) + 15) / 16 * 16)

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
  return object;
}

/* Makes a page of at least n objects the newest one. What is left of the last
   page moves to the free list first. */
static bool add_page(ebb_slab *slab, size_t n)
{
  size_t n_bytes = slab->page_bytes, n_objects;
  ebb_slab_page *page;
  if (n < OBJECTS_MIN)
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
  slab->fresh = (char *)page + PAGE_HEAD_BYTES;
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
