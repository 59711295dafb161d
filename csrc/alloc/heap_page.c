/* SPDX-License-Identifier: MIT */
/* Pages and chunks of the heap.

   Giving memory back: a heap that swings (a collector lets it grow to twice its
   size and sweeps it down again) must keep its empty pages, one that has shrunk
   must not. So over a window of as many takings and givings of pages as half
   the pages in use, the least number of empty pages is noted: so many were not
   needed, and go back to the system. No clock is asked. */
#include "alloc/heap_parts.h"

#include "base/bits.h"

#include <string.h>

/* What is carved from a page at a time: the rest is not touched before. */
#define CARVE_BYTES ((size_t)4096)

enum { WINDOW_MIN = 32, ALL_PAGES = (1 << HEAP_N_PAGES) - 1 };

/* --- classes: steps of 8 to 128 bytes, then eight for each doubling --- */

static unsigned heap_class_of(size_t n_bytes)
{
  if (n_bytes <= 128)
    return (unsigned)(n_bytes - 1) / 8;
  unsigned log = ebb_floor_log2(n_bytes - 1);
  return 16 + (log - 7) * 8 + (unsigned)((n_bytes - 1) >> (log - 3)) - 8;
}

static size_t heap_class_bytes(unsigned cls)
{
  if (cls < 16)
    return (size_t)(cls + 1) * 8;
  return (size_t)(8 + (cls - 16) % 8 + 1) << (4 + (cls - 16) / 8);
}

/* --- the lists of pages --- */

void heap_set_init(ebb_heap_set *set)
{
  for (int i = 0; i < HEAP_N_CLASSES; i++)
    ebb_list_init(&set->room[i]);
  ebb_list_init(&set->full);
}

static ebb_heap_set *set_of(ebb_heap *heap, ebb_heap_account *account)
{
  return account != NULL ? &account->set : &heap->set;
}

static ebb_heap_page *first_page(const ebb_list *room)
{
  return ebb_list_is_empty(room)
             ? NULL
             : ebb_container_of(room->next, ebb_heap_page, link);
}

/* The first page of the common list of cls may be another one now. */
static void direct_to_first(ebb_heap *heap, unsigned cls)
{
  size_t last = heap_class_bytes(cls) / 8;
  if (last > HEAP_SMALL_MAX / 8)
    return;
  ebb_heap_page *page = first_page(&heap->set.room[cls]);
  if (page == NULL)
    page = &heap->none;
  for (size_t i = last; i > 0 && heap_class_of(i * 8) == cls; i--)
    heap->direct[i] = page;
}

/* --- where the blocks of a page are --- */

static char *heap_page_begin(ebb_heap_chunk *chunk, unsigned i)
{
  size_t head = i == 0 ? (sizeof *chunk + 63) & ~(size_t)63 : 0;
  return (char *)chunk + ((size_t)i << HEAP_PAGE_SHIFT) + head;
}

static uint32_t capacity(ebb_heap_page *page)
{
  ebb_heap_chunk *chunk = heap_chunk_of(page);
  char *begin = heap_page_begin(chunk, (unsigned)(page - chunk->pages));
  return (uint32_t)((size_t)(page->end - begin) / page->block_bytes);
}

static uint32_t low_of(const ebb_heap *heap, ebb_heap_page *page)
{
  if (page->account != NULL || page == heap->root_page)
    return HEAP_LOW_ALWAYS;
  return page->is_full ? capacity(page) : 1;
}

/* --- chunks --- */

static ebb_heap_chunk *add_chunk(ebb_heap *heap)
{
  if (heap->chunks.n >= heap->mapped_max_bytes / EBB_CHUNK_BYTES ||
      !heap_map_reserve(heap, &heap->chunks))
    return NULL;
  ebb_heap_chunk *chunk = ebb_chunk_map();
  if (chunk == NULL)
    return NULL;
  EBB_CHECK(((uintptr_t)chunk & (EBB_CHUNK_BYTES - 1)) == 0);
  memset(chunk, 0, sizeof *chunk);
  chunk->free_mask = ALL_PAGES;
  heap_map_add(&heap->chunks, chunk);
  ebb_list_push_front(&heap->roomy, &chunk->link);
  ebb_list_push_back(&heap->all_chunks, &chunk->all);
  return chunk;
}

static unsigned count_bits(uint32_t mask)
{
  unsigned n = 0;
  for (; mask != 0; mask &= mask - 1)
    n++;
  return n;
}

static unsigned lowest_bit(uint32_t mask)
{
  unsigned i = 0;
  while ((mask >> i & 1) == 0)
    i++;
  return i;
}

