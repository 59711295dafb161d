/* SPDX-License-Identifier: MIT */
#include "sync/watch.h"

const ebb_wait_class ebb_watch_class = {"watch changed", false, NULL};

void ebb_watch_init(ebb_watch *watch)
{
  ebb_list_init(&watch->waiters);
  watch->version = 0;
  watch->closed = false;
}

void ebb_watch_set(ebb_watch *watch)
{
  watch->version++;
  ebb_wake_all(&watch->waiters, EBB_OK);
}

void ebb_watch_close(ebb_watch *watch)
{
  watch->closed = true;
  ebb_wake_all(&watch->waiters, EBB_ECLOSED);
}

void ebb_watch_subscribe(ebb_watch *watch, ebb_watch_sub *sub)
{
  *sub = (ebb_watch_sub){.watch = watch, .seen = watch->version};
}

int ebb_watch_changed(ebb_watch_sub *sub)
{
  if (sub->closed)
    return EBB_ECLOSED;
  if (sub->seen == sub->watch->version)
    return sub->watch->closed ? EBB_ECLOSED : EBB_EAGAIN;
  sub->seen = sub->watch->version;
  return EBB_OK;
}

void ebb_watch_link(ebb_task *task, uint32_t i, ebb_watch_sub *sub,
                    uint32_t slot)
{
  ebb_wait_link(task, i, &ebb_watch_class, sub, &sub->watch->waiters, slot);
}

void ebb_watch_unsubscribe(ebb_watch_sub *sub)
{
  ebb_waitq *waiters = &sub->watch->waiters, all;
  sub->closed = true;
  ebb_list_init(&all);
  ebb_list_splice(&all, waiters);
  ebb_wait *wait; /* a wake may take several nodes out of both lists */
  while ((wait = ebb_waitq_head(&all)) != NULL) {
    if (wait->source == sub) {
      ebb_wake(wait, EBB_ECLOSED);
    } else {
      ebb_list_unlink(&wait->link);
      ebb_list_push_back(waiters, &wait->link);
    }
  }
}
