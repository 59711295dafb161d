/* SPDX-License-Identifier: MIT */
#include "alloc/alloc.h"

#include <stdlib.h>

void *ebb_alloc_system(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, new_bytes);
}

void ebb_alloc_init(ebb_alloc *alloc, ebb_alloc_fn fn, void *ud)
{
  alloc->fn = fn != NULL ? fn : ebb_alloc_system;
  alloc->ud = ud;
  alloc->live_bytes = alloc->peak_bytes = 0;
  alloc->n_calls = 0;
}

void *ebb_alloc_resize(ebb_alloc *alloc, void *ptr, size_t old_bytes,
                       size_t new_bytes)
{
  void *block = alloc->fn(alloc->ud, ptr, old_bytes, new_bytes);
  if (new_bytes != 0) {
    alloc->n_calls++;
    if (block == NULL)
      return NULL;
  }
  alloc->live_bytes = alloc->live_bytes - old_bytes + new_bytes;
  if (alloc->live_bytes > alloc->peak_bytes)
    alloc->peak_bytes = alloc->live_bytes;
  return block;
}

void *ebb_alloc_get(ebb_alloc *alloc, size_t n_bytes)
{
  return ebb_alloc_resize(alloc, NULL, 0, n_bytes);
}

void ebb_alloc_put(ebb_alloc *alloc, void *ptr, size_t n_bytes)
{
  if (ptr != NULL)
    ebb_alloc_resize(alloc, ptr, n_bytes, 0);
}
