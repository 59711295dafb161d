/* SPDX-License-Identifier: MIT */
/* Notify: wakes one who waits, or the next to come (one notification is kept,
   never more), or all who wait now. O(1), ebb_notify_all O(waiters). */
#ifndef EBB_SYNC_NOTIFY_H
#define EBB_SYNC_NOTIFY_H

#include "core/task.h"

typedef struct ebb_notify {
  ebb_waitq waiters;
  bool stored;
} ebb_notify;

/* Who is woken by ebb_notify_one has taken something: task->took says so. If
   it does not come to use it, the host passes it on with ebb_notify_one. */
extern const ebb_wait_class ebb_notify_class; /* "notify" */

void ebb_notify_init(ebb_notify *notify);
/* EBB_OK when one was kept, which is gone then; or EBB_EAGAIN. */
int ebb_notify_take(ebb_notify *notify);
void ebb_notify_link(ebb_task *task, uint32_t i, ebb_notify *notify,
                     uint32_t slot);
void ebb_notify_one(ebb_notify *notify);
size_t ebb_notify_all(ebb_notify *notify);

#endif
