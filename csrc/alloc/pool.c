/* SPDX-License-Identifier: MIT */
#include "alloc/pool.h"

#include "base/bits.h"

enum { SMALL_STEP = 16, SMALL_MAX = 64, SMALL_CLASSES = 4, PER_DOUBLING = 4 };

/* Bytes after a block that nobody may write to. */
#if defined(EBB_DEBUG_CHECKS)
  #define FENCE ((size_t)16)
#else
  #define FENCE ((size_t)0)
#endif

#define HEAP       (-1)
#define IMPOSSIBLE (-2)

size_t ebb_pool_class_bytes(unsigned i)
{
  if (i < SMALL_CLASSES)
    return (size_t)(i + 1) * SMALL_STEP;
  i -= SMALL_CLASSES;
  return (size_t)(PER_DOUBLING + 1 + i % PER_DOUBLING)
         << (4 + i / PER_DOUBLING);
}

unsigned ebb_pool_class_of(size_t n_bytes)
{
  if (n_bytes <= SMALL_MAX)
    return n_bytes == 0 ? 0 : (unsigned)((n_bytes - 1) / SMALL_STEP);
  /* 65 … 128 has floor(log2(n - 1)) == 6 and steps of 16, and so on up. */
  unsigned log = ebb_floor_log2(n_bytes - 1);
  unsigned step = (unsigned)((n_bytes - 1) >> (log - 2)) - PER_DOUBLING;
  return SMALL_CLASSES + (log - 6) * PER_DOUBLING + step;
}

/* The class that serves the request, HEAP or IMPOSSIBLE. */
static int place(size_t n_bytes, size_t align)
{
  if ((align & (align - 1)) != 0 || align > EBB_POOL_MAX_ALIGN ||
      n_bytes > SIZE_MAX / 2)
    return IMPOSSIBLE;
  if (n_bytes > EBB_POOL_MAX_BYTES || align > 64)
    return HEAP;
  size_t fenced = n_bytes;
  if (FENCE > 0 && n_bytes <= EBB_POOL_MAX_BYTES - FENCE)
    fenced = n_bytes + FENCE;
  if (EBB_LIKELY(align <= 16))
    return (int)ebb_pool_class_of(fenced);
  /* From 64 up every second or fourth class at least is a multiple. */
  unsigned i = ebb_pool_class_of(fenced);
  while (ebb_pool_class_bytes(i) % align != 0)
    i++;
  return (int)i;
}

static void count_block(ebb_pool_count *count, size_t n_bytes)
{
  count->live_bytes += n_bytes;
  count->total_bytes += n_bytes;
  if (count->live_bytes > count->peak_bytes)
    count->peak_bytes = count->live_bytes;
}

/* --- fences ------------------------------------------------------------------
 */

#if defined(EBB_DEBUG_CHECKS)

/* What is after the block, and how much of it is filled and looked at. */
static size_t fence_of(int at, size_t n_bytes)
{
  size_t n = at >= 0 ? ebb_pool_class_bytes((unsigned)at) - n_bytes : FENCE;
  return n < EBB_POISON_MAX_BYTES ? n : EBB_POISON_MAX_BYTES;
}

static void fence_put_up(int at, void *ptr, size_t n_bytes)
{
  char *end = (char *)ptr + n_bytes;
  memset(end, EBB_POISON_FENCE, fence_of(at, n_bytes));
  ebb_poison_close(end, fence_of(at, n_bytes));
}

static bool fence_is_intact(int at, const void *ptr, size_t n_bytes)
{
  const unsigned char *end = (const unsigned char *)ptr + n_bytes;
  for (size_t i = 0; i < fence_of(at, n_bytes); i++)
    if (end[i] != EBB_POISON_FENCE)
      return false;
  return true;
}

static void fence_take_down(int at, void *ptr, size_t n_bytes)
{
  ebb_poison_open((char *)ptr + n_bytes, fence_of(at, n_bytes));
  EBB_CHECK(fence_is_intact(at, ptr, n_bytes));
}

#else
  #define fence_put_up(at, ptr, n_bytes)    ((void)0)
  #define fence_take_down(at, ptr, n_bytes) ((void)0)
#endif

bool ebb__pool_is_intact(const void *ptr, size_t n_bytes, size_t align)
{
#if defined(EBB_DEBUG_CHECKS)
  int at = place(n_bytes, align);
  const char *end = (const char *)ptr + n_bytes;
  ebb_poison_open(end, fence_of(at, n_bytes));
  bool is_intact = fence_is_intact(at, ptr, n_bytes);
  ebb_poison_close(end, fence_of(at, n_bytes));
  return is_intact;
#else
  (void)ptr, (void)n_bytes, (void)align;
  return true;
#endif
}

