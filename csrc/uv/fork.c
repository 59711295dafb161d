/* SPDX-License-Identifier: MIT */
#include "uv/fork.h"

#include "uv/interrupt.h"

#include <pthread.h>

atomic_uint ebb__n_forks;

static void in_child(void)
{
  atomic_fetch_add(&ebb__n_forks, 1);
  ebb__interrupt_forked();
}

static void begin_to_count(void)
{
  pthread_atfork(NULL, NULL, in_child);
}

void ebb_forks_count(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, begin_to_count);
}