static void remove_chunk(ebb_heap *heap, ebb_heap_chunk *chunk)
{
  heap->n_dirty -= count_bits(chunk->dirty_mask);
  *heap_near_of(heap, chunk) = NULL; /* it, or another that is found again */
  heap_map_remove(&heap->chunks, heap_map_find(&heap->chunks, chunk));
  ebb_list_unlink(&chunk->link);
  ebb_list_unlink(&chunk->all);
  ebb_poison_open(chunk, EBB_CHUNK_BYTES);
  ebb_chunk_unmap(chunk);
}

void heap_chunks_free(ebb_heap *heap)
{
  ebb_list_foreach_safe(at, &heap->all_chunks) {
    ebb_heap_chunk *chunk = ebb_container_of(at, ebb_heap_chunk, all);
    ebb_list_unlink(at);
    ebb_poison_open(chunk, EBB_CHUNK_BYTES);
    ebb_chunk_unmap(chunk);
  }
  heap_map_free(heap, &heap->chunks);
}

bool heap_is_paged(ebb_heap *heap, const void *ptr)
{
  if (heap_is_near(heap, ptr))
    return true;
  ebb_heap_chunk *chunk = heap_chunk_of(ptr);
  if (heap_map_find(&heap->chunks, chunk) == NULL)
    return false;
  *heap_near_of(heap, ptr) = chunk;
  return true;
}

/* --- giving back to the system --- */

static void purge_page(ebb_heap *heap, ebb_heap_chunk *chunk, unsigned i)
{
  chunk->dirty_mask &= ~(1u << i);
  heap->n_dirty--;
  /* the first one has the descriptors */
  if (i != 0)
    ebb_chunk_purge(heap_page_begin(chunk, i), HEAP_PAGE_BYTES);
}

/* So many empty pages have not been needed of late: whole chunks first. The
   chunks used last are in front. */
static void give_back(ebb_heap *heap, size_t n_pages)
{
  ebb_list *at = heap->roomy.prev;
  while (at != &heap->roomy) {
    ebb_heap_chunk *chunk = ebb_container_of(at, ebb_heap_chunk, link);
    size_t n_dirty = count_bits(chunk->dirty_mask);
    at = at->prev;
    if (chunk->free_mask == ALL_PAGES && n_dirty <= n_pages) {
      remove_chunk(heap, chunk);
      n_pages -= n_dirty;
    }
  }
  for (at = heap->roomy.prev; at != &heap->roomy && n_pages > 0;
       at = at->prev) {
    ebb_heap_chunk *chunk = ebb_container_of(at, ebb_heap_chunk, link);
    for (; chunk->dirty_mask != 0 && n_pages > 0; n_pages--)
      purge_page(heap, chunk, lowest_bit(chunk->dirty_mask));
  }
}

/* A page has been taken or given. */
static void note_event(ebb_heap *heap)
{
  if (heap->n_dirty < heap->least_dirty)
    heap->least_dirty = heap->n_dirty;
  if (++heap->n_events < heap->window)
    return;
  if (heap->least_dirty > 0)
    give_back(heap, heap->least_dirty);
  heap->n_events = 0;
  heap->least_dirty = heap->n_dirty;
  heap->window = heap->n_used / 2 > WINDOW_MIN ? heap->n_used / 2 : WINDOW_MIN;
}

/* --- pages --- */

static ebb_heap_page *take_page(ebb_heap *heap)
{
  ebb_heap_chunk *chunk;
  if (heap->refuses_page != NULL && heap->refuses_page(heap->refuses_page_ud))
    return NULL;
  if (ebb_list_is_empty(&heap->roomy)) {
    chunk = add_chunk(heap);
    if (chunk == NULL)
      return NULL;
  } else {
    chunk = ebb_container_of(heap->roomy.next, ebb_heap_chunk, link);
  }
  uint32_t dirty = chunk->free_mask & chunk->dirty_mask;
  unsigned i = lowest_bit(dirty != 0 ? dirty : chunk->free_mask);
  if (dirty != 0) {
    chunk->dirty_mask &= ~(1u << i);
    heap->n_dirty--;
  }
  chunk->free_mask &= ~(1u << i);
  if (chunk->free_mask == 0)
    ebb_list_unlink(&chunk->link);
  heap->n_used++;
  note_event(heap);
  return &chunk->pages[i];
}

static void give_page(ebb_heap *heap, ebb_heap_page *page)
{
  ebb_heap_chunk *chunk = heap_chunk_of(page);
  unsigned i = (unsigned)(page - chunk->pages);
  page->account = NULL;
  chunk->free_mask |= 1u << i;
  chunk->dirty_mask |= 1u << i;
  ebb_list_unlink(&chunk->link);
  ebb_list_push_front(&heap->roomy, &chunk->link);
  heap->n_used--;
  heap->n_dirty++;
  note_event(heap);
}

