/* SPDX-License-Identifier: MIT */
/* The children of a scope: who is alive, and who waits for the last of them.
   What a failed child means is the host's to decide. The scope's memory must
   outlive its children (the host keeps it while n_children > 0). */
#ifndef EBB_SYNC_SCOPE_H
#define EBB_SYNC_SCOPE_H

#include "core/task.h"

typedef struct ebb_scope {
  ebb_list children; /* of ebb_task.sibling, in order of spawning */
  size_t n_children;
  ebb_waitq waiters; /* woken with EBB_OK when the last child has ended */
} ebb_scope;

extern const ebb_wait_class ebb_scope_class; /* "scope" */

void ebb_scope_init(ebb_scope *scope);
void ebb_scope_adopt(ebb_scope *scope, ebb_task *task);
/* To be called when a child has ended, before the host frees it. */
void ebb_scope_left(ebb_scope *scope, ebb_task *task);
#endif
