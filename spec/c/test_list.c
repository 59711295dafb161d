/* SPDX-License-Identifier: MIT */
/* The intrusive list, and random numbers (both are headers only). */
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/list.h"
#include "base/rng.h"
#include "check.h"

typedef struct item {
  int number;
  ebb_list link;
} item;

static item items[10];

static void setup(ebb_list *head)
{
  ebb_list_init(head);
  for (int i = 0; i < 10; i++) {
    items[i].number = i;
    ebb_list_init(&items[i].link);
  }
}

/* The list is exactly `expected` (ends with -1), read in both directions. */
static void check_list(const ebb_list *head, const int *expected)
{
  const ebb_list *node = head->next, *before = head;
  int n = 0;
  for (; expected[n] != -1 && node != head; n++) {
    CHECK(node->prev == before);
    CHECK_EQ(ebb_container_of(node, const item, link)->number, expected[n]);
    before = node;
    node = node->next;
  }
  CHECK(node == head);
  CHECK_EQ(expected[n], -1);
  CHECK(head->prev == before);
  CHECK_EQ(ebb_list_is_empty(head), n == 0);
}

#define CHECK_LIST(head, ...) check_list((head), (const int[]){__VA_ARGS__, -1})

TEST(empty)
{
  ebb_list head;
  setup(&head);
  CHECK(ebb_list_is_empty(&head));
  CHECK(!ebb_list_is_linked(&items[0].link));
  ebb_list_foreach(node, &head)
    CHECK(!"nothing in it");
}

TEST(push_at_both_ends)
{
  ebb_list head;
  setup(&head);
  ebb_list_push_back(&head, &items[1].link);
  CHECK_LIST(&head, 1);
  ebb_list_push_back(&head, &items[2].link);
  ebb_list_push_front(&head, &items[0].link);
  CHECK_LIST(&head, 0, 1, 2);
  CHECK(ebb_list_is_linked(&items[1].link));
}

TEST(unlink_first_middle_last_and_twice)
{
  ebb_list head;
  setup(&head);
  for (int i = 0; i < 5; i++)
    ebb_list_push_back(&head, &items[i].link);
  ebb_list_unlink(&items[2].link);
  CHECK(!ebb_list_is_linked(&items[2].link));
  ebb_list_unlink(&items[2].link);
  CHECK_LIST(&head, 0, 1, 3, 4);
  ebb_list_unlink(&items[0].link);
  CHECK_LIST(&head, 1, 3, 4);
  ebb_list_unlink(&items[4].link);
  CHECK_LIST(&head, 1, 3);
  ebb_list_push_back(&head, &items[2].link);
  CHECK_LIST(&head, 1, 3, 2);
  for (int i = 1; i < 4; i++)
    ebb_list_unlink(&items[i].link);
  CHECK(ebb_list_is_empty(&head));
}

TEST(splice)
{
  ebb_list a, b;
  setup(&a);
  ebb_list_init(&b);
  ebb_list_splice(&a, &b); /* nothing to nothing */
  CHECK(ebb_list_is_empty(&a) && ebb_list_is_empty(&b));
  for (int i = 0; i < 3; i++)
    ebb_list_push_back(&b, &items[i].link);
  ebb_list_splice(&a, &b); /* to nothing */
  CHECK_LIST(&a, 0, 1, 2);
  CHECK(ebb_list_is_empty(&b));
  ebb_list_splice(&a, &b); /* nothing to something */
  CHECK_LIST(&a, 0, 1, 2);
  ebb_list_push_back(&b, &items[3].link);
  ebb_list_push_back(&b, &items[4].link);
  ebb_list_splice(&a, &b);
  CHECK_LIST(&a, 0, 1, 2, 3, 4);
  CHECK(ebb_list_is_empty(&b));
}

TEST(foreach_safe_may_unlink)
{
  ebb_list head;
  int sum = 0;
  setup(&head);
  for (int i = 0; i < 10; i++)
    ebb_list_push_back(&head, &items[i].link);
  ebb_list_foreach_safe(node, &head) {
    item *it = ebb_container_of(node, item, link);
    sum += it->number;
    if (it->number % 3 != 0)
      ebb_list_unlink(node);
  }
  CHECK_EQ(sum, 45);
  CHECK_LIST(&head, 0, 3, 6, 9);
  ebb_list_foreach(node, &head)
    sum -= ebb_container_of(node, item, link)->number;
  CHECK_EQ(sum, 45 - 18);
}

TEST(same_seed_same_numbers)
{
  ebb_rng a, b, c;
  int n_equal = 0;
  ebb_rng_init(&a, 42);
  ebb_rng_init(&b, 42);
  ebb_rng_init(&c, 43);
  for (int i = 0; i < 1000; i++) {
    uint64_t x = ebb_rng_next(&a);
    CHECK(x == ebb_rng_next(&b));
    n_equal += x == ebb_rng_next(&c);
  }
  CHECK_EQ(n_equal, 0);
}

/* No seed ends in the state that only gives zeros. */
TEST(every_seed_works)
{
  static const uint64_t seeds[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63,
                                   -UINT64_C(0x9E3779B97F4A7C15)};
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
    ebb_rng rng;
    uint64_t any = 0, all = UINT64_MAX;
    ebb_rng_init(&rng, seeds[i]);
    for (int k = 0; k < 64; k++) {
      uint64_t x = ebb_rng_next(&rng);
      any |= x;
      all &= x;
    }
    CHECK(any == UINT64_MAX && all == 0);
  }
}

/* Each of n values about equally often: chi squared, with a limit that a fair
   generator passes for any seed worth trying. */
TEST(below_is_even)
{
  static const uint32_t sizes[] = {1, 2, 3, 7, 10, 64, 100};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    enum { N_EACH = 2000 };
    uint32_t n = sizes[s], count[100] = {0};
    double chi2 = 0;
    ebb_rng rng;
    ebb_rng_init(&rng, s);
    for (uint32_t i = 0; i < n * N_EACH; i++) {
      uint32_t x = ebb_rng_below(&rng, n);
      CHECK(x < n);
      count[x < n ? x : 0]++;
    }
    for (uint32_t i = 0; i < n; i++) {
      double off = (double)count[i] - N_EACH;
      chi2 += off * off / N_EACH;
    }
    CHECK(chi2 < (double)n + 5 * 1.5 * (double)n);
  }
}

TEST(below_reaches_the_ends)
{
  ebb_rng rng;
  uint32_t low = UINT32_MAX, high = 0;
  ebb_rng_init(&rng, 1);
  for (int i = 0; i < 10000; i++) {
    uint32_t x = ebb_rng_below(&rng, UINT32_MAX);
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  CHECK(low < UINT32_MAX / 100);
  CHECK(high > UINT32_MAX / 100 * 99);
}

int main(void)
{
  RUN(empty);
  RUN(push_at_both_ends);
  RUN(unlink_first_middle_last_and_twice);
  RUN(splice);
  RUN(foreach_safe_may_unlink);
  RUN(same_seed_same_numbers);
  RUN(every_seed_works);
  RUN(below_is_even);
  RUN(below_reaches_the_ends);
  return check_report();
}
