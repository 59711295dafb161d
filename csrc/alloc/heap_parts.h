/* SPDX-License-Identifier: MIT */
/* What the files of the heap share: see heap.h for what it is.

   A chunk of 1 MiB begins with the descriptors of its 16 pages; the first page
   is shorter by that. So the descriptor of a block's page is found from the
   block's address alone, and lies apart from the blocks, where descriptors of
   many pages share few cache lines.

   Invariants: a page is in exactly one list: `room` of its class while it may
   have free blocks, `full` of its owner (the account, else the heap) when it
   has none, none while it is empty. `used` counts its live blocks. A free that
   takes `used` below `low` needs more than pushing the block: low is 1 for an
   ordinary page (it becomes empty), its capacity while it is full, and
   LOW_ALWAYS for pages that charge an account or hold the root.
   direct[] has the first page of `room` of the common set for each small size,
   or `none`, which has no blocks. */
#ifndef EBB_ALLOC_HEAP_PARTS_H
#define EBB_ALLOC_HEAP_PARTS_H

#include "alloc/chunk.h"
#include "alloc/heap.h"
#include "alloc/poison.h"
#include "base/base.h"
#include "base/list.h"

#define HEAP_PAGE_SHIFT 16
#define HEAP_PAGE_BYTES ((size_t)1 << HEAP_PAGE_SHIFT)
#define HEAP_N_PAGES    16 /* of a chunk */
#define HEAP_SMALL_MAX  ((size_t)1024)
#define HEAP_N_CLASSES  64
#define HEAP_N_NEAR     16
#define HEAP_LOW_ALWAYS UINT32_MAX

/* The rare cases stay out of line, so that the frequent one saves no registers
   for them. */
#if defined(__GNUC__)
  #define HEAP_OUTLINE __attribute__((noinline))
  #define HEAP_RARE    __attribute__((noinline, cold))
#else
  #define HEAP_OUTLINE
  #define HEAP_RARE
#endif

typedef struct ebb_heap_block {
  struct ebb_heap_block *next;
} ebb_heap_block;

typedef struct ebb_heap_page {
  ebb_heap_block *free; /* given back, newest first */
  uint32_t used, low;
  char *fresh, *end; /* never handed out */
  ebb_heap_account *account;
  ebb_list link;
  uint16_t block_bytes;
  uint8_t cls;
  bool is_full;
} ebb_heap_page;

typedef struct ebb_heap_chunk {
  ebb_heap_page pages[HEAP_N_PAGES]; /* first: see heap_page_of */
  ebb_list link; /* in heap->roomy while it has free pages */
  ebb_list all;
  uint32_t free_mask;  /* pages that are empty */
  uint32_t dirty_mask; /* of these, the ones that are still resident */
} ebb_heap_chunk;

_Static_assert(sizeof(ebb_heap_page) <= 80, "several share cache lines");

/* The pages of one owner. */
typedef struct ebb_heap_set {
  ebb_list room[HEAP_N_CLASSES];
  ebb_list full;
} ebb_heap_set;

struct ebb_heap_account {
  ebb_heap *heap;
  ebb_heap_account *outer;
  void *owner;
  size_t live_bytes, quota_bytes;
  size_t alarm_bytes; /* on_over is called above it */
  ebb_heap_set set;
};

/* Open addressing, linear probing; half full, or at most three quarters when
   there is no memory for a larger one. Key NULL is empty. */
typedef struct ebb_heap_entry {
  void *key;
  size_t n_bytes;
  ebb_heap_account *account;
} ebb_heap_entry;

typedef struct ebb_heap_map {
  ebb_heap_entry *entries;
  size_t n, cap; /* cap: a power of two, or 0 */
} ebb_heap_map;

