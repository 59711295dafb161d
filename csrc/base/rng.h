/* SPDX-License-Identifier: MIT */
/* Reproducible random numbers (xorshift64*, seeded through splitmix64): the
   same seed gives the same sequence everywhere. Not for secrets. */
#ifndef EBB_BASE_RNG_H
#define EBB_BASE_RNG_H

#include <stdint.h>

typedef struct ebb_rng {
  uint64_t state; /* never 0 */
} ebb_rng;

static inline void ebb_rng_init(ebb_rng *rng, uint64_t seed)
{
  uint64_t z = seed + UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  rng->state = (z ^ (z >> 31)) | 1;
}

static inline uint64_t ebb_rng_next(ebb_rng *rng)
{
  uint64_t x = rng->state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  rng->state = x;
  return x * UINT64_C(0x2545F4914F6CDD1D);
}

/* 0 … n - 1; the bias is below n / 2^32. n must not be 0. */
static inline uint32_t ebb_rng_below(ebb_rng *rng, uint32_t n)
{
  return (uint32_t)(((ebb_rng_next(rng) >> 32) * n) >> 32);
}

#endif
