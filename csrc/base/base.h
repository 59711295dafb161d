/* SPDX-License-Identifier: MIT */
/* What every layer may use: container_of, branch hints, checks, export macro.
 */
#ifndef EBB_BASE_BASE_H
#define EBB_BASE_BASE_H

#include <stddef.h>
#include <stdint.h>

#define EBB_NS_PER_S UINT64_C(1000000000)

/* A point in time that never comes. */
#define EBB_NEVER UINT64_MAX

#define ebb_container_of(ptr, type, member)                                    \
  ((type *)((char *)(ptr)-offsetof(type, member)))

#if defined(__GNUC__)
  #define EBB_LIKELY(x)   __builtin_expect(!!(x), 1)
  #define EBB_UNLIKELY(x) __builtin_expect(!!(x), 0)
  #define EBB_EXPORT      __attribute__((visibility("default")))
#else
  #define EBB_LIKELY(x)   (!!(x))
  #define EBB_UNLIKELY(x) (!!(x))
  #if defined(_WIN32)
    #define EBB_EXPORT __declspec(dllexport)
  #else
    #define EBB_EXPORT
  #endif
#endif

/* EBB_CHECK: an invariant of ebb itself. Compiled in only with
   -DEBB_DEBUG_CHECKS (the debug, asan and tsan builds), where breaking one
   prints it and traps; costs nothing otherwise. Never used on user input. */
#if defined(EBB_DEBUG_CHECKS)
  #include <stdio.h>
  #define EBB_CHECK(cond)                                                      \
    ((cond) ? (void)0                                                          \
            : (fprintf(stderr, "%s:%d: ebb invariant broken: %s\n", __FILE__,  \
                       __LINE__, #cond),                                       \
               __builtin_trap()))
#else
  #define EBB_CHECK(cond) ((void)0)
#endif

#endif
