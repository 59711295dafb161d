/* SPDX-License-Identifier: MIT */
/* For tests that are linked with --wrap (see CMakeLists.txt): malloc, calloc
   and realloc as ebb's own files call them fail, from request malloc_fails_at
   on. */
#ifndef EBB_SPEC_MALLOC_FAILS_H
#define EBB_SPEC_MALLOC_FAILS_H

#include <stdlib.h>

#if defined(EBB_WRAPS_MALLOC)

  #define MALLOC_NEVER_FAILS (1L << 60)

static long malloc_fails_at = MALLOC_NEVER_FAILS, malloc_n_asked;

void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t n, size_t n_bytes);
void *__real_realloc(void *ptr, size_t n_bytes);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t n, size_t n_bytes);
void *__wrap_realloc(void *ptr, size_t n_bytes);

/* Request k and those after it fail; 0: none does. */
static inline void malloc_fail_from(long k)
{
  malloc_n_asked = 0;
  malloc_fails_at = k > 0 ? k : MALLOC_NEVER_FAILS;
}

void *__wrap_malloc(size_t n_bytes)
{
  return ++malloc_n_asked >= malloc_fails_at ? NULL : __real_malloc(n_bytes);
}

void *__wrap_calloc(size_t n, size_t n_bytes)
{
  return ++malloc_n_asked >= malloc_fails_at ? NULL : __real_calloc(n, n_bytes);
}

void *__wrap_realloc(void *ptr, size_t n_bytes)
{
  return ++malloc_n_asked >= malloc_fails_at ? NULL
                                             : __real_realloc(ptr, n_bytes);
}

#endif
#endif
