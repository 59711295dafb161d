/* SPDX-License-Identifier: MIT */
/* Size classes, exact counters against a model, guards and generations, and
   running out of memory at every single request (R161-R175, S0.31-S0.40). */
#include <stdint.h>
#include <stdlib.h>

#include "alloc/guard.h"
#include "check.h"

/* Refuses the requests from fail_at on, `n_fail` of them; counts blocks. */
typedef struct flaky {
  long n_asked, fail_at, n_fail, n_blocks;
} flaky;

static void *flaky_alloc(void *ud, void *ptr, size_t old_bytes,
                         size_t new_bytes)
{
  flaky *f = ud;
  (void)old_bytes;
  if (new_bytes == 0) {
    f->n_blocks -= ptr != NULL;
    free(ptr);
    return NULL;
  }
  f->n_asked++;
  if (f->fail_at != 0 && f->n_asked >= f->fail_at &&
      f->n_asked < f->fail_at + f->n_fail)
    return NULL;
  f->n_blocks += ptr == NULL;
  return realloc(ptr, new_bytes);
}

static uint64_t rng_state = 42;

static uint64_t rng_below(uint64_t n)
{
  rng_state ^= rng_state << 13;
  rng_state ^= rng_state >> 7;
  rng_state ^= rng_state << 17;
  return rng_state % n;
}

TEST(classes_fit_and_waste_little)
{
  CHECK_EQ(ebb_pool_class_bytes(0), 16);
  CHECK_EQ(ebb_pool_class_bytes(EBB_POOL_N_CLASSES - 1), EBB_POOL_MAX_BYTES);
  for (unsigned i = 1; i < EBB_POOL_N_CLASSES; i++)
    CHECK(ebb_pool_class_bytes(i) > ebb_pool_class_bytes(i - 1));
  for (size_t n = 0; n <= EBB_POOL_MAX_BYTES; n++) {
    unsigned i = ebb_pool_class_of(n);
    size_t size = ebb_pool_class_bytes(i);
    if (size < n || i >= EBB_POOL_N_CLASSES ||
        (i > 0 && ebb_pool_class_bytes(i - 1) >= n) ||
        (n > 48 && (size - n) * 4 > size)) {
      CHECK_EQ(n, size);
      break;
    }
  }
}

/* R166, R167 */
TEST(impossible_requests)
{
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  CHECK(ebb_pool_get(&pool, SIZE_MAX, 0) == NULL);
  CHECK(ebb_pool_get(&pool, SIZE_MAX - 8, 64) == NULL);
  CHECK(ebb_pool_get(&pool, SIZE_MAX / 2 + 1, 16) == NULL);
  CHECK(ebb_pool_get(&pool, 16, 3) == NULL);
  CHECK(ebb_pool_get(&pool, 16, 48) == NULL);
  CHECK(ebb_pool_get(&pool, 16, 8192) == NULL);
  CHECK_EQ(alloc.n_calls, 0);
  CHECK_EQ(pool.pool.total_bytes + pool.heap.total_bytes, 0);
  ebb_pool_put(&pool, NULL, 10, 0);
  ebb_pool_fini(&pool);
}

