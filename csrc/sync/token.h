/* SPDX-License-Identifier: MIT */
/* Cancellation token: a node of a tree that, once cancelled, stays so, with
   everything below it. Waking its waiters and striking the regions that run
   under it cannot fail. A child is unlinked by ebb_token_fini; the host keeps
   the parent alive as long as a child is. */
#ifndef EBB_SYNC_TOKEN_H
#define EBB_SYNC_TOKEN_H

#include "core/region.h"
#include "core/wait.h"

typedef struct ebb_token {
  struct ebb_token *parent;
  ebb_list sibling, children;
  ebb_waitq waiters;
  ebb_list runs; /* of ebb_token_run */
  bool cancelled;
} ebb_token;

/* A stretch of code that runs under the token (tok:run). */
typedef struct ebb_token_run {
  ebb_region region;
  ebb_list link;
} ebb_token_run;

extern const ebb_wait_class ebb_token_class; /* "token" */

/* parent may be NULL; a child of a cancelled token is born cancelled. */
void ebb_token_init(ebb_token *token, ebb_token *parent);
void ebb_token_fini(ebb_token *token);

/* Cancels the token and all below it; calls visit(token, ud), if given, for
   each one that this call cancelled, before anyone is woken through it. */
bool ebb_token_cancel(ebb_token *token, void (*visit)(ebb_token *, void *),
                      void *ud);

void ebb_token_run_open(ebb_token *token, ebb_token_run *run, ebb_task *task);
void ebb_token_run_close(ebb_token_run *run);

#endif
