/* SPDX-License-Identifier: MIT */
#include "sync/promise.h"

const ebb_wait_class ebb_promise_class = {"callback", false, NULL};

void ebb_promise_init(ebb_promise *promise)
{
  ebb_list_init(&promise->waiters);
  promise->settled = promise->abandoned = false;
}

bool ebb_promise_settle(ebb_promise *promise, bool abandoned)
{
  if (promise->settled)
    return false;
  promise->settled = true;
  promise->abandoned = abandoned;
  ebb_wake_all(&promise->waiters, abandoned ? EBB_ECLOSED : EBB_OK);
  return true;
}
