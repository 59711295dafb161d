/* SPDX-License-Identifier: MIT */
/* A guard: an ordered list of what is to be freed together, newest first. Most
   items are blocks of pool memory; the host may add items of its own kinds
   (functions to run, objects to close), in order with the rest. The guard does
   not run them: its owner takes the newest item again and again until none is
   left, which lets a host wait in between (csrc/lua/l_guard.c).

   Ownership: guard, item and block structs are the caller's memory (for Lua
   they are part of userdata, so nothing is allocated for them); a block's data
   belong to the pool. An item is in at most one guard: item->guard, NULL when
   in none.

   Generations: block->gen goes up whenever its data are freed or move. Who
   keeps a pointer into them remembers the generation at which it was right and
   compares before each access; a pointer with the wrong one is never followed.

   Invariants: guard->n_items is the length of the list; guard->count.live_bytes
   the sum of n_bytes over its blocks, and all of it is charged to its budget;
   block->data != NULL iff it is in a guard.

   Everything is O(1) and does not raise, yield or call out but to the pool. */
#ifndef EBB_ALLOC_GUARD_H
#define EBB_ALLOC_GUARD_H

#include "alloc/budget.h"
#include "alloc/pool.h"
#include "base/list.h"

enum { EBB_ITEM_BLOCK, EBB_ITEM_HOST }; /* hosts number on from there */

typedef struct ebb_guard ebb_guard;

typedef struct ebb_item {
  ebb_list link;
  ebb_guard *guard;
  uint32_t kind;
  uint32_t align; /* of a block; free for the host in other kinds */
} ebb_item;

typedef struct ebb_block {
  ebb_item item;
  unsigned char *data;
  size_t n_bytes;
  uint64_t gen;
} ebb_block;

struct ebb_guard {
  ebb_list items; /* oldest first */
  ebb_pool *pool;
  ebb_budget *budget; /* NULL: none. Outlives the guard */
  ebb_pool_count count;
  size_t n_items;
};

/* `budget` may be NULL. */
void ebb_guard_init(ebb_guard *guard, ebb_pool *pool, ebb_budget *budget);
/* Frees all blocks, newest first. No other items may be left. */
void ebb_guard_fini(ebb_guard *guard);

/* The newest item, or NULL. */
static inline ebb_item *ebb_guard_newest(const ebb_guard *guard)
{
  if (ebb_list_is_empty(&guard->items))
    return NULL;
  return ebb_container_of(guard->items.prev, ebb_item, link);
}

/* The item becomes the newest of the guard; it must be in none. */
void ebb_guard_add(ebb_guard *guard, ebb_item *item, uint32_t kind);
/* Takes an item that is no block out of its guard; harmless if in none. */
void ebb_guard_remove(ebb_item *item);

/* Gives `block` (zeroed by the caller, or freed before) zeroed data in the
   guard, and charges its budget whether or not they fit: the caller has asked.
   False when out of memory; nothing has changed then. */
bool ebb_block_get(ebb_guard *guard, ebb_block *block, size_t n_bytes,
                   size_t align);
/* Frees the data and leaves the guard; harmless if freed already. */
void ebb_block_put(ebb_block *block);
/* Grown bytes are zero. A new generation begins even if the data did not have
   to move, so that whether a stale pointer is caught never depends on luck.
   False when out of memory; nothing has changed then. */
bool ebb_block_resize(ebb_block *block, size_t n_bytes);
/* The block becomes the newest of guard `to` (of the same pool), whose budget
   it is charged to from now on; its data stay where they are, and so does the
   generation. */
void ebb_block_move(ebb_block *block, ebb_guard *to);

#endif
