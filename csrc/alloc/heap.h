/* SPDX-License-Identifier: MIT */
/* The memory of a whole Lua state: a lua_Alloc that counts, limits and knows
   who allocated.

   Blocks up to EBB_HEAP_PAGED_MAX bytes lie in pages of 64 KiB, each of blocks
   of one size; they have no header, for whoever gives one back says how large
   it is. Larger ones come from `backing` (malloc unless told otherwise). Blocks
   of up to 128 bytes, and those whose size is no multiple of 16, are aligned to
   8, all others to 16.

   An account counts the blocks that were allocated while it was entered, until
   they are freed, whenever and by whomever that happens: its pages are its own.
   Accounts nest; what is charged to one is charged to those around it. Going
   above the quota calls `on_over`, and again for each further quota, or after
   it has been below; nothing is refused for it but a single block larger than
   the quota.

   The limit of the heap does refuse: a request that would take live_bytes above
   it gets NULL. What shrinks is never refused.

   live_bytes and peak_bytes are exact: the sum of what was asked for. Pages
   that have become empty stay for a while and go back to the system when the
   heap does without them: see heap_page.c.

   One thread at a time. Nothing raises; calls out to `backing`, `on_soft` and
   `on_over` only, which must not use the heap. Allocating and freeing are O(1);
   one of a large block, or one that needs a page, asks the system now and
   then. */
#ifndef EBB_ALLOC_HEAP_H
#define EBB_ALLOC_HEAP_H

#include <stdbool.h>

#include "alloc/alloc.h"

#define EBB_HEAP_PAGED_MAX ((size_t)8192)
#define EBB_HEAP_NONE      SIZE_MAX /* no limit */
#define EBB_HEAP_N_TYPES   16

typedef struct ebb_heap ebb_heap;
typedef struct ebb_heap_account ebb_heap_account;

typedef struct ebb_heap_config {
  ebb_alloc_fn backing; /* of large blocks; NULL: malloc, realloc, free */
  void *backing_ud;
  /* The block with whose end the heap closes itself: a state's own, the last
     one that lua_close frees. */
  void *root;
  bool first_is_root; /* it is the first one that will be allocated */
  bool has_foreign;   /* blocks that `backing` gave before may come back */
  bool unpaged;       /* every block from `backing`: for memory checkers */
  /* For tests: is asked about every request, which makes them slow. */
  bool (*refuses)(void *ud, size_t n_bytes);
  void *refuses_ud;
  size_t mapped_max_bytes; /* of pages; 0: no limit but limit_bytes */
} ebb_heap_config;

typedef struct ebb_heap_info {
  size_t live_bytes, peak_bytes;
  size_t limit_bytes, soft_bytes; /* or EBB_HEAP_NONE */
  uint64_t total_bytes;           /* ever allocated; growth counts as that */
  size_t n_large;                 /* blocks from backing */
  size_t large_bytes;
  size_t page_bytes;     /* of pages in use */
  size_t retained_bytes; /* of empty pages that are still resident */
  size_t mapped_bytes;   /* address space of pages */
  uint64_t n_refused;
  /* Blocks made so far by type: what osize says of a new block, see the
     manual of lua_Alloc (5.4: 4 string, 5 table, 6 function, …). */
  uint64_t n_made[EBB_HEAP_N_TYPES];
} ebb_heap_info;

/* NULL when out of memory. Without a root the caller closes it. */
ebb_heap *ebb_heap_open(const ebb_heap_config *config);
/* Gives all memory back but foreign blocks and large ones that are live. */
void ebb_heap_close(ebb_heap *heap);

/* *is_gone becomes true when the heap closes; NULL: no longer. */
void ebb_heap_watch_end(ebb_heap *heap, bool *is_gone);

/* For tests: is asked when a page is needed; NULL: no longer. */
void ebb_heap_set_refuses_page(ebb_heap *heap, bool (*refuses)(void *ud),
                               void *ud);

/* A lua_Alloc; ud is the heap. */
void *ebb_heap_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);
/* The same for what serves everybody: not charged to the account entered. */
void *ebb_heap_alloc_shared(void *ud, void *ptr, size_t old_bytes,
                            size_t new_bytes);

/* on_soft is called when live_bytes has passed soft_bytes, and not again before
   it was below nine tenths of that. May be called, and change the limits, at
   any time. */
void ebb_heap_set_limit(ebb_heap *heap, size_t limit_bytes);
void ebb_heap_set_soft(ebb_heap *heap, size_t soft_bytes,
                       void (*on_soft)(void *ud), void *ud);
void ebb_heap_set_on_over(ebb_heap *heap,
                          void (*on_over)(void *ud, ebb_heap_account *account),
                          void *ud);

/* O(chunks of 1 MiB) */
void ebb_heap_get_info(const ebb_heap *heap, ebb_heap_info *out);
size_t ebb_heap_live(const ebb_heap *heap);
/* Goes up by what is allocated, always; for measuring who allocates. */
const uint64_t *ebb_heap_meter(const ebb_heap *heap);

/* --- accounts (heap_account.c) --- */

/* Within `outer` (may be NULL). NULL when out of memory. */
ebb_heap_account *ebb_heap_account_open(ebb_heap *heap, size_t quota_bytes,
                                        ebb_heap_account *outer, void *owner);
/* What is still live is from now on charged to the accounts around it only. All
   accounts within are closed already. O(its pages + large blocks) */
void ebb_heap_account_close(ebb_heap_account *account);
/* What is allocated from now on is charged to `account`, or (NULL) to nobody.
   Returns who was charged before. */
ebb_heap_account *ebb_heap_enter(ebb_heap *heap, ebb_heap_account *account);

/* n_bytes are used, or no longer, that are no block of the heap. */
void ebb_heap_account_charge(ebb_heap_account *account, size_t n_bytes);
void ebb_heap_account_credit(ebb_heap_account *account, size_t n_bytes);

size_t ebb_heap_account_live(const ebb_heap_account *account);
size_t ebb_heap_account_quota(const ebb_heap_account *account);
bool ebb_heap_account_is_over(const ebb_heap_account *account);
void *ebb_heap_account_owner(const ebb_heap_account *account);

#endif