/* A page of blocks of class cls, first in its list. */
static ebb_heap_page *add_heap_page(ebb_heap *heap, ebb_heap_account *account,
                                    unsigned cls)
{
  ebb_heap_page *page = take_page(heap);
  if (page == NULL)
    return NULL;
  ebb_heap_chunk *chunk = heap_chunk_of(page);
  unsigned i = (unsigned)(page - chunk->pages);
  char *begin = heap_page_begin(chunk, i);
  size_t n_bytes =
      (size_t)((char *)chunk + ((size_t)(i + 1) << HEAP_PAGE_SHIFT) - begin);
  size_t block_bytes = heap_class_bytes(cls);
  ebb_poison_close(begin, n_bytes);
  *page = (ebb_heap_page){
      .fresh = begin,
      .end = begin + n_bytes / block_bytes * block_bytes,
      .account = account,
      .block_bytes = (uint16_t)block_bytes,
      .cls = (uint8_t)cls,
  };
  page->low = low_of(heap, page);
  ebb_list_push_front(&set_of(heap, account)->room[cls], &page->link);
  if (account == NULL)
    direct_to_first(heap, cls);
  return page;
}

/* More blocks for the free list, in the order of their addresses. */
static bool carve_more(ebb_heap_page *page)
{
  size_t left = (size_t)(page->end - page->fresh) / page->block_bytes;
  size_t n = CARVE_BYTES / page->block_bytes;
  if (n == 0)
    n = 1;
  if (n > left)
    n = left;
  ebb_heap_block **tail = &page->free;
  for (; n > 0; n--) {
    ebb_heap_block *block = (ebb_heap_block *)page->fresh;
    page->fresh += page->block_bytes;
    ebb_poison_open(block, page->block_bytes);
    *tail = block;
    tail = &block->next;
    block->next = NULL;
#if defined(EBB_DEBUG_CHECKS)
    ebb_poison_fill(block, page->block_bytes, sizeof(*block), EBB_POISON_FREED);
#endif
  }
  for (ebb_heap_block *at = page->free; at != NULL;) {
    ebb_heap_block *next = at->next;
    ebb_poison_close(at, page->block_bytes);
    at = next;
  }
  return page->free != NULL;
}

void *heap_paged_get(ebb_heap *heap, ebb_heap_account *account, size_t n_bytes)
{
  unsigned cls = heap_class_of(n_bytes);
  ebb_heap_set *set = set_of(heap, account);
  ebb_heap_page *page;
  while ((page = first_page(&set->room[cls])) != NULL) {
    if (page->free != NULL || carve_more(page))
      break;
    page->is_full = true;
    page->low = low_of(heap, page);
    ebb_list_unlink(&page->link);
    ebb_list_push_front(&set->full, &page->link);
    if (account == NULL)
      direct_to_first(heap, cls);
  }
  if (page == NULL) {
    page = add_heap_page(heap, account, cls);
    if (page == NULL)
      return NULL;
    carve_more(page);
  }
  ebb_heap_block *block = page->free;
  ebb_poison_taken(block, page->block_bytes, sizeof(*block));
  page->free = block->next;
  page->used++;
  return block;
}

/* A page that was full goes to the end of its list: until its turn comes it may
   get more room, or become empty. The last page of a class stays. */
void heap_page_fell(ebb_heap *heap, ebb_heap_page *page)
{
  ebb_heap_set *set = set_of(heap, page->account);
  ebb_list *room = &set->room[page->cls];
  if (page->is_full) {
    page->is_full = false;
    page->low = low_of(heap, page);
    ebb_list_unlink(&page->link);
    ebb_list_push_back(room, &page->link);
    if (page->account == NULL)
      direct_to_first(heap, page->cls);
  }
  if (page->used > 0 || room->next == room->prev)
    return;
  bool was_first = room->next == &page->link;
  ebb_heap_account *account = page->account;
  unsigned cls = page->cls;
  ebb_list_unlink(&page->link);
  give_page(heap, page);
  if (was_first && account == NULL)
    direct_to_first(heap, cls);
}

static void move_list(ebb_heap *heap, ebb_list *from, ebb_heap_set *to,
                      ebb_heap_account *account)
{
  ebb_list_foreach_safe(at, from) {
    ebb_heap_page *page = ebb_container_of(at, ebb_heap_page, link);
    ebb_list_unlink(at);
    if (page->used == 0) {
      give_page(heap, page);
      continue;
    }
    page->account = account;
    page->low = low_of(heap, page);
    ebb_list_push_back(page->is_full ? &to->full : &to->room[page->cls], at);
    if (account == NULL && !page->is_full)
      direct_to_first(heap, page->cls);
  }
}

void heap_set_move(ebb_heap *heap, ebb_heap_set *set, ebb_heap_account *to)
{
  for (int i = 0; i < HEAP_N_CLASSES; i++)
    move_list(heap, &set->room[i], set_of(heap, to), to);
  move_list(heap, &set->full, set_of(heap, to), to);
}
