/* SPDX-License-Identifier: MIT */
/* A heap that says no: limits refuse and tell, accounts count, and where there
   is no memory everything stays as it was. */
#include "check.h"
#include "heap_back.h"

/* --- the limit --- */

TEST(the_limit_refuses_exactly)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  ebb_heap_set_limit(heap, 100000);
  void *blocks[1001];
  int n = 0;
  while ((blocks[n] = get(heap, 100)) != NULL)
    n++;
  CHECK_EQ(n, 1000);
  CHECK_EQ(live(heap), 100000);
  CHECK(get(heap, 1) == NULL);
  CHECK_EQ(info(heap).n_refused, 2);
  /* what shrinks is not refused, what grows is */
  blocks[0] = ebb_heap_alloc(heap, blocks[0], 100, 60);
  CHECK(blocks[0] != NULL);
  CHECK(ebb_heap_alloc(heap, blocks[0], 60, 101) == NULL);
  blocks[0] = ebb_heap_alloc(heap, blocks[0], 60, 100);
  CHECK(blocks[0] != NULL);
  CHECK_EQ(live(heap), 100000);
  /* one comes, one goes, for ever */
  for (int i = 0; i < 5000; i++) {
    put(heap, blocks[i % 1000], 100);
    blocks[i % 1000] = get(heap, 100);
    CHECK(blocks[i % 1000] != NULL);
  }
  ebb_heap_set_limit(heap, 500); /* below what is live */
  CHECK(get(heap, 1) == NULL);
  blocks[1] = ebb_heap_alloc(heap, blocks[1], 100, 50);
  CHECK(blocks[1] != NULL);
  put(heap, blocks[1], 50);
  ebb_heap_set_limit(heap, EBB_HEAP_NONE);
  blocks[1] = get(heap, 100);
  for (int i = 0; i < 1000; i++)
    put(heap, blocks[i], 100);
  CHECK_EQ(info(heap).peak_bytes, 100000);
  CHECK_EQ(info(heap).total_bytes >= 100000, true);
  ebb_heap_close(heap);
}

static int n_soft;
static void on_soft(void *ud)
{
  (void)ud;
  n_soft++;
}

TEST(the_soft_limit_tells_once_a_crossing)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  ebb_heap_set_soft(heap, 10000, on_soft, NULL);
  void *blocks[300];
  n_soft = 0;
  for (int i = 0; i < 100; i++)
    blocks[i] = get(heap, 100);
  CHECK_EQ(n_soft, 0);
  for (int i = 100; i < 200; i++)
    blocks[i] = get(heap, 100);
  CHECK_EQ(n_soft, 1);
  for (int round = 0; round < 100; round++) { /* it trembles */
    put(heap, blocks[199], 100);
    blocks[199] = get(heap, 100);
  }
  CHECK_EQ(n_soft, 1);
  for (int i = 50; i < 200; i++)
    put(heap, blocks[i], 100);
  for (int i = 50; i < 200; i++)
    blocks[i] = get(heap, 100);
  CHECK_EQ(n_soft, 2);
  for (int i = 0; i < 200; i++)
    put(heap, blocks[i], 100);
  ebb_heap_close(heap);
}

/* --- accounts --- */

static int n_over;
static ebb_heap_account *last_over;
static void on_over(void *ud, ebb_heap_account *account)
{
  (void)ud;
  n_over++;
  last_over = account;
}

