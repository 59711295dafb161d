/* SPDX-License-Identifier: MIT */
/* An allocator that fails at request k, for test_lua_oom.c. Blocks always move,
   are filled before use and after, and know their size: what is given back with
   another one is found. */
#ifndef EBB_SPEC_OOM_ALLOC_H
#define EBB_SPEC_OOM_ALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/heap.h"
#include "check.h"

#define N_REFUSED 64

typedef struct failing {
  long n_direct;                 /* requests of ebb itself, not through Lua */
  long n_asked, fail_at, n_fail; /* requests fail_at … fail_at + n_fail - 1 */
  long n_refusals;
  bool is_armed;
  bool first_fails; /* every first attempt, instead */
  size_t refused[N_REFUSED];
  int n_refused;
  size_t live_bytes, live_blocks;
} failing;

typedef struct block {
  size_t n_bytes;
  size_t mark;
} block;

#define MARK ((size_t)0x5afeb10c)

static bool refuse_first(failing *f, size_t n_bytes)
{
  for (int i = 0; i < f->n_refused; i++) {
    if (f->refused[i] == n_bytes) {
      f->refused[i] = f->refused[--f->n_refused];
      return false;
    }
  }
  if (f->n_refused == N_REFUSED)
    f->n_refused = 0;
  f->refused[f->n_refused++] = n_bytes;
  return true;
}

static bool refuses(failing *f, size_t n_bytes)
{
  if (!f->is_armed)
    return false;
  f->n_asked++;
  bool is_refused = f->first_fails ? refuse_first(f, n_bytes)
                                   : f->n_asked >= f->fail_at &&
                                         f->n_asked - f->fail_at < f->n_fail;
  f->n_refusals += is_refused;
  return is_refused;
}

/* --- malloc, as ebb's own files call it (EBB_OOM_WRAP) --- */

#if defined(EBB_OOM_WRAP)
  #include <pthread.h>

void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t n, size_t n_bytes);
void *__real_realloc(void *ptr, size_t n_bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t n, size_t n_bytes);
void *__wrap_realloc(void *ptr, size_t n_bytes);
char *__wrap_strdup(const char *text);

  #define real_malloc __real_malloc

/* Whose faults malloc has now, on any thread. */
static failing *malloc_fails;
static pthread_mutex_t malloc_mutex = PTHREAD_MUTEX_INITIALIZER;

static void malloc_arm(failing *f)
{
  pthread_mutex_lock(&malloc_mutex);
  malloc_fails = f;
  pthread_mutex_unlock(&malloc_mutex);
}

static bool malloc_refuses(size_t n_bytes)
{
  pthread_mutex_lock(&malloc_mutex);
  bool is_refused = malloc_fails != NULL && refuses(malloc_fails, n_bytes);
  pthread_mutex_unlock(&malloc_mutex);
  if (is_refused)
    errno = ENOMEM;
  return is_refused;
}

void *__wrap_malloc(size_t n_bytes)
{
  return malloc_refuses(n_bytes) ? NULL : __real_malloc(n_bytes);
}

void *__wrap_calloc(size_t n, size_t n_bytes)
{
  return malloc_refuses(n_bytes) ? NULL : __real_calloc(n, n_bytes);
}

void *__wrap_realloc(void *ptr, size_t n_bytes)
{
  return malloc_refuses(n_bytes) ? NULL : __real_realloc(ptr, n_bytes);
}

char *__wrap_strdup(const char *text)
{
  return malloc_refuses(0) ? NULL : __real_strdup(text);
}
#else
  #define real_malloc malloc
#endif

static void release(failing *f, void *ptr, size_t n_bytes)
{
  if (ptr == NULL)
    return;
  block *b = (block *)ptr - 1;
  CHECK_EQ(b->mark, MARK);
  CHECK_EQ(b->n_bytes, n_bytes);
  f->live_bytes -= n_bytes;
  f->live_blocks--;
  memset(b, 0xDD, sizeof *b + n_bytes);
  free(b);
}

static void *failing_alloc(void *ud, void *ptr, size_t old_bytes,
                           size_t new_bytes)
{
  failing *f = ud;
  if (ptr == NULL)
    old_bytes = 0; /* Lua tells the kind of object here */
  if (new_bytes == 0) {
    release(f, ptr, old_bytes);
    return NULL;
  }
  if (new_bytes > old_bytes && refuses(f, new_bytes))
    return NULL;
  block *b = real_malloc(sizeof *b + new_bytes);
  if (b == NULL)
    return NULL;
  *b = (block){new_bytes, MARK};
  memset(b + 1, 0xAB, new_bytes);
  if (ptr != NULL)
    memcpy(b + 1, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
  f->live_bytes += new_bytes;
  f->live_blocks++;
  release(f, ptr, old_bytes);
  return b + 1;
}

/* What ebb asks for itself. It may need several blocks at a time and tries all
   of them again, so that not every first attempt can fail. */
static void *direct_alloc(void *ud, void *ptr, size_t old_bytes,
                          size_t new_bytes)
{
  failing *f = ud;
  bool first_fails = f->first_fails;
  if (first_fails && f->is_armed && new_bytes > old_bytes) {
    if (f->n_direct++ % 8 == 0)
      return NULL;
    f->first_fails = f->is_armed = false;
    void *got = failing_alloc(ud, ptr, old_bytes, new_bytes);
    f->first_fails = f->is_armed = true;
    return got;
  }
  return failing_alloc(ud, ptr, old_bytes, new_bytes);
}

/* --- ebb's allocator over it --- */

static bool heap_refuses(void *ud, size_t n_bytes)
{
  return refuses(ud, n_bytes);
}

static bool heap_refuses_page(void *ud)
{
  return refuses(ud, 0);
}

static bool heap_refuses_any(void *ud)
{
  (void)ud;
  return true;
}

/* A page would do for all of a short script. So every block there is in the
   pages of a heap is taken, and the first request of each size needs a page. */
typedef struct filling {
  void *first[EBB_HEAP_PAGED_MAX / 8];
} filling;

static void heap_fill(ebb_heap *heap, filling *fill)
{
  ebb_heap_account *was = ebb_heap_enter(heap, NULL);
  ebb_heap_set_refuses_page(heap, heap_refuses_any, NULL);
  for (size_t i = 0; i < EBB_HEAP_PAGED_MAX / 8; i++) {
    void *got;
    fill->first[i] = NULL;
    while ((got = ebb_heap_alloc(heap, NULL, 0, (i + 1) * 8)) != NULL) {
      *(void **)got = fill->first[i];
      fill->first[i] = got;
    }
  }
  ebb_heap_enter(heap, was);
}

static void heap_unfill(ebb_heap *heap, filling *fill)
{
  for (size_t i = 0; i < EBB_HEAP_PAGED_MAX / 8; i++) {
    for (void *at = fill->first[i], *next; at != NULL; at = next) {
      next = *(void **)at;
      ebb_heap_alloc(heap, at, (i + 1) * 8, 0);
    }
  }
}

#endif
