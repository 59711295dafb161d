/* SPDX-License-Identifier: MIT */
/* The heap of a state: blocks keep their contents, counts are exact, memory
   goes back. */
#include "base/rng.h"
#include "check.h"
#include "heap_back.h"

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

int main(void)
{
  RUN(every_size_is_usable_and_aligned);
  RUN(nothing_is_nothing);
  RUN(random_blocks_as_in_a_model);
  RUN(with_blocks_from_before);
  RUN(without_pages);
  RUN(memory_goes_back_when_the_heap_has_shrunk);
  RUN(a_heap_that_swings_keeps_its_pages);
  RUN(it_closes_with_its_root);
  RUN(types_are_counted);
  return check_report();
}