TEST(a_quota_counts_and_refuses_only_what_is_larger_than_it)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  ebb_heap_set_on_over(heap, on_over, NULL);
  ebb_heap_account *outer = ebb_heap_account_open(heap, 5000, NULL, &n_over);
  ebb_heap_account *inner = ebb_heap_account_open(heap, 1000, outer, NULL);
  CHECK(ebb_heap_account_owner(outer) == &n_over);
  n_over = 0;
  void *blocks[20];
  CHECK(ebb_heap_enter(heap, inner) == NULL);
  for (int i = 0; i < 10; i++)
    blocks[i] = get(heap, 100);
  CHECK_EQ(n_over, 0);
  CHECK_EQ(ebb_heap_account_live(inner), 1000);
  blocks[10] = get(heap, 100);
  CHECK(blocks[10] != NULL);
  CHECK_EQ(n_over, 1);
  CHECK(last_over == inner);
  CHECK(ebb_heap_account_is_over(inner));
  CHECK(!ebb_heap_account_is_over(outer));
  blocks[11] = get(heap, 100);
  CHECK_EQ(n_over, 1);
  CHECK(get(heap, 1001) == NULL);
  CHECK_EQ(ebb_heap_account_live(inner), 1200);
  CHECK_EQ(ebb_heap_account_live(outer), 1200);
  /* freed outside, it is theirs all the same */
  CHECK(ebb_heap_enter(heap, NULL) == inner);
  for (int i = 0; i < 12; i++)
    put(heap, blocks[i], 100);
  CHECK_EQ(ebb_heap_account_live(inner), 0);
  CHECK(!ebb_heap_account_is_over(inner));
  blocks[0] = get(heap, 100);
  CHECK_EQ(ebb_heap_account_live(outer), 0);
  put(heap, blocks[0], 100);
  ebb_heap_enter(heap, inner);
  blocks[0] = ebb_heap_alloc_shared(heap, NULL, 0, 3000);
  CHECK(blocks[0] != NULL);
  CHECK_EQ(ebb_heap_account_live(inner), 0);
  ebb_heap_alloc_shared(heap, blocks[0], 3000, 0);
  ebb_heap_account_close(inner);
  ebb_heap_account_close(outer);
  CHECK_EQ(b.n_live, 3); /* the heap and its two maps */
  ebb_heap_close(heap);
  CHECK_EQ(b.n_live, 0);
}

/* Limits that tell nobody. */
TEST(nobody_is_told)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  ebb_heap_set_soft(heap, 1000, NULL, NULL);
  void *p = get(heap, 5000);
  CHECK(p != NULL);
  put(heap, p, 5000);
  ebb_heap_account *account = ebb_heap_account_open(heap, 100, NULL, NULL);
  ebb_heap_enter(heap, account);
  void *list[4];
  for (int i = 0; i < 4; i++)
    list[i] = get(heap, 90); /* over the quota, with no on_over */
  ebb_heap_enter(heap, NULL);
  CHECK_EQ(account->live_bytes, 360);
  for (int i = 0; i < 4; i++)
    put(heap, list[i], 90);
  CHECK_EQ(account->live_bytes, 0);
  ebb_heap_account_close(account);
  ebb_heap_close(heap);
}

/* --- failing --- */

static void shrink_without_memory(bool shrinks_fail)
{
  back b = {.shrinks_fail = shrinks_fail};
  ebb_heap_config config = {.backing = back_alloc,
                            .backing_ud = &b,
                            .mapped_max_bytes = EBB_CHUNK_BYTES};
  ebb_heap *heap = ebb_heap_open(&config);
  char *large = get(heap, 50000), *small = get(heap, 900);
  memset(large, 7, 50000);
  memset(small, 8, 900);
  void *taken[200];
  int n = 0;
  while ((taken[n] = get(heap, 8000)) != NULL) /* no page is left */
    n++;
  CHECK(n > 90);
  b.fail_at = 1;
  b.n_fail = 1000000;
  large = ebb_heap_alloc(heap, large, 50000, 300);
  CHECK(large != NULL && large[0] == 7 && large[299] == 7);
  small = ebb_heap_alloc(heap, small, 900, 20);
  CHECK(small != NULL && small[0] == 8 && small[19] == 8);
  CHECK_EQ(live(heap), 320 + (size_t)n * 8000);
  for (int i = 0; i < n; i++)
    put(heap, taken[i], 8000);
  b.fail_at = 0;
  large = ebb_heap_alloc(heap, large, 300, 400);
  CHECK(large != NULL && large[0] == 7 && large[299] == 7);
  put(heap, large, 400);
  put(heap, small, 20);
  CHECK_EQ(live(heap), 0);
  ebb_heap_close(heap);
  CHECK_EQ(b.n_live, 0);
}

TEST(a_shrink_never_fails)
{
  shrink_without_memory(false);
  shrink_without_memory(true);
}

