/* SPDX-License-Identifier: MIT */
#include "alloc/heap_parts.h"

#include <string.h>

enum { CAP_MIN = 16 };

/* Addresses are multiples of 8 at least; the multiplication spreads them over
   the upper half. */
static size_t home_of(const ebb_heap_map *map, const void *key)
{
  uint64_t hash = ((uint64_t)(uintptr_t)key >> 3) * 0x9E3779B97F4A7C15u;
  return (size_t)(hash >> 32) & (map->cap - 1);
}

ebb_heap_entry *heap_map_find(const ebb_heap_map *map, const void *key)
{
  if (map->n == 0)
    return NULL;
  size_t i = home_of(map, key);
  while (map->entries[i].key != NULL) {
    if (map->entries[i].key == key)
      return &map->entries[i];
    i = (i + 1) & (map->cap - 1);
  }
  return NULL;
}

ebb_heap_entry *heap_map_add(ebb_heap_map *map, void *key)
{
  size_t i = home_of(map, key);
  EBB_CHECK(map->n + 1 < map->cap);
  while (map->entries[i].key != NULL)
    i = (i + 1) & (map->cap - 1);
  map->n++;
  map->entries[i].key = key;
  return &map->entries[i];
}

bool heap_map_reserve(ebb_heap *heap, ebb_heap_map *map)
{
  if (EBB_LIKELY(map->n * 2 < map->cap))
    return true;
  ebb_heap_map wider = {.cap = map->cap == 0 ? CAP_MIN : map->cap * 2};
  size_t n_bytes = wider.cap * sizeof *wider.entries;
  wider.entries = heap->backing(heap->backing_ud, NULL, 0, n_bytes);
  if (wider.entries == NULL) /* it gets slower, but it works a while longer */
    return map->n < map->cap - map->cap / 4;
  memset(wider.entries, 0, n_bytes);
  for (size_t i = 0; i < map->cap; i++)
    if (map->entries[i].key != NULL)
      *heap_map_add(&wider, map->entries[i].key) = map->entries[i];
  heap_map_free(heap, map);
  *map = wider;
  return true;
}

/* The entries behind it move up unless that took them before their home. */
void heap_map_remove(ebb_heap_map *map, ebb_heap_entry *entry)
{
  size_t mask = map->cap - 1, hole = (size_t)(entry - map->entries);
  for (size_t i = (hole + 1) & mask; map->entries[i].key != NULL;
       i = (i + 1) & mask) {
    size_t home = home_of(map, map->entries[i].key);
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      map->entries[hole] = map->entries[i];
      hole = i;
    }
  }
  map->entries[hole] = (ebb_heap_entry){0};
  map->n--;
}

void heap_map_free(ebb_heap *heap, ebb_heap_map *map)
{
  if (map->entries != NULL)
    heap->backing(heap->backing_ud, map->entries,
                  map->cap * sizeof *map->entries, 0);
  *map = (ebb_heap_map){0};
}
