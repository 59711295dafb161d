/* SPDX-License-Identifier: MIT */
/* Budgets: what fits, the soft limit's crossings, and that the charge is exact
   whatever happens to the blocks (R165, R174). */
#include <stdlib.h>

#include "alloc/guard.h"
#include "check.h"

TEST(nothing_more_always_fits)
{
  ebb_budget b;
  ebb_budget_init(&b);
  CHECK(ebb_budget_fits(&b, SIZE_MAX));
  b.limit_bytes = 100;
  CHECK(ebb_budget_fits(&b, 100));
  CHECK(!ebb_budget_fits(&b, 101));
  CHECK(!ebb_budget_fits(&b, SIZE_MAX));
  ebb_budget_charge(&b, 60);
  CHECK(ebb_budget_fits(&b, 40));
  CHECK(!ebb_budget_fits(&b, 41));
  ebb_budget_charge(&b, 60); /* the host has let it pass */
  CHECK(ebb_budget_fits(&b, 0));
  CHECK(!ebb_budget_fits(&b, 1));
  CHECK_EQ(b.live_bytes, 120);
  CHECK_EQ(b.peak_bytes, 120);
  b.limit_bytes = 0;
  CHECK(ebb_budget_fits(&b, 0));
  ebb_budget_charge(NULL, 1);
  ebb_budget_credit(NULL, 1);
}

TEST(soft_limit_is_told_once_a_crossing)
{
  ebb_budget b;
  ebb_budget_init(&b);
  CHECK(!ebb_budget_crosses(&b, SIZE_MAX));
  b.soft_bytes = 100;
  CHECK(!ebb_budget_crosses(&b, 100));
  CHECK(ebb_budget_crosses(&b, 101));
  ebb_budget_charge(&b, 101);
  CHECK(ebb_budget_crosses(&b, 1)); /* not told yet */
  CHECK(!ebb_budget_crosses(&b, 0));
  b.is_told = true;
  CHECK(!ebb_budget_crosses(&b, 1000));
  ebb_budget_credit(&b, 10); /* 91: too near */
  CHECK(b.is_told);
  ebb_budget_credit(&b, 1); /* 90 */
  CHECK(!b.is_told);
  CHECK(ebb_budget_crosses(&b, 11));
  b.soft_bytes = 0;
  CHECK(ebb_budget_crosses(&b, 1));
  b.soft_bytes = EBB_BUDGET_NONE;
  CHECK(!ebb_budget_crosses(&b, 1));
}

/* Random gets, resizes, moves and puts in two budgets of two guards each. */
TEST(the_charge_equals_a_model)
{
  enum { N = 64 };
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_budget budgets[2];
  ebb_guard guards[5]; /* 0 1: of budget 0, 2 3: of budget 1, 4: of none */
  ebb_block blocks[N] = {0};
  int at[N];
  uint64_t rng = 7;
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  for (int i = 0; i < 2; i++)
    ebb_budget_init(&budgets[i]);
  for (int i = 0; i < 5; i++)
    ebb_guard_init(&guards[i], &pool, i < 4 ? &budgets[i / 2] : NULL);
  for (int step = 0; step < 20000; step++) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    unsigned r = (unsigned)(rng >> 33);
    ebb_block *block = &blocks[r % N];
    int guard = (int)(r / N % 5);
    size_t n_bytes = r / (N * 5) % 40000;
    if (block->data == NULL) {
      CHECK(ebb_block_get(&guards[guard], block, n_bytes, 0));
      at[r % N] = guard;
    } else if (r % 3 == 0) {
      ebb_block_put(block);
    } else if (r % 3 == 1) {
      CHECK(ebb_block_resize(block, n_bytes));
    } else {
      ebb_block_move(block, &guards[guard]);
      at[r % N] = guard;
    }
    size_t live[2] = {0, 0};
    for (int i = 0; i < N; i++)
      if (blocks[i].data != NULL && at[i] < 4)
        live[at[i] / 2] += blocks[i].n_bytes;
    for (int i = 0; i < 2; i++) {
      CHECK_EQ(budgets[i].live_bytes, live[i]);
      CHECK_EQ(budgets[i].live_bytes, guards[2 * i].count.live_bytes +
                                          guards[2 * i + 1].count.live_bytes);
      CHECK(budgets[i].peak_bytes >= live[i]);
    }
  }
  for (int i = 0; i < 5; i++)
    ebb_guard_fini(&guards[i]);
  CHECK_EQ(budgets[0].live_bytes, 0);
  CHECK_EQ(budgets[1].live_bytes, 0);
  ebb_pool_fini(&pool);
  CHECK_EQ(alloc.live_bytes, 0);
}

/* A move between guards of one budget is no moment below the soft limit. */
TEST(a_move_within_is_no_news)
{
  ebb_alloc alloc;
  ebb_pool pool;
  ebb_budget budget;
  ebb_guard a, b;
  ebb_block block = {0};
  ebb_alloc_init(&alloc, NULL, NULL);
  ebb_pool_init(&pool, &alloc);
  ebb_budget_init(&budget);
  budget.soft_bytes = 100;
  ebb_guard_init(&a, &pool, &budget);
  ebb_guard_init(&b, &pool, &budget);
  CHECK(ebb_block_get(&a, &block, 150, 0));
  budget.is_told = true;
  ebb_block_move(&block, &b);
  CHECK(budget.is_told);
  CHECK_EQ(budget.peak_bytes, 150);
  CHECK_EQ(a.count.live_bytes, 0);
  CHECK_EQ(b.count.live_bytes, 150);
  ebb_guard_fini(&a);
  ebb_guard_fini(&b);
  CHECK(!budget.is_told);
  ebb_pool_fini(&pool);
}

int main(void)
{
  RUN(nothing_more_always_fits);
  RUN(soft_limit_is_told_once_a_crossing);
  RUN(the_charge_equals_a_model);
  RUN(a_move_within_is_no_news);
  return check_report();
}
