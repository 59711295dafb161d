/* SPDX-License-Identifier: MIT */
/* The heap of a state: blocks keep their contents, counts are exact, limits
   refuse, accounts count, memory goes back. */
#include "alloc/heap.h"

#include <stdlib.h>

#include "alloc/heap_parts.h"
#include "base/rng.h"
#include "check.h"

/* --- a backing that counts, checks sizes and can fail --- */

typedef struct back {
  size_t live_bytes, n_live;
  long n_asked, fail_at, n_fail;
  bool shrinks_fail; /* as well; Lua's own allocators never do that */
} back;

typedef struct head {
  size_t n_bytes, mark;
} head;

static void *back_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  back *b = ud;
  head *h = ptr != NULL ? (head *)ptr - 1 : NULL;
  if (h != NULL)
    CHECK_EQ(h->mark, 0x5afe);
  if (new_bytes == 0) {
    if (h != NULL) {
      b->live_bytes -= h->n_bytes;
      b->n_live--;
    }
    free(h);
    return NULL;
  }
  if (new_bytes > old_bytes || h == NULL || b->shrinks_fail) {
    b->n_asked++;
    if (b->fail_at > 0 && b->n_asked >= b->fail_at &&
        b->n_asked - b->fail_at < b->n_fail)
      return NULL;
  }
  head *got = malloc(sizeof *got + new_bytes);
  if (got == NULL)
    return NULL;
  *got = (head){new_bytes, 0x5afe};
  if (h != NULL) {
    memcpy(got + 1, ptr, h->n_bytes < new_bytes ? h->n_bytes : new_bytes);
    b->live_bytes -= h->n_bytes;
    b->n_live--;
    free(h);
  }
  b->live_bytes += new_bytes;
  b->n_live++;
  return got + 1;
}

static ebb_heap *open_heap(back *b)
{
  ebb_heap_config config = {.backing = back_alloc, .backing_ud = b};
  return ebb_heap_open(&config);
}

static size_t live(ebb_heap *heap)
{
  return ebb_heap_live(heap);
}

static ebb_heap_info info(ebb_heap *heap)
{
  ebb_heap_info i;
  ebb_heap_get_info(heap, &i);
  return i;
}

static void *get(ebb_heap *heap, size_t n_bytes)
{
  return ebb_heap_alloc(heap, NULL, 0, n_bytes);
}

static void put(ebb_heap *heap, void *ptr, size_t n_bytes)
{
  ebb_heap_alloc(heap, ptr, n_bytes, 0);
}

/* --- sizes --- */

TEST(every_size_is_usable_and_aligned)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  for (size_t n = 1; n <= 20000; n += n < 1100 ? 1 : 13) {
    char *two[2] = {get(heap, n), get(heap, n)};
    for (int i = 0; i < 2; i++) {
      memset(two[i], i + 1, n);
      bool by_16 = n > 128 || n % 16 == 0;
      CHECK_EQ((uintptr_t)two[i] % (by_16 ? 16 : 8), 0);
    }
    CHECK(two[0][0] == 1 && two[0][n - 1] == 1);
    put(heap, two[0], n);
    put(heap, two[1], n);
  }
  CHECK_EQ(live(heap), 0);
  ebb_heap_close(heap);
  CHECK_EQ(b.n_live, 0);
}

TEST(nothing_is_nothing)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  CHECK(get(heap, 0) == NULL);
  CHECK(ebb_heap_alloc(heap, NULL, 5, 0) == NULL);
  CHECK_EQ(live(heap), 0);
  ebb_heap_close(heap);
}

/* --- a model --- */

enum { N_SLOTS = 3000 };

typedef struct slot {
  unsigned char *at;
  size_t n_bytes;
  unsigned char fill;
  int owner;
} slot;

static bool is_intact(const slot *s, size_t n_bytes)
{
  for (size_t i = 0; i < n_bytes; i += n_bytes < 64 ? 1 : n_bytes / 64)
    if (s->at[i] != s->fill)
      return false;
  return n_bytes == 0 || s->at[n_bytes - 1] == s->fill;
}

static size_t any_size(ebb_rng *rng)
{
  switch (ebb_rng_below(rng, 8)) {
  case 0:
    return 1 + ebb_rng_below(rng, 1024);
  case 1:
    return 1 + ebb_rng_below(rng, 10000);
  case 2:
    return ebb_rng_below(rng, 50) == 0 ? 1 + ebb_rng_below(rng, 100000) : 56;
  default:
    return 1 + ebb_rng_below(rng, 200);
  }
}

/* Random blocks come, go and change their size, for three accounts, one of them
   within another, and for nobody; some of them come from before the heap. */
