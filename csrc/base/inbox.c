/* SPDX-License-Identifier: MIT */
#include "base/inbox.h"

#include <stddef.h>

/* Its address stands for "closed". */
static ebb_letter closed_mark;

void ebb_inbox_init(ebb_inbox *inbox)
{
  atomic_init(&inbox->newest, NULL);
}

int ebb_inbox_push(ebb_inbox *inbox, ebb_letter *post)
{
  ebb_letter *newest =
      atomic_load_explicit(&inbox->newest, memory_order_relaxed);
  do {
    if (newest == &closed_mark)
      return EBB_INBOX_CLOSED;
    post->next = newest;
  } while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &newest, post,
                                                  memory_order_release,
                                                  memory_order_relaxed));
  return newest == NULL ? EBB_INBOX_FIRST : EBB_INBOX_MORE;
}

bool ebb_inbox_is_empty(const ebb_inbox *inbox)
{
  const ebb_letter *newest =
      atomic_load_explicit(&inbox->newest, memory_order_relaxed);
  return newest == NULL || newest == &closed_mark;
}

static ebb_letter *take(ebb_inbox *inbox, ebb_letter *left)
{
  ebb_letter *newest =
      atomic_exchange_explicit(&inbox->newest, left, memory_order_acquire);
  ebb_letter *oldest = NULL;
  if (newest == &closed_mark)
    return NULL;
  while (newest != NULL) {
    ebb_letter *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

ebb_letter *ebb_inbox_take(ebb_inbox *inbox)
{
  if (ebb_inbox_is_empty(inbox)) /* also when it is closed */
    return NULL;
  return take(inbox, NULL);
}

ebb_letter *ebb_inbox_close(ebb_inbox *inbox)
{
  return take(inbox, &closed_mark);
}
