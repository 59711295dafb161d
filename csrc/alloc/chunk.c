/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise; darwin needs nothing */
#include "alloc/chunk.h"

#include "alloc/poison.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(_WIN32)
  #include <malloc.h>
#elif !defined(EBB_ASAN) && (defined(__unix__) || defined(__APPLE__))
  #define HAS_MAP 1
  #include <sys/mman.h>
#endif

#if defined(HAS_MAP)

static void *map_bytes(size_t n_bytes)
{
  void *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* The system often puts one mapping right below the last, so the first try is
   mostly aligned already. */
void *ebb_chunk_map(void)
{
  char *at = map_bytes(EBB_CHUNK_BYTES);
  if (at == NULL || ((uintptr_t)at & (EBB_CHUNK_BYTES - 1)) == 0)
    return at;
  munmap(at, EBB_CHUNK_BYTES);
  at = map_bytes(2 * EBB_CHUNK_BYTES);
  if (at == NULL)
    return NULL;
  size_t before = -(uintptr_t)at & (EBB_CHUNK_BYTES - 1);
  if (before > 0)
    munmap(at, before);
  munmap(at + before + EBB_CHUNK_BYTES, EBB_CHUNK_BYTES - before);
  return at + before;
}

void ebb_chunk_unmap(void *chunk)
{
  munmap(chunk, EBB_CHUNK_BYTES);
}

void ebb_chunk_purge(void *at, size_t n_bytes)
{
  madvise(at, n_bytes, MADV_DONTNEED);
}

#else

void *ebb_chunk_map(void)
{
  #if defined(_WIN32)
  return _aligned_malloc(EBB_CHUNK_BYTES, EBB_CHUNK_BYTES);
  #else
  return aligned_alloc(EBB_CHUNK_BYTES, EBB_CHUNK_BYTES);
  #endif
}

void ebb_chunk_unmap(void *chunk)
{
  #if defined(_WIN32)
  _aligned_free(chunk);
  #else
  free(chunk);
  #endif
}

void ebb_chunk_purge(void *at, size_t n_bytes)
{
  (void)at;
  (void)n_bytes;
}

#endif
