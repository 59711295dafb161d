/* SPDX-License-Identifier: MIT */
#include "sync/notify.h"

const ebb_wait_class ebb_notify_class = {"notify", false, NULL};
/* The class of a node changes at the wake: only then is it known what for. */
static const ebb_wait_class taken_class = {"notify", true, NULL};

void ebb_notify_init(ebb_notify *notify)
{
  ebb_list_init(&notify->waiters);
  notify->stored = false;
}

int ebb_notify_take(ebb_notify *notify)
{
  if (!notify->stored)
    return EBB_EAGAIN;
  notify->stored = false;
  return EBB_OK;
}

void ebb_notify_link(ebb_task *task, uint32_t i, ebb_notify *notify,
                     uint32_t slot)
{
  ebb_wait_link(task, i, &ebb_notify_class, notify, &notify->waiters, slot);
}

void ebb_notify_one(ebb_notify *notify)
{
  ebb_wait *head = ebb_waitq_head(&notify->waiters);
  if (head == NULL) {
    notify->stored = true;
    return;
  }
  head->cls = &taken_class;
  ebb_wake(head, EBB_OK);
}

size_t ebb_notify_all(ebb_notify *notify)
{
  return ebb_wake_all(&notify->waiters, EBB_OK);
}
