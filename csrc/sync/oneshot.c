/* SPDX-License-Identifier: MIT */
#include "sync/oneshot.h"

const ebb_wait_class ebb_oneshot_class = {"oneshot recv", true, NULL};

void ebb_oneshot_init(ebb_oneshot *oneshot)
{
  ebb_list_init(&oneshot->waiters);
  oneshot->state = EBB_ONESHOT_EMPTY;
  oneshot->closed = false;
}

int ebb_oneshot_send(ebb_oneshot *oneshot, ebb_wait **peer)
{
  if (oneshot->closed || oneshot->state != EBB_ONESHOT_EMPTY)
    return EBB_ECLOSED;
  *peer = ebb_waitq_head(&oneshot->waiters);
  if (*peer == NULL) {
    oneshot->state = EBB_ONESHOT_SENT;
    return EBB_OK;
  }
  oneshot->state = EBB_ONESHOT_TAKEN;
  ebb_wake(*peer, EBB_OK);
  ebb_wake_all(&oneshot->waiters, EBB_ECLOSED);
  return EBB_OK;
}

int ebb_oneshot_recv(ebb_oneshot *oneshot)
{
  switch (oneshot->state) {
  case EBB_ONESHOT_SENT:
    oneshot->state = EBB_ONESHOT_TAKEN;
    return EBB_OK;
  case EBB_ONESHOT_TAKEN:
    return EBB_ECLOSED;
  default:
    return oneshot->closed ? EBB_ECLOSED : EBB_EAGAIN;
  }
}

void ebb_oneshot_close(ebb_oneshot *oneshot)
{
  oneshot->closed = true;
  ebb_wake_all(&oneshot->waiters, EBB_ECLOSED);
}
