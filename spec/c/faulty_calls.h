/* SPDX-License-Identifier: MIT */
/* Calls of libc that fail when told to: the program's own definitions of them
   stand before libc's for libuv, too. Only calls by ebb and libuv count, not
   those by libc, Lua or a checker. See test_lua_syscalls.c.

   Counting is shared with children, so that what a child does before it runs
   its program fails as well. Any thread may call; one arms. */
#ifndef EBB_SPEC_FAULTY_CALLS_H
#define EBB_SPEC_FAULTY_CALLS_H

#include <stdbool.h>

#define FAULTY_ERRORS 7

typedef struct faulty_call {
  const char *name;
  bool gives_code;           /* the error is the result, not in errno */
  int errors[FAULTY_ERRORS]; /* that it may have, the commonest first; 0 ends */
  int unseen[FAULTY_ERRORS]; /* of these, those that a caller never hears of */
} faulty_call;

extern const faulty_call faulty_calls[];
extern const int n_faulty_calls;

typedef struct faulty_plan {
  int call;        /* index of faulty_calls; -1: none */
  int error;       /* what the call fails with */
  long k, n;       /* calls k … k + n - 1 fail */
  bool is_short;   /* what reads or writes moves one byte at a time */
  int first_error; /* of EINTR, EAGAIN: every other such call fails with it */
} faulty_plan;

/* False: libuv is a part of the program, its calls are not told apart. */
bool faulty_open(void);
void faulty_arm(const faulty_plan *plan);
void faulty_disarm(void);
long faulty_count(int call); /* of calls since it was armed */
long faulty_failures(void);

#endif