/* --- heap: the allocator itself, aligned by hand above 16 ------------------
 */

static void *heap_get(ebb_pool *pool, size_t n_bytes, size_t align)
{
  char *base, *block;
  n_bytes += FENCE;
  if (align <= 16)
    return ebb_alloc_get(pool->alloc, n_bytes);
  base = ebb_alloc_get(pool->alloc, n_bytes + align);
  if (base == NULL)
    return NULL;
  /* The gap is at least 8 bytes, if the allocator aligns to 8. */
  block = base + align - ((uintptr_t)base & (align - 1));
  memcpy(block - sizeof(base), &base, sizeof(base));
  return block;
}

static void heap_put(ebb_pool *pool, void *ptr, size_t n_bytes, size_t align)
{
  char *base = ptr;
  n_bytes += FENCE;
  if (align > 16) {
    memcpy(&base, (char *)ptr - sizeof(base), sizeof(base));
    n_bytes += align;
  }
  ebb_alloc_put(pool->alloc, base, n_bytes);
}

/* --- the pool ----------------------------------------------------------------
 */

static void *pass_on(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  return ebb_alloc_resize(ud, ptr, old_bytes, new_bytes);
}

void ebb_pool_init(ebb_pool *pool, ebb_alloc *alloc)
{
  *pool = (ebb_pool){.alloc = alloc};
  ebb_alloc_init(&pool->pages, pass_on, alloc);
  for (unsigned i = 0; i < EBB_POOL_N_CLASSES; i++)
    ebb_slab_init(&pool->slabs[i], &pool->pages, ebb_pool_class_bytes(i));
}

void ebb_pool_fini(ebb_pool *pool)
{
  for (unsigned i = 0; i < EBB_POOL_N_CLASSES; i++)
    ebb_slab_fini(&pool->slabs[i]);
  pool->pool.live_bytes = 0;
}

void *ebb_pool_get(ebb_pool *pool, size_t n_bytes, size_t align)
{
  int i = place(n_bytes, align);
  void *block = NULL;
  if (EBB_LIKELY(i >= 0))
    block = ebb_slab_get(&pool->slabs[i]);
  else if (i == HEAP)
    block = heap_get(pool, n_bytes, align);
  if (EBB_LIKELY(block != NULL)) {
    count_block(i >= 0 ? &pool->pool : &pool->heap, n_bytes);
    fence_put_up(i, block, n_bytes);
  }
  return block;
}

void ebb_pool_put(ebb_pool *pool, void *ptr, size_t n_bytes, size_t align)
{
  int i = place(n_bytes, align);
  if (ptr == NULL)
    return;
  fence_take_down(i, ptr, n_bytes);
  if (EBB_LIKELY(i >= 0)) {
    EBB_CHECK(pool->pool.live_bytes >= n_bytes);
    pool->pool.live_bytes -= n_bytes;
    ebb_slab_put(&pool->slabs[i], ptr);
  } else {
    EBB_CHECK(pool->heap.live_bytes >= n_bytes);
    pool->heap.live_bytes -= n_bytes;
    heap_put(pool, ptr, n_bytes, align);
  }
}

/* The same block under another size. */
static void *recount(ebb_pool_count *count, void *ptr, size_t old_bytes,
                     size_t new_bytes)
{
  if (new_bytes > old_bytes)
    count_block(count, new_bytes - old_bytes);
  else
    count->live_bytes -= old_bytes - new_bytes;
  return ptr;
}

void *ebb_pool_resize(ebb_pool *pool, void *ptr, size_t old_bytes,
                      size_t new_bytes, size_t align)
{
  int from = place(old_bytes, align), to = place(new_bytes, align);
  void *block;
  if (from >= 0 && from == to) {
    fence_take_down(from, ptr, old_bytes);
    fence_put_up(to, ptr, new_bytes);
    return recount(&pool->pool, ptr, old_bytes, new_bytes);
  }
  if (from == HEAP && to == HEAP && align <= 16) {
    fence_take_down(HEAP, ptr, old_bytes);
    block = ebb_alloc_resize(pool->alloc, ptr, old_bytes + FENCE,
                             new_bytes + FENCE);
    if (block == NULL) {
      fence_put_up(HEAP, ptr, old_bytes);
      return NULL;
    }
    fence_put_up(HEAP, block, new_bytes);
    return recount(&pool->heap, block, old_bytes, new_bytes);
  }
  block = ebb_pool_get(pool, new_bytes, align);
  if (block == NULL)
    return NULL;
  memcpy(block, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  ebb_pool_put(pool, ptr, old_bytes, align);
  return block;
}
