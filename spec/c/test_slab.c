/* SPDX-License-Identifier: MIT */
/* The object pool: reuse order, growth, reserve, and running out of memory at
   every single request (R161-R163, R169). */
#include <stdint.h>
#include <stdlib.h>

#include "alloc/slab.h"
#include "check.h"

/* Refuses the request number `fail_at` and all later ones; counts blocks. */
typedef struct flaky {
  long n_asked, fail_at, n_blocks;
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
  if (++f->n_asked >= f->fail_at)
    return NULL;
  f->n_blocks += ptr == NULL;
  return realloc(ptr, new_bytes);
}

TEST(objects_are_aligned_and_apart)
{
  enum { N = 1000 };
  static unsigned char *object[N];
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 40);
  for (int i = 0; i < N; i++) {
    object[i] = ebb_slab_get(&slab);
    CHECK(object[i] != NULL);
    CHECK_EQ((uintptr_t)object[i] % 16, 0);
    memset(object[i], i & 0x7f, 40);
  }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 40; k++)
      CHECK_EQ(object[i][k], i & 0x7f);
  CHECK_EQ(slab.n_live, N);
  CHECK(slab.n_pages >= 2);
  CHECK(alloc.live_bytes >= (size_t)N * 48);
  for (int i = 0; i < N; i++)
    ebb_slab_put(&slab, object[i]);
  CHECK_EQ(slab.n_live, 0);
  ebb_slab_fini(&slab);
  CHECK_EQ(alloc.live_bytes, 0);
}

TEST(last_in_first_out)
{
  ebb_alloc alloc;
  ebb_slab slab;
  void *a, *b, *c;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 100);
  a = memset(ebb_slab_get(&slab), 1, 100);
  b = memset(ebb_slab_get(&slab), 2, 100);
  c = memset(ebb_slab_get(&slab), 3, 100);
  ebb_slab_put(&slab, a);
  ebb_slab_put(&slab, c);
  CHECK(ebb_slab_get(&slab) == c);
  CHECK(ebb_slab_get(&slab) == a);
  CHECK_EQ(slab.n_live, 3);
  memset(a, 1, 100);
  memset(c, 3, 100);
  ebb_slab_put(&slab, NULL);
  CHECK_EQ(slab.n_live, 3);
  CHECK_EQ(((unsigned char *)b)[99], 2);
  ebb_slab_fini(&slab);
}

TEST(no_memory_is_asked_for_after_warm_up)
{
  void *object[300];
  uint64_t n_calls;
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 64);
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < 300; i++)
      object[i] = memset(ebb_slab_get(&slab), 0, 64);
    if (round == 0)
      n_calls = alloc.n_calls;
    for (int i = 0; i < 300; i++)
      ebb_slab_put(&slab, object[i]);
  }
  CHECK_EQ(alloc.n_calls, n_calls);
  ebb_slab_fini(&slab);
}

TEST(pages_grow_to_64_kib)
{
  flaky f = {.fail_at = 1000000};
  ebb_alloc alloc;
  ebb_slab slab;
  size_t before = 0, largest = 0;
  ebb_alloc_init(&alloc, flaky_alloc, &f);
  ebb_slab_init(&slab, &alloc, 128);
  for (int i = 0; i < 5000; i++) {
    CHECK(ebb_slab_get(&slab) != NULL);
    if (alloc.live_bytes - before > largest)
      largest = alloc.live_bytes - before;
    before = alloc.live_bytes;
  }
  CHECK_EQ(largest, 65536);
  CHECK_EQ(f.n_blocks, slab.n_pages);
  ebb_slab_fini(&slab);
  CHECK_EQ(f.n_blocks, 0);
}

TEST(large_objects)
{
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 100000);
  for (int i = 0; i < 9; i++)
    memset(ebb_slab_get(&slab), i, 100000);
  CHECK_EQ(slab.n_live, 9);
  ebb_slab_fini(&slab);
  CHECK_EQ(alloc.live_bytes, 0);
  CHECK(!ebb_slab_reserve(&slab, SIZE_MAX / 2));
}

TEST(reserve_promises_gets)
{
  flaky f = {.fail_at = 1000000};
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, flaky_alloc, &f);
  ebb_slab_init(&slab, &alloc, 48);
  CHECK(ebb_slab_get(&slab) != NULL);
  CHECK(ebb_slab_reserve(&slab, 10000));
  f.fail_at = 0;
  for (int i = 0; i < 10000; i++)
    CHECK(ebb_slab_get(&slab) != NULL);
  CHECK(!ebb_slab_reserve(&slab, 20000));
  CHECK_EQ(slab.n_live, 10001);
  ebb_slab_fini(&slab);
  CHECK_EQ(f.n_blocks, 0);
}

