/* SPDX-License-Identifier: MIT */
/* A promise: something that happens once, made to happen by code that is no
   task. While it is unresolved its runtime is not stuck: the host counts it
   where it counts requests in flight. What it carries is the host's. */
#ifndef EBB_SYNC_PROMISE_H
#define EBB_SYNC_PROMISE_H

#include "core/task.h"

typedef struct ebb_promise {
  ebb_waitq waiters;
  bool settled;   /* resolved or abandoned */
  bool abandoned; /* nobody is left who could resolve it */
} ebb_promise;

extern const ebb_wait_class ebb_promise_class; /* "callback" */

void ebb_promise_init(ebb_promise *promise);
/* Wakes every waiter with EBB_OK, or EBB_ECLOSED when abandoned. False when it
   was settled before. Never runs task code. */
bool ebb_promise_settle(ebb_promise *promise, bool abandoned);

#endif
