/* SPDX-License-Identifier: MIT */
#include "sync/token.h"

const ebb_wait_class ebb_token_class = {"token", false, NULL};

void ebb_token_init(ebb_token *token, ebb_token *parent)
{
  token->parent = parent;
  token->cancelled = parent != NULL && parent->cancelled;
  ebb_list_init(&token->sibling);
  ebb_list_init(&token->children);
  ebb_list_init(&token->waiters);
  ebb_list_init(&token->runs);
  if (parent != NULL)
    ebb_list_push_back(&parent->children, &token->sibling);
}

void ebb_token_fini(ebb_token *token)
{
  ebb_list_unlink(&token->sibling);
  token->parent = NULL;
  /* children that outlive it (a state that closes): they stand alone now */
  while (!ebb_list_is_empty(&token->children)) {
    ebb_token *child =
        ebb_container_of(token->children.next, ebb_token, sibling);
    ebb_list_unlink(&child->sibling);
    child->parent = NULL;
  }
}

static void cancel_one(ebb_token *token, void (*visit)(ebb_token *, void *),
                       void *ud)
{
  token->cancelled = true;
  if (visit != NULL)
    visit(token, ud);
  ebb_wake_all(&token->waiters, EBB_OK);
  ebb_list_foreach(node, &token->runs) {
    ebb_token_run *run = ebb_container_of(node, ebb_token_run, link);
    ebb_region_strike(&run->region, false);
  }
}

bool ebb_token_cancel(ebb_token *token, void (*visit)(ebb_token *, void *),
                      void *ud)
{
  if (token->cancelled)
    return false;
  cancel_one(token, visit, ud);
  /* Depth first without recursion: trees may be deep. Nothing here runs task
     code, so the tree holds still. */
  ebb_token *at = token;
  ebb_list *next = at->children.next;
  for (;;) {
    if (next != &at->children) {
      ebb_token *child = ebb_container_of(next, ebb_token, sibling);
      if (child->cancelled) {
        next = next->next;
        continue;
      }
      cancel_one(child, visit, ud);
      at = child;
      next = at->children.next;
    } else if (at == token) {
      return true;
    } else {
      next = at->sibling.next;
      at = at->parent;
    }
  }
}

void ebb_token_run_open(ebb_token *token, ebb_token_run *run, ebb_task *task)
{
  ebb_region_open(&run->region, task, EBB_REGION_TOKEN);
  ebb_list_push_back(&token->runs, &run->link);
  if (token->cancelled)
    ebb_region_strike(&run->region, false);
}

void ebb_token_run_close(ebb_token_run *run)
{
  ebb_list_unlink(&run->link);
  ebb_region_close(&run->region);
}
