/* SPDX-License-Identifier: MIT */
/* Generational handles: 64-bit integers that name slots. A handle is the slot's
   index (32 bits, of which 31 are used) under the generation in which it was
   given (31 bits, from 1 on, so that a handle is positive); removing raises the
   generation, and all handles of the past are stale for good. What a slot
   stands for is the host's affair: it keeps its values by index.

   Slots are used again oldest first, so that a generation lasts as long as it
   can; one whose generations are used up is retired, never used again: a stale
   handle can not come back to life. (Every 2^31 removals cost one slot.)

   The array of slots only grows. Every function is O(1), but for growing and
   clear; nothing raises, yields or calls out but to the allocator. */
#ifndef EBB_ALLOC_REGISTRY_H
#define EBB_ALLOC_REGISTRY_H

#include "alloc/alloc.h"
#include "base/base.h"

#include <stdbool.h>

#define EBB_REGISTRY_MAX_GEN ((uint32_t)0x7fffffff)
#define EBB_REGISTRY_LIVE                                                      \
  ((uint32_t)0xfffffffe) /* slot->next of a live one                           \
                          */
#define EBB_REGISTRY_NONE ((uint32_t)0xffffffff)

typedef struct ebb_registry_slot {
  uint32_t gen;  /* of its live handle, or of the one it will give next */
  uint32_t next; /* in the list of free ones, or one of the above */
} ebb_registry_slot;

typedef struct ebb_registry {
  ebb_alloc *alloc;
  ebb_registry_slot *slots;
  uint32_t n_slots, cap; /* slots used so far; room */
  uint32_t n_live, n_retired;
  uint32_t oldest, newest; /* free ones, or NONE */
} ebb_registry;

void ebb_registry_init(ebb_registry *reg, ebb_alloc *alloc);
/* Frees the slots; every handle is stale. May be used again. */
void ebb_registry_fini(ebb_registry *reg);

/* The next add cannot fail. False when out of memory; nothing has changed. */
bool ebb_registry_reserve(ebb_registry *reg);
/* The slot that the next add takes. */
static inline uint32_t ebb_registry_next(const ebb_registry *reg)
{
  return reg->oldest != EBB_REGISTRY_NONE ? reg->oldest : reg->n_slots;
}
/* After ebb_registry_reserve: takes that slot, returns its handle. */
uint64_t ebb_registry_add(ebb_registry *reg);

/* Is the handle live? Any number may come; `index` is its slot then. */
static inline bool ebb_registry_find(const ebb_registry *reg, uint64_t handle,
                                     uint32_t *index)
{
  uint32_t i = (uint32_t)handle;
  *index = i;
  return i < reg->n_slots && reg->slots[i].gen == handle >> 32 &&
         reg->slots[i].next == EBB_REGISTRY_LIVE;
}
/* The slot, which is live, becomes free. */
void ebb_registry_remove(ebb_registry *reg, uint32_t index);
/* The handle of the first live slot from `index` on, 0 if there is none. */
uint64_t ebb_registry_from(const ebb_registry *reg, uint32_t index);

#endif
