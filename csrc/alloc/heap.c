/* SPDX-License-Identifier: MIT */
#include "alloc/heap_parts.h"

#include <string.h>

/* --- counting --- */

static inline size_t live_of(const ebb_heap *heap)
{
  return (size_t)(heap->allocated - heap->freed);
}

/* Before `freed` goes up: the peak is looked for here only, for live bytes are
   never more than just before something is freed (or now). */
static inline void note_freed(ebb_heap *heap, size_t n_bytes)
{
  uint64_t freed = heap->freed, live = heap->allocated - freed;
  if (EBB_UNLIKELY(live > heap->peak))
    heap->peak = live;
  heap->freed = freed + n_bytes;
}

void heap_set_watch(ebb_heap *heap)
{
  size_t most = heap->limit_bytes;
  if (!heap->is_told && heap->soft_bytes < most)
    most = heap->soft_bytes;
  if (heap->account != NULL || heap->refuses != NULL)
    heap->watch = 0;
  else if (most == EBB_HEAP_NONE)
    heap->watch = UINT64_MAX;
  else
    heap->watch = heap->freed + most;
  /* has it come down meanwhile? */
  if (heap->is_told && heap->watch > heap->allocated + heap->soft_bytes / 20)
    heap->watch = heap->allocated + heap->soft_bytes / 20;
}

static void look_at_soft(ebb_heap *heap, size_t live_bytes)
{
  if (heap->soft_bytes == EBB_HEAP_NONE)
    return;
  if (live_bytes <= heap->soft_bytes) {
    if (live_bytes < heap->soft_bytes / 10 * 9)
      heap->is_told = false;
  } else if (!heap->is_told) {
    heap->is_told = true;
    if (heap->on_soft != NULL)
      heap->on_soft(heap->soft_ud);
  }
}

/* May n_bytes more be live? Then they are counted. */
static bool count_more(ebb_heap *heap, size_t n_bytes)
{
  if (heap->allocated + n_bytes > heap->watch) {
    size_t live = live_of(heap);
    bool is_refused =
        heap->refuses != NULL && heap->refuses(heap->refuses_ud, n_bytes);
    if (is_refused || live > heap->limit_bytes ||
        n_bytes > heap->limit_bytes - live) {
      heap->n_refused++;
      return false;
    }
    look_at_soft(heap, live + n_bytes);
    heap_set_watch(heap);
  }
  heap->allocated += n_bytes;
  return true;
}

/* What count_more counted is not there. */
static void count_back(ebb_heap *heap, size_t n_bytes)
{
  heap->allocated -= n_bytes;
}

/* --- large blocks --- */

static void *large_get(ebb_heap *heap, ebb_heap_account *account,
                       size_t n_bytes)
{
  if (!heap_map_reserve(heap, &heap->large))
    return NULL;
  void *ptr = heap->backing(heap->backing_ud, NULL, 0, n_bytes);
  if (ptr == NULL)
    return NULL;
  ebb_heap_entry *entry = heap_map_add(&heap->large, ptr);
  entry->n_bytes = n_bytes;
  entry->account = account;
  heap->large_bytes += n_bytes;
  return ptr;
}

static void large_put(ebb_heap *heap, ebb_heap_entry *entry)
{
  void *ptr = entry->key;
  size_t n_bytes = entry->n_bytes;
  heap->large_bytes -= n_bytes;
  heap_map_remove(&heap->large, entry);
  heap->backing(heap->backing_ud, ptr, n_bytes, 0);
}

static void *large_resize(ebb_heap *heap, ebb_heap_entry *entry,
                          ebb_heap_account *account, size_t n_bytes)
{
  void *old = entry->key;
  size_t old_bytes = entry->n_bytes;
  void *ptr = heap->backing(heap->backing_ud, old, old_bytes, n_bytes);
  if (ptr == NULL) {
    if (n_bytes > old_bytes)
      return NULL;
    ptr = old; /* what shrinks cannot fail: it is larger than it says */
  }
  heap->large_bytes = heap->large_bytes - old_bytes + n_bytes;
  if (ptr != old) {
    heap_map_remove(&heap->large, entry);
    entry = heap_map_add(&heap->large, ptr);
  }
  entry->n_bytes = n_bytes;
  entry->account = account;
  return ptr;
}

/* --- blocks of any size --- */

static void *block_get(ebb_heap *heap, ebb_heap_account *account,
                       size_t n_bytes)
{
  if (n_bytes <= EBB_HEAP_PAGED_MAX && !heap->is_unpaged)
    return heap_paged_get(heap, account, n_bytes);
  return large_get(heap, account, n_bytes);
}

