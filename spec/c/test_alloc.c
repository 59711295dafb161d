/* SPDX-License-Identifier: MIT */
/* The allocator interface: its counters are exact, whatever the function
   behind it does, and a request that fails changes nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "alloc/alloc.h"
#include "base/rng.h"
#include "check.h"

/* Notes what it is called with; refuses while told to. */
typedef struct spy {
  void *ptr;
  size_t old_bytes, new_bytes;
  long n_calls;
  int refuses;
} spy;

static void *spy_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
  spy *s = ud;
  s->ptr = ptr;
  s->old_bytes = old_bytes;
  s->new_bytes = new_bytes;
  s->n_calls++;
  if (new_bytes == 0) {
    free(ptr);
    return NULL;
  }
  return s->refuses ? NULL : realloc(ptr, new_bytes);
}

static void check_counts(const ebb_alloc *alloc, size_t live, size_t peak,
                         uint64_t n_calls)
{
  CHECK_EQ(alloc->live_bytes, live);
  CHECK_EQ(alloc->peak_bytes, peak);
  CHECK_EQ(alloc->n_calls, n_calls);
}

TEST(counts_what_malloc_gives)
{
  ebb_alloc alloc;
  ebb_alloc_init(&alloc, NULL, NULL);
  check_counts(&alloc, 0, 0, 0);
  char *a = ebb_alloc_get(&alloc, 100);
  CHECK(a != NULL);
  memset(a, 'a', 100);
  check_counts(&alloc, 100, 100, 1);
  char *b = ebb_alloc_get(&alloc, 50);
  CHECK(b != NULL);
  check_counts(&alloc, 150, 150, 2);
  a = ebb_alloc_resize(&alloc, a, 100, 1000);
  CHECK(a != NULL && a[0] == 'a' && a[99] == 'a');
  check_counts(&alloc, 1050, 1050, 3);
  a = ebb_alloc_resize(&alloc, a, 1000, 10);
  CHECK(a != NULL && a[9] == 'a');
  check_counts(&alloc, 60, 1050, 4);
  ebb_alloc_put(&alloc, b, 50);
  check_counts(&alloc, 10, 1050, 4);
  ebb_alloc_put(&alloc, a, 10);
  check_counts(&alloc, 0, 1050, 4);
}

TEST(passes_on_what_it_is_told)
{
  ebb_alloc alloc;
  spy s = {0};
  ebb_alloc_init(&alloc, spy_alloc, &s);
  void *a = ebb_alloc_get(&alloc, 24);
  CHECK(s.ptr == NULL && s.old_bytes == 0 && s.new_bytes == 24);
  uintptr_t was = (uintptr_t)a;
  a = ebb_alloc_resize(&alloc, a, 24, 48);
  CHECK((uintptr_t)s.ptr == was && s.old_bytes == 24 && s.new_bytes == 48);
  was = (uintptr_t)a;
  ebb_alloc_put(&alloc, a, 48);
  CHECK((uintptr_t)s.ptr == was && s.old_bytes == 48 && s.new_bytes == 0);
  CHECK_EQ(s.n_calls, 3);
}

TEST(nothing_given_back_is_nothing)
{
  ebb_alloc alloc;
  spy s = {0};
  ebb_alloc_init(&alloc, spy_alloc, &s);
  ebb_alloc_put(&alloc, NULL, 0);
  CHECK_EQ(s.n_calls, 0);
  check_counts(&alloc, 0, 0, 0);
}

TEST(resize_to_nothing_frees)
{
  ebb_alloc alloc;
  ebb_alloc_init(&alloc, NULL, NULL);
  void *a = ebb_alloc_get(&alloc, 64);
  CHECK(ebb_alloc_resize(&alloc, a, 64, 0) == NULL);
  check_counts(&alloc, 0, 64, 1);
}

TEST(a_refusal_changes_nothing)
{
  ebb_alloc alloc;
  spy s = {0};
  ebb_alloc_init(&alloc, spy_alloc, &s);
  unsigned char *a = ebb_alloc_get(&alloc, 32);
  CHECK(a != NULL);
  memset(a, 7, 32);
  s.refuses = 1;
  CHECK(ebb_alloc_get(&alloc, 1000) == NULL);
  check_counts(&alloc, 32, 32, 2); /* it was asked, though */
  CHECK(ebb_alloc_resize(&alloc, a, 32, 5000) == NULL);
  check_counts(&alloc, 32, 32, 3);
  CHECK(ebb_alloc_resize(&alloc, a, 32, 16) == NULL);
  check_counts(&alloc, 32, 32, 4);
  for (int i = 0; i < 32; i++)
    CHECK_EQ(a[i], 7);
  ebb_alloc_put(&alloc, a, 32); /* giving back cannot fail */
  check_counts(&alloc, 0, 32, 4);
}

/* Many requests, one in eight refused; the counters equal a count by hand. */
TEST(exact_over_random_use)
{
  enum { N = 64 };
  void *block[N] = {NULL};
  size_t n_bytes[N] = {0}, live = 0, peak = 0;
  uint64_t n_calls = 0;
  ebb_alloc alloc;
  ebb_rng rng;
  spy s = {0};
  ebb_alloc_init(&alloc, spy_alloc, &s);
  ebb_rng_init(&rng, 5);
  for (int step = 0; step < 20000; step++) {
    uint32_t i = ebb_rng_below(&rng, N);
    size_t wanted = ebb_rng_below(&rng, 3) == 0 ? 0 : ebb_rng_below(&rng, 500);
    s.refuses = ebb_rng_below(&rng, 8) == 0;
    if (wanted == 0) {
      ebb_alloc_put(&alloc, block[i], n_bytes[i]);
      block[i] = NULL;
    } else {
      n_calls++;
      void *moved = ebb_alloc_resize(&alloc, block[i], n_bytes[i], wanted);
      CHECK((moved == NULL) == s.refuses);
      if (moved == NULL)
        continue;
      block[i] = memset(moved, (int)i, wanted);
    }
    live = live - n_bytes[i] + wanted;
    n_bytes[i] = wanted;
    peak = live > peak ? live : peak;
    CHECK(alloc.live_bytes == live && alloc.peak_bytes == peak);
  }
  for (int i = 0; i < N; i++)
    ebb_alloc_put(&alloc, block[i], n_bytes[i]);
  check_counts(&alloc, 0, peak, n_calls);
}

int main(void)
{
  RUN(counts_what_malloc_gives);
  RUN(passes_on_what_it_is_told);
  RUN(nothing_given_back_is_nothing);
  RUN(resize_to_nothing_frees);
  RUN(a_refusal_changes_nothing);
  RUN(exact_over_random_use);
  return check_report();
}
