/* SPDX-License-Identifier: MIT */
/* Copies of the process. After fork() the child has no threads but one, and
   shares the loops' descriptors with its parent: what it does to them, the
   parent would feel. So whatever belongs to a loop or to threads keeps the
   number of forks that this process had behind it when it was made; another
   number tells that it is a copy. Only fork() counts: what system() and the
   like start never comes back here. */
#ifndef EBB_UV_FORK_H
#define EBB_UV_FORK_H

#include <stdatomic.h>

extern atomic_uint ebb__n_forks;

/* How many forks lie between the first process and this one. Async-signal-safe.
 */
static inline unsigned ebb_forks(void)
{
  return atomic_load_explicit(&ebb__n_forks, memory_order_relaxed);
}

/* Forks are counted from now on. Idempotent; from any thread. */
void ebb_forks_count(void);

#endif
