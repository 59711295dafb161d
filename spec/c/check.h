/* SPDX-License-Identifier: MIT */
/* Assertions for the C tests. They survive NDEBUG, print both operands and
   count, so that one failure does not hide the next. Each test is a program:

     TEST(name) { CHECK_EQ(1 + 1, 2); }
     int main(void) { RUN(name); return check_report(); }

   check_report prints the plain line `N passed, N failed` (N = tests, not
   assertions). */
#ifndef EBB_SPEC_CHECK_H
#define EBB_SPEC_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_n_passed, check_n_failed, check_failures_here;
static const char *check_name;

#define TEST(name) static void test_##name(void)
#define RUN(name)  check_run(#name, test_##name)

#define CHECK(cond)                                                            \
  do {                                                                         \
    if (!(cond)) {                                                             \
      check_failures_here++;                                                   \
      fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__,         \
              check_name, #cond);                                              \
    }                                                                          \
  } while (0)

#define CHECK_EQ(a, b)                                                         \
  do {                                                                         \
    int64_t check_a = (int64_t)(a), check_b = (int64_t)(b);                    \
    if (check_a != check_b) {                                                  \
      check_failures_here++;                                                   \
      fprintf(stderr, "%s:%d: %s: %s is %" PRId64 ", %s is %" PRId64 "\n",     \
              __FILE__, __LINE__, check_name, #a, check_a, #b, check_b);       \
    }                                                                          \
  } while (0)

#define CHECK_STR(a, b)                                                        \
  do {                                                                         \
    const char *check_a = (a), *check_b = (b);                                 \
    if (strcmp(check_a, check_b) != 0) {                                       \
      check_failures_here++;                                                   \
      fprintf(stderr, "%s:%d: %s: %s is \"%s\", not \"%s\"\n", __FILE__,       \
              __LINE__, check_name, #a, check_a, check_b);                     \
    }                                                                          \
  } while (0)

/* For a signal whose handler asks for another stack, such as that of a slice,
   valgrind does not let the usual one grow, and ends the program: it grows
   before. */
__attribute__((noinline)) static void check_grow_stack(void)
{
  volatile char block[1024 * 1024];
  for (size_t at = sizeof block; at > 0; at -= 1024)
    block[at - 1] = 0;
}

static inline void check_run(const char *name, void (*fn)(void))
{
  if (check_name == NULL)
    check_grow_stack();
  check_name = name;
  check_failures_here = 0;
  fn();
  if (check_failures_here == 0)
    check_n_passed++;
  else
    check_n_failed++;
}

static inline int check_report(void)
{
  printf("%d passed, %d failed\n", check_n_passed, check_n_failed);
  return check_n_failed != 0;
}

#endif
