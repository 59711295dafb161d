/* SPDX-License-Identifier: MIT */
/* Watch: the latest value and its version. Each subscription knows which
   version it has seen; versions are compared for equality only, so that they
   may wrap. The value is the host's. O(1) but for those who are woken. */
#ifndef EBB_SYNC_WATCH_H
#define EBB_SYNC_WATCH_H

#include "core/task.h"

typedef struct ebb_watch {
  ebb_waitq waiters; /* source: the ebb_watch_sub */
  uint64_t version;
  bool closed;
} ebb_watch;

typedef struct ebb_watch_sub {
  ebb_watch *watch;
  uint64_t seen;
  bool closed;
} ebb_watch_sub;

extern const ebb_wait_class ebb_watch_class; /* "watch changed" */

void ebb_watch_init(ebb_watch *watch);
/* There is a new value: wakes all who wait for one. */
void ebb_watch_set(ebb_watch *watch);
void ebb_watch_close(ebb_watch *watch);

/* The present value counts as seen. */
void ebb_watch_subscribe(ebb_watch *watch, ebb_watch_sub *sub);
/* EBB_OK: there is an unseen value, and now it counts as seen; a value wins
   over closed. EBB_EAGAIN, EBB_ECLOSED. */
int ebb_watch_changed(ebb_watch_sub *sub);
void ebb_watch_link(ebb_task *task, uint32_t i, ebb_watch_sub *sub,
                    uint32_t slot);
/* Who waits with this subscription gets EBB_ECLOSED. O(waiters) */
void ebb_watch_unsubscribe(ebb_watch_sub *sub);

#endif