/* R169: whatever request fails, the answer is NULL, the counters are right and
   nothing is lost. */
/* One more than is free asks for memory at the reserve, not at a get. */
TEST(reserve_counts_exactly)
{
  for (size_t n_more = 0; n_more <= 3; n_more++) {
    flaky f = {.fail_at = 1000000};
    ebb_alloc alloc;
    ebb_slab slab;
    ebb_alloc_init(&alloc, flaky_alloc, &f);
    ebb_slab_init(&slab, &alloc, 48);
    CHECK(ebb_slab_get(&slab) != NULL);
    size_t n_free = slab.n_total - slab.n_live;
    f.fail_at = 0;
    CHECK_EQ(ebb_slab_reserve(&slab, n_free + n_more), n_more == 0);
    f.fail_at = 1000000;
    CHECK(ebb_slab_reserve(&slab, n_free + n_more));
    f.fail_at = 0;
    for (size_t i = 0; i < n_free + n_more; i++)
      CHECK(ebb_slab_get(&slab) != NULL);
    ebb_slab_fini(&slab);
    CHECK_EQ(f.n_blocks, 0);
  }
}

#if defined(EBB_DEBUG_CHECKS)
TEST(what_is_free_is_known)
{
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 48);
  void *a = ebb_slab_get(&slab), *b = ebb_slab_get(&slab);
  CHECK(!ebb__slab_is_free(&slab, a));
  ebb_slab_put(&slab, a);
  ebb_slab_put(&slab, b);
  CHECK(ebb__slab_is_free(&slab, a));
  CHECK(ebb__slab_is_free(&slab, b));
  CHECK(ebb_slab_get(&slab) == b);
  CHECK(!ebb__slab_is_free(&slab, b));
  CHECK(ebb__slab_is_free(&slab, a));
  ebb_slab_fini(&slab);
}
#endif

TEST(each_request_may_fail)
{
  for (long k = 1; k <= 8; k++) {
    flaky f = {.fail_at = k};
    ebb_alloc alloc;
    ebb_slab slab;
    size_t n = 0;
    ebb_alloc_init(&alloc, flaky_alloc, &f);
    ebb_slab_init(&slab, &alloc, 200);
    while (ebb_slab_get(&slab) != NULL)
      n++;
    CHECK_EQ(slab.n_live, n);
    CHECK_EQ(slab.n_total, n);
    CHECK_EQ(slab.n_pages, k - 1);
    CHECK(ebb_slab_get(&slab) == NULL);
    f.fail_at = 1000000;
    CHECK(ebb_slab_get(&slab) != NULL);
    ebb_slab_fini(&slab);
    CHECK_EQ(f.n_blocks, 0);
    CHECK_EQ(alloc.live_bytes, 0);
  }
}

/* NULL is given back in peace; an address that is not free is told apart. */
TEST(nothing_is_nothing)
{
  ebb_alloc alloc;
  ebb_slab slab;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_slab_init(&slab, &alloc, 64);
  ebb_slab_put(&slab, NULL);
  CHECK_EQ(slab.n_live, 0);
  void *a = ebb_slab_get(&slab), *b = ebb_slab_get(&slab);
  memset(a, 0, 64);
  memset(b, 0xDD, 64); /* as if it were free, but it is not in the list */
  CHECK(!ebb__slab_is_free(&slab, a));
  CHECK(!ebb__slab_is_free(&slab, b));
  ebb_slab_put(&slab, a);
#if defined(EBB_DEBUG_CHECKS) /* else nothing marks what is free */
  CHECK(ebb__slab_is_free(&slab, a));
#endif
  ebb_slab_put(&slab, b);
  ebb_slab_fini(&slab);
}

int main(void)
{
  RUN(objects_are_aligned_and_apart);
  RUN(last_in_first_out);
  RUN(no_memory_is_asked_for_after_warm_up);
  RUN(pages_grow_to_64_kib);
  RUN(large_objects);
  RUN(reserve_promises_gets);
  RUN(reserve_counts_exactly);
#if defined(EBB_DEBUG_CHECKS)
  RUN(what_is_free_is_known);
#endif
  RUN(each_request_may_fail);
  RUN(nothing_is_nothing);
  return check_report();
}