/* R167 */
TEST(alignment)
{
  static const size_t sizes[] = {0, 1, 17, 64, 65, 100, 5000, 32768, 40000};
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  for (size_t align = 1; align <= 4096; align *= 2)
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
      void *block[5];
      for (int i = 0; i < 5; i++) {
        block[i] = ebb_pool_get(&pool, sizes[k], align);
        CHECK_EQ((uintptr_t)block[i] % (align < 16 ? 16 : align), 0);
        memset(block[i], 0x55, sizes[k]);
      }
      for (int i = 0; i < 5; i++)
        ebb_pool_put(&pool, block[i], sizes[k], align);
    }
  CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes, 0);
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* R168 */
TEST(resize_keeps_the_bytes)
{
  static const size_t sizes[] = {1,     16,    17, 100, 32768, 32769, 90000,
                                 60000, 32768, 33, 5,   70000, 1};
  for (size_t align = 16; align <= 64; align *= 4) {
    ebb_alloc alloc;
    ebb_pool pool;
    size_t n_bytes = 1, n_kept = 1;
    unsigned char *block;
    ebb_alloc_init(&alloc, NULL, NULL);
    ebb_pool_init(&pool, &alloc);
    block = ebb_pool_get(&pool, 1, align);
    block[0] = 0;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
      block = ebb_pool_resize(&pool, block, n_bytes, sizes[k], align);
      n_kept = n_bytes < sizes[k] ? n_bytes : sizes[k];
      n_bytes = sizes[k];
      for (size_t i = 0; i < n_kept; i++)
        if (block[i] != (unsigned char)(i % 251)) {
          CHECK_EQ(block[i], i % 251);
          break;
        }
      for (size_t i = 0; i < n_bytes; i++)
        block[i] = (unsigned char)(i % 251);
      CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes, n_bytes);
    }
    ebb_pool_put(&pool, block, n_bytes, align);
    ebb_pool_fini(&pool);
    CHECK_EQ(alloc.live_bytes, 0);
  }
}

