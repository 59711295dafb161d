/* SPDX-License-Identifier: MIT */
/* What a handle receives, one thing after the other (events, datagrams), until
   tasks take it: a queue of mails, and the tasks that wait for one.

   A mail that comes while a task waits is that task's from the wake on; it lies
   among the taken ones until the task's settle finds it there, so nobody comes
   in between and nothing is copied twice. Mails belong to who made them: the
   box only links them. Bounds are its user's business. Everything is O(1) but
   ebb_mailbox_taken, which is O(tasks woken and not run yet).

   Internal to csrc/uv; allocates nothing and cannot fail. */
#ifndef EBB_UV_MAILBOX_H
#define EBB_UV_MAILBOX_H

#include "core/task.h"
#include "uv/driver.h"

typedef struct ebb_mail {
  ebb_list link;
  ebb_task *taker; /* among the taken: whose it is */
} ebb_mail;

typedef struct ebb_mailbox {
  ebb_driver *driver; /* busy while anybody waits */
  ebb_list mails, taken;
  ebb_waitq waiters;
  size_t n_mails;
} ebb_mailbox;

void ebb_mailbox_init(ebb_mailbox *box, ebb_driver *driver);
/* To the first who waits, else to the end of the queue. */
void ebb_mailbox_put(ebb_mailbox *box, ebb_mail *mail);
/* The first mail, which stays there; NULL when there is none. */
ebb_mail *ebb_mailbox_first(const ebb_mailbox *box);
/* Takes the first mail out; it is the caller's now. */
void ebb_mailbox_drop(ebb_mailbox *box, ebb_mail *mail);
/* The mail that `task` was woken with is the first of the queue now: then it is
   not lost when taking it fails. NULL: there is none. */
ebb_mail *ebb_mailbox_taken(ebb_mailbox *box, const ebb_task *task);
/* Some mail, taken or not, without its links; NULL when none is left. */
ebb_mail *ebb_mailbox_any(ebb_mailbox *box);

/* Node i of the task waits. cls: `takes`, with a leave that calls
   ebb_mailbox_leave. */
void ebb_mailbox_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                      ebb_mailbox *box);
void ebb_mailbox_leave(ebb_wait *wait);

#endif
