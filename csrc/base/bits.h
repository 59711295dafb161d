/* SPDX-License-Identifier: MIT */
/* Arithmetic on the bits of a number. */
#ifndef EBB_BASE_BITS_H
#define EBB_BASE_BITS_H

#include <stdint.h>

/* The exponent of the largest power of two that is not above n; n > 0. */
static inline unsigned ebb_floor_log2(uint64_t n)
{
#if defined(__GNUC__)
  return 63 - (unsigned)__builtin_clzll(n);
#else
  unsigned log = 0;
  while (n >>= 1)
    log++;
  return log;
#endif
}

#endif
