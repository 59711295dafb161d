/* SPDX-License-Identifier: MIT */
/* Oneshot: one message, sent once, received once. The message is the host's; of
   several who wait the first gets it, the others see that it is closed. */
#ifndef EBB_SYNC_ONESHOT_H
#define EBB_SYNC_ONESHOT_H

#include "core/task.h"

enum { EBB_ONESHOT_EMPTY, EBB_ONESHOT_SENT, EBB_ONESHOT_TAKEN };

typedef struct ebb_oneshot {
  ebb_waitq waiters;
  uint8_t state;
  bool closed;
} ebb_oneshot;

extern const ebb_wait_class ebb_oneshot_class; /* "oneshot recv" */

void ebb_oneshot_init(ebb_oneshot *oneshot);
/* EBB_OK: the message goes to *peer, who has been woken, or (NULL) the host
   keeps it. EBB_ECLOSED: sent before, or closed. */
int ebb_oneshot_send(ebb_oneshot *oneshot, ebb_wait **peer);
/* EBB_OK: the host hands out what it kept. EBB_EAGAIN, EBB_ECLOSED. */
int ebb_oneshot_recv(ebb_oneshot *oneshot);
/* Who waits is woken with EBB_ECLOSED; what was sent can still be received. */
void ebb_oneshot_close(ebb_oneshot *oneshot);

#endif
