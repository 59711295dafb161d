/* SPDX-License-Identifier: MIT */
#include "uv/mailbox.h"

#include "base/base.h"

void ebb_mailbox_init(ebb_mailbox *box, ebb_driver *driver)
{
  box->driver = driver;
  box->n_mails = 0;
  ebb_list_init(&box->mails);
  ebb_list_init(&box->taken);
  ebb_list_init(&box->waiters);
}

void ebb_mailbox_put(ebb_mailbox *box, ebb_mail *mail)
{
  ebb_wait *wait = ebb_waitq_head(&box->waiters);
  if (wait == NULL) {
    mail->taker = NULL;
    ebb_list_push_back(&box->mails, &mail->link);
    box->n_mails++;
    return;
  }
  mail->taker = wait->task;
  ebb_list_push_back(&box->taken, &mail->link);
  ebb_wake(wait, EBB_OK);
}

ebb_mail *ebb_mailbox_first(const ebb_mailbox *box)
{
  return ebb_list_is_empty(&box->mails)
             ? NULL
             : ebb_container_of(box->mails.next, ebb_mail, link);
}

void ebb_mailbox_drop(ebb_mailbox *box, ebb_mail *mail)
{
  ebb_list_unlink(&mail->link);
  box->n_mails--;
}

ebb_mail *ebb_mailbox_taken(ebb_mailbox *box, const ebb_task *task)
{
  ebb_list_foreach(node, &box->taken) {
    ebb_mail *mail = ebb_container_of(node, ebb_mail, link);
    if (mail->taker == task) {
      ebb_list_unlink(node);
      mail->taker = NULL;
      ebb_list_push_front(&box->mails, node);
      box->n_mails++;
      return mail;
    }
  }
  return NULL;
}

ebb_mail *ebb_mailbox_any(ebb_mailbox *box)
{
  ebb_list *list = ebb_list_is_empty(&box->mails) ? &box->taken : &box->mails;
  if (ebb_list_is_empty(list))
    return NULL;
  ebb_mail *mail = ebb_container_of(list->next, ebb_mail, link);
  ebb_list_unlink(&mail->link);
  if (list == &box->mails)
    box->n_mails--;
  return mail;
}

void ebb_mailbox_link(ebb_task *task, uint32_t i, const ebb_wait_class *cls,
                      ebb_mailbox *box)
{
  ebb_driver_begin(box->driver, false);
  ebb_wait_link(task, i, cls, box, &box->waiters, 0);
}

void ebb_mailbox_leave(ebb_wait *wait)
{
  ebb_mailbox *box = wait->source;
  ebb_driver_end(box->driver, false);
}
