/* SPDX-License-Identifier: MIT */
/* Debug builds: the invariants of the primitives, walked at the end of every
   operation; nothing otherwise. A broken one traps. */
#ifndef EBB_SYNC_CHECK_H
#define EBB_SYNC_CHECK_H

#include "sync/chan.h"

#if defined(EBB_DEBUG_CHECKS)
/* I5, for tasks that have linked all their nodes. O(waiters), but looks at the
   first few only. */
void ebb_chan_check(const ebb_chan *chan);
#else
static inline void ebb_chan_check(const ebb_chan *chan)
{
  (void)chan;
}
#endif

#endif
