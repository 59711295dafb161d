/* SPDX-License-Identifier: MIT */
/* Where other threads leave something for one thread: many push, one takes all
   that is there, in the order it was pushed. Intrusive: a post is its owner's
   memory, in at most one inbox, and not touched again once it has been taken.

   One atomic word, no lock: ebb_inbox_push is a compare and exchange loop (it
   only repeats when another push came in between), taking is one exchange and a
   reversal, O(posts). What was written before a push is seen by who takes it.
   Nothing allocates or fails, but that a closed inbox takes nothing more. */
#ifndef EBB_BASE_INBOX_H
#define EBB_BASE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct ebb_letter {
  struct ebb_letter *next;
  /* What its taker calls; the post may be freed or pushed again in it. */
  void (*run)(struct ebb_letter *self);
} ebb_letter;

typedef struct ebb_inbox {
  _Atomic(ebb_letter *) newest; /* or the mark of a closed inbox */
} ebb_inbox;

enum { EBB_INBOX_CLOSED, EBB_INBOX_FIRST, EBB_INBOX_MORE };

void ebb_inbox_init(ebb_inbox *inbox);
/* From any thread. CLOSED: not taken. FIRST: it was empty, so the taker has to
   be told; MORE: whoever pushed first tells it. */
int ebb_inbox_push(ebb_inbox *inbox, ebb_letter *post);
/* From any thread: is there anything? */
bool ebb_inbox_is_empty(const ebb_inbox *inbox);

/* The taker: everything that is there, oldest first, linked by `next`. */
ebb_letter *ebb_inbox_take(ebb_inbox *inbox);
/* The same, and nothing is pushed any more. */
ebb_letter *ebb_inbox_close(ebb_inbox *inbox);

#endif