static void play(ebb_heap_config config, back *b, uint64_t seed, int n_ops)
{
  static slot slots[N_SLOTS];
  ebb_rng rng;
  ebb_rng_init(&rng, seed);
  memset(slots, 0, sizeof slots);
  if (config.has_foreign)
    for (int i = 0; i < N_SLOTS / 4; i++) {
      size_t n = any_size(&rng);
      slots[i] = (slot){back_alloc(b, NULL, 0, n), n, (unsigned char)i, -1};
      memset(slots[i].at, (unsigned char)i, n);
    }
  ebb_heap *heap = ebb_heap_open(&config);
  ebb_heap_account *accounts[4] = {NULL};
  accounts[1] = ebb_heap_account_open(heap, EBB_HEAP_NONE, NULL, NULL);
  accounts[2] = ebb_heap_account_open(heap, EBB_HEAP_NONE, accounts[1], NULL);
  accounts[3] = ebb_heap_account_open(heap, EBB_HEAP_NONE, NULL, NULL);
  size_t total = 0, peak = 0, owned[4] = {0};
  for (int op = 0; op < n_ops; op++) {
    /* it swells, and empties again */
    bool swells = op / 20000 % 2 == 0;
    slot *s = &slots[ebb_rng_below(&rng, N_SLOTS)];
    int who = (int)ebb_rng_below(&rng, 4);
    ebb_heap_enter(heap, accounts[who]);
    bool is_ours = s->owner >= 0;
    size_t was = is_ours ? s->n_bytes : 0, new_bytes;
    if (s->at == NULL)
      new_bytes = swells || ebb_rng_below(&rng, 4) == 0 ? any_size(&rng) : 0;
    else if (ebb_rng_below(&rng, swells ? 3 : 2) != 0)
      new_bytes = 0;
    else
      new_bytes = any_size(&rng);
    unsigned char *at =
        ebb_heap_alloc(heap, s->at, s->at != NULL ? s->n_bytes : 5, new_bytes);
    CHECK((at != NULL) == (new_bytes != 0));
    if (s->at != NULL) {
      if (at != NULL) {
        s->at = at;
        CHECK(is_intact(s, s->n_bytes < new_bytes ? s->n_bytes : new_bytes));
      }
      if (is_ours)
        owned[s->owner] -= s->n_bytes;
      if (at != NULL && is_ours && new_bytes <= s->n_bytes)
        who = s->owner; /* what shrinks stays whose it was */
      total -= was;
    }
    if (at != NULL) {
      s->fill = (unsigned char)ebb_rng_below(&rng, 256);
      memset(at, s->fill, new_bytes);
      owned[who] += new_bytes;
      total += new_bytes;
    }
    *s = (slot){at, new_bytes, s->fill, who};
    if (total > peak)
      peak = total;
    CHECK_EQ(live(heap), total);
    if (op % 512 == 0) {
      CHECK_EQ(info(heap).peak_bytes, peak);
      CHECK_EQ(ebb_heap_account_live(accounts[1]), owned[1] + owned[2]);
      CHECK_EQ(ebb_heap_account_live(accounts[2]), owned[2]);
      CHECK_EQ(ebb_heap_account_live(accounts[3]), owned[3]);
    }
    if (op == n_ops / 2) { /* what they have becomes others' */
      ebb_heap_enter(heap, NULL);
      ebb_heap_account_close(accounts[2]);
      ebb_heap_account_close(accounts[3]);
      for (int i = 0; i < N_SLOTS; i++)
        if (slots[i].owner >= 2)
          slots[i].owner = slots[i].owner == 2 ? 1 : 0;
      owned[1] += owned[2];
      owned[0] += owned[3];
      owned[2] = owned[3] = 0;
      accounts[2] = ebb_heap_account_open(heap, EBB_HEAP_NONE, accounts[1], b);
      accounts[3] = ebb_heap_account_open(heap, EBB_HEAP_NONE, NULL, b);
    }
    if (check_failures_here > 10)
      break;
  }
  for (int i = 0; i < N_SLOTS; i++)
    if (slots[i].at != NULL) {
      CHECK(is_intact(&slots[i], slots[i].n_bytes));
      put(heap, slots[i].at, slots[i].n_bytes);
    }
  CHECK_EQ(live(heap), 0);
  ebb_heap_enter(heap, NULL);
  ebb_heap_account_close(accounts[2]);
  ebb_heap_account_close(accounts[1]);
  ebb_heap_account_close(accounts[3]);
  CHECK_EQ(info(heap).n_large, 0);
  ebb_heap_close(heap);
  CHECK_EQ(b->n_live, 0);
}