/* R174: after every operation the counters equal an independent count. */
TEST(counters_equal_a_model)
{
  enum { N = 200 };
  static struct {
    unsigned char *ptr;
    size_t n_bytes;
  } slot[N];
  ebb_alloc alloc;
  ebb_pool pool;
  size_t live[2] = {0, 0}, peak[2] = {0, 0}, total[2] = {0, 0};
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  for (int round = 0; round < 20000; round++) {
    size_t i = rng_below(N);
    int heap;
    if (slot[i].ptr == NULL) {
      slot[i].n_bytes = rng_below(rng_below(8) == 0 ? 100000 : 3000);
      slot[i].ptr = ebb_pool_get(&pool, slot[i].n_bytes, 0);
      memset(slot[i].ptr, (int)(i & 0xff), slot[i].n_bytes);
      heap = slot[i].n_bytes > EBB_POOL_MAX_BYTES;
      live[heap] += slot[i].n_bytes;
      total[heap] += slot[i].n_bytes;
      if (live[heap] > peak[heap])
        peak[heap] = live[heap];
    } else {
      heap = slot[i].n_bytes > EBB_POOL_MAX_BYTES;
      for (size_t k = 0; k < slot[i].n_bytes; k += 97)
        CHECK_EQ(slot[i].ptr[k], i & 0xff);
      ebb_pool_put(&pool, slot[i].ptr, slot[i].n_bytes, 0);
      slot[i].ptr = NULL;
      live[heap] -= slot[i].n_bytes;
    }
    CHECK_EQ(pool.pool.live_bytes, live[0]);
    CHECK_EQ(pool.heap.live_bytes, live[1]);
  }
  CHECK_EQ(pool.pool.peak_bytes, peak[0]);
  CHECK_EQ(pool.heap.peak_bytes, peak[1]);
  CHECK_EQ(pool.pool.total_bytes, total[0]);
  CHECK_EQ(pool.heap.total_bytes, total[1]);
  for (size_t i = 0; i < N; i++)
    ebb_pool_put(&pool, slot[i].ptr, slot[i].n_bytes, 0);
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(no_malloc_after_warm_up)
{
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_guard guard;
  uint64_t n_mallocs = 0;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  for (int round = 0; round < 1000; round++) {
    ebb_block block[20] = {0};
    ebb_guard_init(&guard, &pool, NULL);
    for (size_t i = 0; i < 20; i++)
      CHECK(ebb_block_get(&guard, &block[i], i * i * 50, 0));
    CHECK_EQ(guard.n_items, 20);
    ebb_guard_fini(&guard);
    CHECK_EQ(guard.count.live_bytes, 0);
    if (round == 0)
      n_mallocs = ebb_pool_mallocs(&pool);
  }
  CHECK(n_mallocs > 0);
  CHECK_EQ(ebb_pool_mallocs(&pool), n_mallocs);
  CHECK_EQ(alloc.n_calls, n_mallocs);
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* R161, R162: a second put does nothing; a generation never comes back. */
TEST(generations)
{
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_guard guard, other;
  ebb_block block = {0};
  uint64_t gen;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  ebb_guard_init(&guard, &pool, NULL);
  ebb_guard_init(&other, &pool, NULL);
  CHECK(ebb_block_get(&guard, &block, 100, 0));
  gen = block.gen;
  block.data[99] = 7;
  ebb_block_move(&block, &other);
  CHECK_EQ(block.gen, gen);
  CHECK_EQ(block.data[99], 7);
  CHECK_EQ(guard.n_items, 0);
  CHECK_EQ(guard.count.live_bytes, 0);
  CHECK_EQ(other.count.live_bytes, 100);
  CHECK(ebb_block_resize(&block, 101));
  CHECK(block.gen > gen);
  CHECK_EQ(block.data[99], 7);
  CHECK_EQ(block.data[100], 0);
  CHECK_EQ(other.count.live_bytes, 101);
  CHECK(ebb_block_resize(&block, 50));
  CHECK_EQ(other.count.live_bytes, 50);
  CHECK_EQ(other.count.peak_bytes, 101);
  gen = block.gen;
  ebb_block_put(&block);
  CHECK(block.data == NULL);
  CHECK(block.gen > gen);
  gen = block.gen;
  ebb_block_put(&block);
  CHECK_EQ(block.gen, gen);
  CHECK(ebb_block_get(&guard, &block, 10, 0));
  CHECK(block.gen >= gen);
  ebb_guard_fini(&guard);
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* What a user writes is never mistaken for the poison of freed memory. */
TEST(contents_like_poison)
{
  ebb_alloc alloc;
  ebb_pool pool;
  void *a, *b;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  a = memset(ebb_pool_get(&pool, 64, 0), 0xdd, 64);
  b = memset(ebb_pool_get(&pool, 64, 0), 0xdd, 64);
  ebb_pool_put(&pool, a, 64, 0);
  ebb_pool_put(&pool, b, 64, 0);
  CHECK(ebb_pool_get(&pool, 64, 0) == b);
  ebb_pool_fini(&pool);
}

/* R163: items come back newest first, blocks and others mixed. */
TEST(newest_first)
{
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_guard guard;
  ebb_block block[3] = {0};
  ebb_item item[2] = {0};
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  ebb_guard_init(&guard, &pool, NULL);
  CHECK(ebb_guard_newest(&guard) == NULL);
  CHECK(ebb_block_get(&guard, &block[0], 1, 0));
  ebb_guard_add(&guard, &item[0], EBB_ITEM_HOST);
  CHECK(ebb_block_get(&guard, &block[1], 2, 0));
  ebb_guard_add(&guard, &item[1], EBB_ITEM_HOST + 1);
  CHECK(ebb_block_get(&guard, &block[2], 3, 0));
  CHECK_EQ(guard.n_items, 5);
  ebb_block_put(&block[1]);
  CHECK(ebb_guard_newest(&guard) == &block[2].item);
  ebb_block_put(&block[2]);
  CHECK(ebb_guard_newest(&guard) == &item[1]);
  CHECK_EQ(ebb_guard_newest(&guard)->kind, EBB_ITEM_HOST + 1);
  ebb_guard_remove(&item[1]);
  ebb_guard_remove(&item[1]);
  CHECK(ebb_guard_newest(&guard) == &item[0]);
  ebb_guard_remove(&item[0]);
  CHECK(ebb_guard_newest(&guard) == &block[0].item);
  ebb_guard_fini(&guard);
  CHECK_EQ(guard.n_items, 0);
  ebb_pool_fini(&pool);
}

/* R165, R171: request k fails (alone, with its retry, or with all after it):
   the answer is false, nothing has changed, and it works again afterwards. */
TEST(each_request_may_fail)
{
  static const long n_fails[] = {1, 2, 1000000};
  for (size_t w = 0; w < 3; w++)
    for (long k = 1; k <= 40; k++) {
      flaky f = {.fail_at = k, .n_fail = n_fails[w]};
      ebb_alloc alloc;
      ebb_pool pool;
      ebb_guard guard;
      ebb_block block[24] = {0};
      size_t live = 0, n = 0;
      ebb_alloc_init(&alloc, flaky_alloc, &f);
      ebb_pool_init(&pool, &alloc);
      ebb_guard_init(&guard, &pool, NULL);
      for (size_t i = 0; i < 24; i++) {
        size_t n_bytes = (size_t)1 << (i % 17), grown = n_bytes * 3;
        size_t align = i % 3 == 0 ? 64 : 0;
        if (ebb_block_get(&guard, &block[i], n_bytes, align)) {
          live += n_bytes, n++;
          block[i].data[n_bytes - 1] = (unsigned char)i;
          if (ebb_block_resize(&block[i], grown))
            live += grown - n_bytes;
          CHECK_EQ(block[i].data[n_bytes - 1], i);
        } else {
          CHECK(block[i].data == NULL);
        }
        CHECK_EQ(guard.count.live_bytes, live);
        CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes, live);
        CHECK_EQ(guard.n_items, n);
      }
      f.fail_at = 0;
      for (size_t i = 0; i < 24; i++)
        if (block[i].data == NULL)
          CHECK(ebb_block_get(&guard, &block[i], 1000, 0));
      CHECK_EQ(guard.n_items, 24);
      ebb_guard_fini(&guard);
      CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes, 0);
      ebb_pool_fini(&pool);
      CHECK_EQ(f.n_blocks, 0);
      CHECK_EQ(alloc.live_bytes, 0);
    }
}

/* The host writes one byte too many (R173). */
TEST(who_writes_past_the_end_is_found)
{
  static const size_t sizes[] = {0, 1, 16, 63, 64, 100, 4096, 32768, 40000};
  static const size_t aligns[] = {0, 64, 256};
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (size_t j = 0; j < sizeof aligns / sizeof *aligns; j++) {
      size_t n = sizes[i], align = aligns[j];
      unsigned char *block = ebb_pool_get(&pool, n, align);
      memset(block, 1, n);
      CHECK(ebb__pool_is_intact(block, n, align));
#if defined(EBB_DEBUG_CHECKS)
      if (n != EBB_POOL_MAX_BYTES || align > 64) { /* the last class has none */
  #if defined(EBB_ASAN)
        CHECK(ebb_poison_is_closed(block + n));
  #endif
        ebb_poison_open(block + n, 1);
        unsigned char was = block[n];
        block[n] = 1;
        CHECK(!ebb__pool_is_intact(block, n, align));
        ebb_poison_open(block + n, 1);
        block[n] = was;
        CHECK(ebb__pool_is_intact(block, n, align));
      }
#endif
      block = ebb_pool_resize(&pool, block, n, n + 5, align);
      memset(block, 1, n + 5);
      CHECK(ebb__pool_is_intact(block, n + 5, align));
      block = ebb_pool_resize(&pool, block, n + 5, n, align);
      CHECK(ebb__pool_is_intact(block, n, align));
      ebb_pool_put(&pool, block, n, align);
    }
  }
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

int main(void)
{
  RUN(classes_fit_and_waste_little);
  RUN(impossible_requests);
  RUN(alignment);
  RUN(resize_keeps_the_bytes);
  RUN(counters_equal_a_model);
  RUN(no_malloc_after_warm_up);
  RUN(generations);
  RUN(contents_like_poison);
  RUN(newest_first);
  RUN(each_request_may_fail);
  RUN(who_writes_past_the_end_is_found);
  return check_report();
}