/* easy_max: up to it a block is in a page for sure, be it 0. */
static inline bool is_paged(ebb_heap *heap, const void *ptr, size_t n_bytes)
{
  if (EBB_LIKELY(n_bytes <= heap->easy_max))
    return true;
  return heap->easy_max == 0 && n_bytes <= EBB_HEAP_PAGED_MAX &&
         heap_is_paged(heap, ptr);
}

static void set_root(ebb_heap *heap, void *ptr, size_t n_bytes)
{
  heap->root = ptr;
  if (is_paged(heap, ptr, n_bytes)) {
    heap->root_page = heap_page_of(ptr);
    heap->root_page->low = HEAP_LOW_ALWAYS;
  }
}

/* The rare cases of a new block. */
static HEAP_RARE void *get_slow(ebb_heap *heap, size_t type, size_t n_bytes)
{
  ebb_heap_account *account = heap->account;
  if (heap_exceeds(account, n_bytes)) {
    heap->n_refused++;
    return NULL;
  }
  if (!count_more(heap, n_bytes))
    return NULL;
  void *ptr = block_get(heap, account, n_bytes);
  if (ptr == NULL) {
    count_back(heap, n_bytes);
    return NULL;
  }
  heap->n_made[type & (EBB_HEAP_N_TYPES - 1)]++;
  if (account != NULL)
    heap_charge(heap, account, n_bytes);
  if (EBB_UNLIKELY(heap->first_is_root) && heap->root == NULL)
    set_root(heap, ptr, n_bytes);
  return ptr;
}

/* The page of what was freed has fallen. NULL */
static HEAP_RARE void *fell(ebb_heap *heap, ebb_heap_page *page, void *ptr,
                            size_t n_bytes)
{
  heap_credit(page->account, n_bytes);
  heap_page_fell(heap, page);
  if (ptr == heap->root)
    ebb_heap_close(heap);
  return NULL;
}

static HEAP_RARE void *put_slow(ebb_heap *heap, void *ptr, size_t n_bytes)
{
  bool is_root = ptr == heap->root;
  ebb_heap_entry *entry;
  if (is_paged(heap, ptr, n_bytes)) {
    note_freed(heap, n_bytes);
    heap_credit(heap_page_of(ptr)->account, n_bytes);
    heap_paged_put(heap, ptr);
  } else if ((entry = heap_map_find(&heap->large, ptr)) != NULL) {
    note_freed(heap, n_bytes);
    heap_credit(entry->account, n_bytes);
    large_put(heap, entry);
  } else {
    EBB_CHECK(heap->has_foreign);
    heap->backing(heap->backing_ud, ptr, n_bytes, 0);
  }
  if (EBB_UNLIKELY(is_root))
    ebb_heap_close(heap);
  return NULL;
}

/* A block that is not the heap's becomes one of its own. */
static void *adopt(ebb_heap *heap, void *ptr, size_t old_bytes,
                   size_t new_bytes)
{
  bool shrinks = new_bytes <= old_bytes;
  ebb_heap_account *account = heap->account;
  if (!shrinks && heap_exceeds(account, new_bytes)) {
    heap->n_refused++;
    return NULL;
  }
  if (!shrinks && !count_more(heap, new_bytes))
    return NULL;
  if (shrinks)
    heap->allocated += new_bytes;
  void *got = block_get(heap, account, new_bytes);
  if (got == NULL) {
    count_back(heap, new_bytes);
    return shrinks ? ptr : NULL; /* its size is the library's business */
  }
  memcpy(got, ptr, shrinks ? new_bytes : old_bytes);
  heap->backing(heap->backing_ud, ptr, old_bytes, 0);
  if (account != NULL)
    heap_charge(heap, account, new_bytes);
  return got;
}

/* A paged block moves, or stays if its class is right or if there is no memory
   to shrink to: its page knows its true size. */