TEST(failures_leave_everything_as_it_was)
{
  for (long k = 1; k <= 12; k++) {
    back b = {.fail_at = k, .n_fail = 1};
    ebb_heap_config config = {.backing = back_alloc,
                              .backing_ud = &b,
                              .mapped_max_bytes = EBB_CHUNK_BYTES};
    ebb_heap *heap = ebb_heap_open(&config);
    if (heap == NULL) {
      CHECK(k <= 3);
      continue;
    }
    size_t expected = 0;
    void *blocks[60];
    size_t sizes[60];
    for (int i = 0; i < 60; i++) {
      sizes[i] = i % 2 == 0 ? 20000 + (size_t)i : 100;
      blocks[i] = get(heap, sizes[i]);
      if (blocks[i] != NULL)
        expected += sizes[i];
      CHECK_EQ(live(heap), expected);
    }
    for (int i = 0; i < 60; i++)
      if (blocks[i] != NULL)
        put(heap, blocks[i], sizes[i]);
    CHECK_EQ(live(heap), 0);
    CHECK(get(heap, 100) != NULL); /* works afterwards (R171) */
    ebb_heap_close(heap);
    CHECK_EQ(b.n_live, 0);
  }
}

static bool refuses_page(void *ud)
{
  (void)ud;
  return true;
}

/* Foreign blocks that grow or shrink while nothing can be had. */
TEST(foreign_blocks_without_memory)
{
  back b = {0};
  char *old = back_alloc(&b, NULL, 0, 100);
  memset(old, 7, 100);
  ebb_heap_config config = {
      .backing = back_alloc, .backing_ud = &b, .has_foreign = true};
  ebb_heap *heap = ebb_heap_open(&config);
  /* over the limit, and an account's: only what grows is refused */
  ebb_heap_set_limit(heap, 1);
  CHECK(ebb_heap_alloc(heap, old, 100, 200) == NULL);
  ebb_heap_set_limit(heap, EBB_HEAP_NONE);
  ebb_heap_account *account = ebb_heap_account_open(heap, 50, NULL, NULL);
  CHECK(account != NULL);
  ebb_heap_enter(heap, account);
  CHECK(ebb_heap_alloc(heap, old, 100, 200) == NULL);
  CHECK(info(heap).n_refused >= 2);
  char *got = ebb_heap_alloc(heap, old, 100, 40);
  CHECK(got != NULL && got[0] == 7 && got[39] == 7);
  ebb_heap_enter(heap, NULL);
  /* no page, no large block: what shrinks stays where it is */
  char *other = back_alloc(&b, NULL, 0, 20000);
  memset(other, 9, 20000);
  b.fail_at = 1;
  b.n_fail = 1L << 40;
  b.n_asked = 0;
  ebb_heap_set_refuses_page(heap, refuses_page, NULL);
  CHECK(ebb_heap_alloc(heap, other, 20000, 10000) == other);
  CHECK(ebb_heap_alloc(heap, other, 20000, 30000) == NULL);
  CHECK(other[0] == 9 && other[9999] == 9);
  b.fail_at = 0;
  ebb_heap_set_refuses_page(heap, NULL, NULL);
  ebb_heap_alloc(heap, other, 20000, 0);
  put(heap, got, 40);
  ebb_heap_account_close(account);
  ebb_heap_close(heap);
  CHECK_EQ(b.n_live, 0);
}

/* The table of large blocks, and the one of chunks, cannot grow. */
TEST(tables_that_cannot_grow)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  enum { N = 400 };
  static void *list[N];
  int n = 0;
  for (int i = 0; i < N; i++) { /* every second request fails */
    b.fail_at = i % 2 == 0 ? 1 : 0;
    b.n_fail = 1;
    b.n_asked = 0;
    void *p = ebb_heap_alloc(heap, NULL, 0, 10000);
    if (p != NULL)
      list[n++] = p;
  }
  b.fail_at = 0;
  CHECK(n >= N / 2);
  CHECK_EQ(info(heap).n_large, n);
  for (int i = 0; i < n; i++)
    put(heap, list[i], 10000);
  ebb_heap_close(heap);
  CHECK_EQ(b.n_live, 0);
}

int main(void)
{
  RUN(the_limit_refuses_exactly);
  RUN(the_soft_limit_tells_once_a_crossing);
  RUN(a_quota_counts_and_refuses_only_what_is_larger_than_it);
  RUN(nobody_is_told);
  RUN(a_shrink_never_fails);
  RUN(failures_leave_everything_as_it_was);
  RUN(foreign_blocks_without_memory);
  RUN(tables_that_cannot_grow);
  return check_report();
}
