/* SPDX-License-Identifier: MIT */
/* Scoped guards over the pool, without Lua: blocks that come, grow, move and
   go, and what is counted meanwhile (R161, R168, R170, R174). */
#include "alloc/guard.h"
#include "check.h"

#include "base/rng.h"

static ebb_alloc alloc;
static ebb_pool pool;

static void setup(void)
{
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
}

static void teardown(void)
{
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

static bool is_all(const ebb_block *block, size_t from, size_t to, int byte)
{
  const unsigned char *bytes = block->data;
  for (size_t i = from; i < to; i++)
    if (bytes[i] != byte)
      return false;
  return true;
}

/* Used memory that comes again is cleared, so is what a block grows by. */
TEST(blocks_are_cleared)
{
  setup();
  ebb_guard guard;
  ebb_guard_init(&guard, &pool, NULL);
  for (size_t n = 1; n < 20000; n = n * 3 / 2 + 1) {
    for (int round = 0; round < 2; round++) {
      ebb_block block = {0};
      CHECK(ebb_block_get(&guard, &block, n, 16));
      CHECK(is_all(&block, 0, n, 0));
      memset(block.data, 0x5a, n);
      CHECK(ebb_block_resize(&block, n * 2 + 3));
      CHECK(is_all(&block, 0, n, 0x5a));
      CHECK(is_all(&block, n, n * 2 + 3, 0));
      memset(block.data, 0x5a, n * 2 + 3);
      CHECK(ebb_block_resize(&block, n / 2));
      CHECK(is_all(&block, 0, n / 2, 0x5a));
      CHECK(ebb_block_resize(&block, n));
      CHECK(is_all(&block, n / 2, n, 0));
      CHECK_EQ(guard.count.live_bytes, n);
      ebb_block_put(&block);
      CHECK_EQ(guard.count.live_bytes, 0);
    }
  }
  ebb_guard_fini(&guard);
  teardown();
}

TEST(a_generation_ends_with_what_it_names)
{
  setup();
  ebb_guard guard;
  ebb_block block = {0};
  ebb_guard_init(&guard, &pool, NULL);
  CHECK(ebb_block_get(&guard, &block, 100, 16));
  uint32_t gen = (uint32_t)block.gen;
  CHECK(ebb_block_resize(&block, 200));
  CHECK_EQ(block.gen, gen + 1); /* views are stale: it may have moved */
  ebb_block_put(&block);
  CHECK_EQ(block.gen, gen + 2);
  CHECK(block.data == NULL && block.item.guard == NULL);
  ebb_block_put(&block); /* a second time is nothing */
  CHECK_EQ(block.gen, gen + 2);
  ebb_guard_fini(&guard);
  teardown();
}

/* What is counted is what is there, whatever happens to the blocks. */
TEST(counts_are_exact)
{
  enum { N_GUARDS = 3, N = 40 };
  ebb_guard guards[N_GUARDS];
  ebb_budget budgets[2];
  ebb_block blocks[N] = {0};
  ebb_rng rng;
  setup();
  ebb_rng_init(&rng, 7);
  for (int i = 0; i < 2; i++)
    ebb_budget_init(&budgets[i]);
  ebb_guard_init(&guards[0], &pool, &budgets[0]);
  ebb_guard_init(&guards[1], &pool, &budgets[1]);
  ebb_guard_init(&guards[2], &pool, NULL);
  for (int step = 0; step < 20000; step++) {
    ebb_block *block = &blocks[ebb_rng_below(&rng, N)];
    size_t n = ebb_rng_below(&rng, 3000);
    ebb_guard *guard = &guards[ebb_rng_below(&rng, N_GUARDS)];
    if (block->item.guard == NULL)
      CHECK(ebb_block_get(guard, block, n, 16));
    else if (n < 1000)
      CHECK(ebb_block_resize(block, n));
    else if (n < 2000)
      ebb_block_move(block, guard);
    else
      ebb_block_put(block);
    if (step % 100 != 0)
      continue;
    size_t live[N_GUARDS] = {0}, n_items[N_GUARDS] = {0};
    for (int i = 0; i < N; i++) {
      for (int k = 0; k < N_GUARDS; k++) {
        if (blocks[i].item.guard == &guards[k]) {
          live[k] += blocks[i].n_bytes;
          n_items[k]++;
        }
      }
    }
    for (int k = 0; k < N_GUARDS; k++) {
      CHECK_EQ(guards[k].count.live_bytes, live[k]);
      CHECK_EQ(guards[k].n_items, n_items[k]);
      CHECK(guards[k].count.peak_bytes >= live[k]);
      if (guards[k].budget != NULL)
        CHECK_EQ(guards[k].budget->live_bytes, live[k]);
    }
    CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes,
             live[0] + live[1] + live[2]);
    if (check_failures_here > 10)
      break;
  }
  for (int k = 0; k < N_GUARDS; k++)
    ebb_guard_fini(&guards[k]);
  CHECK_EQ(pool.pool.live_bytes + pool.heap.live_bytes, 0);
  CHECK_EQ(budgets[0].live_bytes + budgets[1].live_bytes, 0);
  teardown();
}

static void *none(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  (void)ud, (void)old_bytes, (void)ptr, (void)new_bytes;
  return NULL;
}

TEST(no_memory_changes_nothing)
{
  setup();
  ebb_guard guard;
  ebb_block block = {0}, other = {0};
  ebb_guard_init(&guard, &pool, NULL);
  CHECK(ebb_block_get(&guard, &block, 10, 16));
  memset(block.data, 9, 10);
  uint32_t gen = (uint32_t)block.gen;
  ebb_alloc_fn before = alloc.fn;
  alloc.fn = none;
  CHECK(!ebb_block_get(&guard, &other, 1 << 20, 16));
  CHECK(other.data == NULL && other.item.guard == NULL);
  CHECK(!ebb_block_resize(&block, 1 << 20));
  alloc.fn = before;
  CHECK_EQ(block.gen, gen);
  CHECK(is_all(&block, 0, 10, 9));
  CHECK_EQ(guard.count.live_bytes, 10);
  ebb_guard_fini(&guard);
  teardown();
}

int main(void)
{
  RUN(blocks_are_cleared);
  RUN(a_generation_ends_with_what_it_names);
  RUN(counts_are_exact);
  RUN(no_memory_changes_nothing);
  return check_report();
}