static void *resize_paged(ebb_heap *heap, ebb_heap_account *account, void *ptr,
                          size_t old_bytes, size_t new_bytes)
{
  ebb_heap_page *page = heap_page_of(ptr);
  if (new_bytes <= page->block_bytes && new_bytes > page->block_bytes * 3 / 4 &&
      page->account == account)
    return ptr;
  void *got = block_get(heap, account, new_bytes);
  if (got == NULL)
    return new_bytes <= page->block_bytes && page->account == account ? ptr
                                                                      : NULL;
  memcpy(got, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  heap_paged_put(heap, ptr);
  return got;
}

static void *move_large(ebb_heap *heap, ebb_heap_account *account,
                        ebb_heap_entry *entry, size_t new_bytes)
{
  bool becomes_paged = new_bytes <= EBB_HEAP_PAGED_MAX && !heap->is_unpaged;
  void *got = becomes_paged ? heap_paged_get(heap, account, new_bytes) : NULL;
  if (got != NULL) {
    memcpy(got, entry->key,
           entry->n_bytes < new_bytes ? entry->n_bytes : new_bytes);
    large_put(heap, entry);
    return got;
  }
  if (becomes_paged) /* no memory: a small one that is in no page */
    heap->easy_max = 0;
  return large_resize(heap, entry, account, new_bytes);
}

/* The block's bytes are charged to who resizes it, but what shrinks stays
   charged to whom it was. */
static HEAP_RARE void *resize_slow(ebb_heap *heap, void *ptr, size_t old_bytes,
                                   size_t new_bytes)
{
  ebb_heap_entry *entry = NULL;
  if (!is_paged(heap, ptr, old_bytes)) {
    entry = heap_map_find(&heap->large, ptr);
    if (entry == NULL)
      return adopt(heap, ptr, old_bytes, new_bytes);
  }
  bool grows = new_bytes > old_bytes;
  ebb_heap_account *from =
      entry != NULL ? entry->account : heap_page_of(ptr)->account;
  ebb_heap_account *to = grows ? heap->account : from;
  if (grows && heap_exceeds(to, new_bytes)) {
    heap->n_refused++;
    return NULL;
  }
  if (grows && !count_more(heap, new_bytes - old_bytes))
    return NULL;
  void *got = entry != NULL ? move_large(heap, to, entry, new_bytes)
                            : resize_paged(heap, to, ptr, old_bytes, new_bytes);
  if (got == NULL) {
    EBB_CHECK(grows);
    count_back(heap, new_bytes - old_bytes);
    return NULL;
  }
  if (!grows)
    note_freed(heap, old_bytes - new_bytes);
  heap_credit(from, old_bytes);
  heap_charge(heap, to, new_bytes);
  return got;
}

/* --- the lua_Alloc --- */

/* A small block of the first page of its class, if that has one, there is no
   account, and no limit is near. `more` is what it adds to the live bytes. */
static inline void *get_fast(ebb_heap *heap, size_t n_bytes, size_t more)
{
  ebb_heap_page *page = heap->direct[(n_bytes + 7) / 8];
  ebb_heap_block *block = page->free;
  uint64_t allocated = heap->allocated + more;
  if (EBB_UNLIKELY(block == NULL || allocated > heap->watch))
    return NULL;
  ebb_poison_taken(block, page->block_bytes, sizeof(*block));
  page->free = block->next;
  page->used++;
  heap->allocated = allocated;
  return block;
}

/* A small block that grows, as tables and buffers do. */
static HEAP_OUTLINE void *resize(ebb_heap *heap, void *ptr, size_t old_bytes,
                                 size_t new_bytes)
{
  if (new_bytes > old_bytes && new_bytes <= HEAP_SMALL_MAX &&
      (old_bytes <= heap->easy_max || heap_is_near(heap, ptr)) &&
      heap_page_of(ptr)->low != HEAP_LOW_ALWAYS) {
    void *got = get_fast(heap, new_bytes, new_bytes - old_bytes);
    if (EBB_LIKELY(got != NULL)) {
      memcpy(got, ptr, old_bytes);
      heap_paged_put(heap, ptr);
      return got;
    }
  }
  return resize_slow(heap, ptr, old_bytes, new_bytes);
}

void *ebb_heap_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  ebb_heap *heap = ud;
  if (ptr == NULL) {
    if (EBB_LIKELY(new_bytes - 1 < HEAP_SMALL_MAX)) {
      void *block = get_fast(heap, new_bytes, new_bytes);
      if (EBB_LIKELY(block != NULL)) {
        heap->n_made[old_bytes & (EBB_HEAP_N_TYPES - 1)]++;
        return block;
      }
    }
    if (new_bytes == 0) /* Lua frees empty vectors too */
      return NULL;
    return get_slow(heap, old_bytes, new_bytes);
  }
  if (EBB_UNLIKELY(new_bytes != 0))
    return resize(heap, ptr, old_bytes, new_bytes);
  if (EBB_LIKELY(old_bytes <= heap->easy_max) || heap_is_near(heap, ptr)) {
    ebb_heap_page *page = heap_page_of(ptr);
    note_freed(heap, old_bytes);
    if (EBB_UNLIKELY(heap_page_push(page, ptr)))
      return fell(heap, page, ptr, old_bytes);
    return NULL;
  }
  return put_slow(heap, ptr, old_bytes);
}

