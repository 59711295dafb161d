/* SPDX-License-Identifier: MIT */
#include "sync/scope.h"

#include "core/rt.h"

const ebb_wait_class ebb_scope_class = {"scope", false, NULL};

void ebb_scope_init(ebb_scope *scope)
{
  ebb_list_init(&scope->children);
  ebb_list_init(&scope->waiters);
  scope->n_children = 0;
}

void ebb_scope_adopt(ebb_scope *scope, ebb_task *task)
{
  task->scope = scope;
  ebb_list_push_back(&scope->children, &task->sibling);
  scope->n_children++;
}

void ebb_scope_left(ebb_scope *scope, ebb_task *task)
{
  ebb_list_unlink(&task->sibling);
  task->scope = NULL;
  if (--scope->n_children == 0)
    ebb_wake_all(&scope->waiters, EBB_OK);
}