struct ebb_heap {
  uint64_t allocated, freed; /* bytes: the difference is live */
  uint64_t watch;            /* `allocated` above it: look closer */
  uint64_t peak;
  size_t easy_max; /* blocks up to it are in pages, all of them */
  ebb_heap_account *account;
  bool is_unpaged;
  bool has_foreign;
  bool is_told; /* the soft limit has been passed */
  uint64_t n_made[EBB_HEAP_N_TYPES];
  ebb_heap_page *direct[HEAP_SMALL_MAX / 8 + 1];
  ebb_heap_page none;
  ebb_heap_set set; /* of everybody without an account */
  ebb_heap_map large, chunks;
  ebb_heap_chunk *near[HEAP_N_NEAR]; /* found of late: see heap_is_near */
  ebb_list roomy, all_chunks;
  size_t n_used, n_dirty; /* pages */
  size_t n_events, window, least_dirty;
  size_t large_bytes;
  uint64_t n_refused;
  size_t limit_bytes, soft_bytes;
  size_t mapped_max_bytes; /* or EBB_HEAP_NONE */
  void (*on_soft)(void *ud);
  void *soft_ud;
  void (*on_over)(void *ud, ebb_heap_account *account);
  void *over_ud;
  bool (*refuses)(void *ud, size_t n_bytes);
  void *refuses_ud;
  bool (*refuses_page)(void *ud);
  void *refuses_page_ud;
  ebb_alloc_fn backing;
  void *backing_ud;
  void *root;
  ebb_heap_page *root_page; /* or NULL: it is in no page */
  bool first_is_root;
  bool *is_gone; /* or NULL */
};

static inline ebb_heap_chunk *heap_chunk_of(const void *ptr)
{
  return (ebb_heap_chunk *)((uintptr_t)ptr & ~(EBB_CHUNK_BYTES - 1));
}

static inline ebb_heap_page *heap_page_of(const void *ptr)
{
  return &heap_chunk_of(ptr)
              ->pages[(uintptr_t)ptr >> HEAP_PAGE_SHIFT & (HEAP_N_PAGES - 1)];
}

static inline ebb_heap_chunk **heap_near_of(ebb_heap *heap, const void *ptr)
{
  return &heap->near[(uintptr_t)ptr / EBB_CHUNK_BYTES & (HEAP_N_NEAR - 1)];
}

/* Surely in a page; false may mean anything. */
static inline bool heap_is_near(ebb_heap *heap, const void *ptr)
{
  return *heap_near_of(heap, ptr) == heap_chunk_of(ptr);
}

/* --- pages (heap_page.c) --- */

void heap_set_init(ebb_heap_set *set);
/* A block of the account's (NULL: common) pages, not counted; NULL when out of
   memory. n_bytes is 1 to EBB_HEAP_PAGED_MAX. */
HEAP_OUTLINE void *heap_paged_get(ebb_heap *heap, ebb_heap_account *account,
                                  size_t n_bytes);
/* The rare half of giving back: `used` is below `low`. */
HEAP_RARE void heap_page_fell(ebb_heap *heap, ebb_heap_page *page);
/* All pages of `set` belong to `to` (NULL: common) from now on. */
void heap_set_move(ebb_heap *heap, ebb_heap_set *set, ebb_heap_account *to);
/* Is it in one of the heap's pages? */
HEAP_OUTLINE bool heap_is_paged(ebb_heap *heap, const void *ptr);
void heap_chunks_free(ebb_heap *heap);

/* Gives the block back; true when the page has fallen. */
static inline bool heap_page_push(ebb_heap_page *page, void *ptr)
{
  ebb_heap_block *block = ptr;
  block->next = page->free;
  page->free = block;
  ebb_poison_put(block, page->block_bytes, sizeof(*block));
  return --page->used < page->low;
}

static inline void heap_paged_put(ebb_heap *heap, void *ptr)
{
  ebb_heap_page *page = heap_page_of(ptr);
  if (EBB_UNLIKELY(heap_page_push(page, ptr)))
    heap_page_fell(heap, page);
}

/* --- maps (heap_map.c) --- */

ebb_heap_entry *heap_map_find(const ebb_heap_map *map, const void *key);
/* Room for one more: false when out of memory, with nothing changed. */
bool heap_map_reserve(ebb_heap *heap, ebb_heap_map *map);
/* There is room. Returns the entry, key set. */
ebb_heap_entry *heap_map_add(ebb_heap_map *map, void *key);
void heap_map_remove(ebb_heap_map *map, ebb_heap_entry *entry);
void heap_map_free(ebb_heap *heap, ebb_heap_map *map);

/* --- accounts (heap_account.c) --- */

/* A block of n_bytes is there, or gone. */
void heap_charge(ebb_heap *heap, ebb_heap_account *account, size_t n_bytes);
void heap_credit(ebb_heap_account *account, size_t n_bytes);
/* Is one block of n_bytes more than the quota of it, or of one around it? */
bool heap_exceeds(const ebb_heap_account *account, size_t n_bytes);

/* --- counting (heap.c) --- */

/* `allocated` may go up to heap->watch without anybody looking. */
void heap_set_watch(ebb_heap *heap);

#endif