void *ebb_heap_alloc_shared(void *ud, void *ptr, size_t old_bytes,
                            size_t new_bytes)
{
  ebb_heap *heap = ud;
  if (EBB_LIKELY(heap->account == NULL))
    return ebb_heap_alloc(heap, ptr, old_bytes, new_bytes);
  ebb_heap_account *account = ebb_heap_enter(heap, NULL);
  void *got = ebb_heap_alloc(heap, ptr, old_bytes, new_bytes);
  ebb_heap_enter(heap, account);
  return got;
}

/* --- life --- */

ebb_heap *ebb_heap_open(const ebb_heap_config *config)
{
  ebb_alloc_fn backing =
      config->backing != NULL ? config->backing : ebb_alloc_system;
  ebb_heap *heap = backing(config->backing_ud, NULL, 0, sizeof *heap);
  if (heap == NULL)
    return NULL;
  memset(heap, 0, sizeof *heap);
  heap->backing = backing;
  heap->backing_ud = config->backing_ud;
  heap->root = config->root;
  heap->first_is_root = config->first_is_root;
  heap->refuses = config->refuses;
  heap->refuses_ud = config->refuses_ud;
  heap->has_foreign = config->has_foreign;
  heap->is_unpaged = config->unpaged;
  if (!config->has_foreign && !config->unpaged)
    heap->easy_max = EBB_HEAP_PAGED_MAX;
  heap->limit_bytes = heap->soft_bytes = EBB_HEAP_NONE;
  heap->mapped_max_bytes =
      config->mapped_max_bytes != 0 ? config->mapped_max_bytes : EBB_HEAP_NONE;
  heap->window = 1;
  ebb_list_init(&heap->roomy);
  ebb_list_init(&heap->all_chunks);
  heap_set_init(&heap->set);
  for (size_t i = 0; i <= HEAP_SMALL_MAX / 8; i++)
    heap->direct[i] = &heap->none;
  heap_set_watch(heap);
  if (!heap_map_reserve(heap, &heap->large) ||
      !heap_map_reserve(heap, &heap->chunks)) {
    ebb_heap_close(heap);
    return NULL;
  }
  return heap;
}

void ebb_heap_close(ebb_heap *heap)
{
  if (heap->is_gone != NULL)
    *heap->is_gone = true;
  heap_chunks_free(heap);
  heap_map_free(heap, &heap->large);
  heap->backing(heap->backing_ud, heap, sizeof *heap, 0);
}

void ebb_heap_watch_end(ebb_heap *heap, bool *is_gone)
{
  heap->is_gone = is_gone;
}

void ebb_heap_set_refuses_page(ebb_heap *heap, bool (*refuses)(void *ud),
                               void *ud)
{
  heap->refuses_page = refuses;
  heap->refuses_page_ud = ud;
}

void ebb_heap_set_limit(ebb_heap *heap, size_t limit_bytes)
{
  heap->limit_bytes = limit_bytes;
  heap_set_watch(heap);
}

void ebb_heap_set_soft(ebb_heap *heap, size_t soft_bytes,
                       void (*on_soft)(void *ud), void *ud)
{
  heap->soft_bytes = soft_bytes;
  heap->on_soft = on_soft;
  heap->soft_ud = ud;
  heap->is_told = false;
  heap_set_watch(heap);
}

void ebb_heap_set_on_over(ebb_heap *heap,
                          void (*on_over)(void *ud, ebb_heap_account *account),
                          void *ud)
{
  heap->on_over = on_over;
  heap->over_ud = ud;
}

size_t ebb_heap_live(const ebb_heap *heap)
{
  return live_of(heap);
}

const uint64_t *ebb_heap_meter(const ebb_heap *heap)
{
  return &heap->allocated;
}

void ebb_heap_get_info(const ebb_heap *heap, ebb_heap_info *out)
{
  size_t live = live_of(heap);
  *out = (ebb_heap_info){
      .live_bytes = live,
      .peak_bytes = live > heap->peak ? live : (size_t)heap->peak,
      .limit_bytes = heap->limit_bytes,
      .soft_bytes = heap->soft_bytes,
      .total_bytes = heap->allocated,
      .n_large = heap->large.n,
      .large_bytes = heap->large_bytes,
      .page_bytes = heap->n_used * HEAP_PAGE_BYTES,
      .retained_bytes = heap->n_dirty * HEAP_PAGE_BYTES,
      .mapped_bytes = heap->chunks.n * EBB_CHUNK_BYTES,
      .n_refused = heap->n_refused,
  };
  memcpy(out->n_made, heap->n_made, sizeof out->n_made);
}