TEST(random_blocks_as_in_a_model)
{
  for (uint64_t seed = 1; seed <= 3; seed++) {
    back b = {0};
    play((ebb_heap_config){.backing = back_alloc, .backing_ud = &b}, &b, seed,
         80000);
  }
}

TEST(with_blocks_from_before)
{
  back b = {0};
  play((ebb_heap_config){.backing = back_alloc,
                         .backing_ud = &b,
                         .has_foreign = true},
       &b, 4, 60000);
}

TEST(without_pages)
{
  back b = {0};
  play((ebb_heap_config){.backing = back_alloc,
                         .backing_ud = &b,
                         .unpaged = true},
       &b, 5, 40000);
}

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

/* --- giving back --- */

enum { N_MANY = 400000 };

TEST(memory_goes_back_when_the_heap_has_shrunk)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  void **blocks = malloc(N_MANY * sizeof *blocks);
  for (int i = 0; i < N_MANY; i++)
    blocks[i] = get(heap, 40 + (size_t)(i % 5) * 16);
  size_t top = info(heap).mapped_bytes;
  CHECK(top > (size_t)N_MANY * 60);
  for (int i = 1; i < N_MANY; i++)
    put(heap, blocks[i], 40 + (size_t)(i % 5) * 16);
  ebb_heap_info now = info(heap);
  CHECK(now.mapped_bytes < top / 4);
  CHECK(now.page_bytes + now.retained_bytes < top / 8);
  put(heap, blocks[0], 40);
  ebb_heap_close(heap);
  free(blocks);
}

TEST(a_heap_that_swings_keeps_its_pages)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  void **blocks = malloc(N_MANY * sizeof *blocks);
  for (int i = 0; i < N_MANY; i++)
    blocks[i] = get(heap, 56);
  size_t top = info(heap).mapped_bytes;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < N_MANY / 2; i++)
      put(heap, blocks[i], 56);
    ebb_heap_info low = info(heap);
    CHECK(low.page_bytes + low.retained_bytes > top / 10 * 9);
    for (int i = 0; i < N_MANY / 2; i++)
      blocks[i] = get(heap, 56);
    CHECK(info(heap).mapped_bytes <= top + EBB_CHUNK_BYTES);
  }
  for (int i = 0; i < N_MANY; i++)
    put(heap, blocks[i], 56);
  ebb_heap_close(heap);
  free(blocks);
}

TEST(it_closes_with_its_root)
{
  back b = {0};
  ebb_heap_config config = {
      .backing = back_alloc, .backing_ud = &b, .first_is_root = true};
  ebb_heap *heap = ebb_heap_open(&config);
  void *root = get(heap, 1400), *other = get(heap, 1400);
  put(heap, other, 1400);
  CHECK(b.n_live > 0);
  put(heap, root, 1400);
  CHECK_EQ(b.n_live, 0);
  root = back_alloc(&b, NULL, 0, 1400);
  config = (ebb_heap_config){.backing = back_alloc,
                             .backing_ud = &b,
                             .root = root,
                             .has_foreign = true};
  heap = ebb_heap_open(&config);
  put(heap, get(heap, 1400), 1400);
  put(heap, root, 1400);
  CHECK_EQ(b.n_live, 0);
}

TEST(types_are_counted)
{
  back b = {0};
  ebb_heap *heap = open_heap(&b);
  put(heap, ebb_heap_alloc(heap, NULL, 5, 56), 56);
  put(heap, ebb_heap_alloc(heap, NULL, 5, 56), 56);
  put(heap, ebb_heap_alloc(heap, NULL, 4, 10000), 10000);
  CHECK_EQ(info(heap).n_made[5], 2);
  CHECK_EQ(info(heap).n_made[4], 1);
  ebb_heap_close(heap);
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
  RUN(every_size_is_usable_and_aligned);
  RUN(nothing_is_nothing);
  RUN(random_blocks_as_in_a_model);
  RUN(with_blocks_from_before);
  RUN(without_pages);
  RUN(the_limit_refuses_exactly);
  RUN(the_soft_limit_tells_once_a_crossing);
  RUN(a_quota_counts_and_refuses_only_what_is_larger_than_it);
  RUN(a_shrink_never_fails);
  RUN(failures_leave_everything_as_it_was);
  RUN(memory_goes_back_when_the_heap_has_shrunk);
  RUN(a_heap_that_swings_keeps_its_pages);
  RUN(it_closes_with_its_root);
  RUN(types_are_counted);
  RUN(foreign_blocks_without_memory);
  RUN(nobody_is_told);
  RUN(tables_that_cannot_grow);
  return check_report();
}
