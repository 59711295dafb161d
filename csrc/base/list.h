/* SPDX-License-Identifier: MIT */
/* Intrusive doubly linked circular list. A head is a node that carries no item;
   an unlinked node points at itself, so `is_linked` is one compare and
   unlinking twice is harmless. No allocation, O(1) everything. The owner of an
   item owns the memory of its node. */
#ifndef EBB_BASE_LIST_H
#define EBB_BASE_LIST_H

#include <stdbool.h>

typedef struct ebb_list {
  struct ebb_list *next, *prev;
} ebb_list;

static inline void ebb_list_init(ebb_list *node)
{
  node->next = node->prev = node;
}

static inline bool ebb_list_is_empty(const ebb_list *head)
{
  return head->next == head;
}

static inline bool ebb_list_is_linked(const ebb_list *node)
{
  return node->next != node;
}

static inline void ebb_list_push_back(ebb_list *head, ebb_list *node)
{
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}

static inline void ebb_list_push_front(ebb_list *head, ebb_list *node)
{
  node->next = head->next;
  node->prev = head;
  head->next->prev = node;
  head->next = node;
}

static inline void ebb_list_unlink(ebb_list *node)
{
  node->prev->next = node->next;
  node->next->prev = node->prev;
  node->next = node->prev = node;
}

/* Moves every node of `from` to the end of `to`; `from` is empty afterwards. */
static inline void ebb_list_splice(ebb_list *to, ebb_list *from)
{
  if (ebb_list_is_empty(from))
    return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  ebb_list_init(from);
}

#define ebb_list_foreach(node, head)                                           \
  for (ebb_list *node = (head)->next; node != (head); node = node->next)

/* The loop body may unlink (or free) `node`. */
#define ebb_list_foreach_safe(node, head)                                      \
  for (ebb_list *node = (head)->next, *node##_next = node->next;               \
       node != (head); node = node##_next, node##_next = node->next)

#endif
