/* SPDX-License-Identifier: MIT */
#include "uv/thread_chan.h"

#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>

struct ebb_thread_chan {
  atomic_uint n_refs;
  uint64_t cap;
  pthread_mutex_t lock;
  /* under the lock */
  ebb_list messages;
  ebb_list receivers, senders; /* of ebb_far */
  uint64_t count;
  unsigned n_receivers, n_senders;
  bool is_closed;
};

ebb_thread_chan *ebb_thread_chan_new(uint64_t cap)
{
  ebb_thread_chan *self = malloc(sizeof *self);
  if (self == NULL)
    return NULL;
  *self = (ebb_thread_chan){.cap = cap};
  if (pthread_mutex_init(&self->lock, NULL) != 0) {
    free(self);
    return NULL;
  }
  atomic_init(&self->n_refs, 1);
  ebb_list_init(&self->messages);
  ebb_list_init(&self->receivers);
  ebb_list_init(&self->senders);
  return self;
}

void ebb_thread_chan_retain(ebb_thread_chan *self)
{
  atomic_fetch_add_explicit(&self->n_refs, 1, memory_order_relaxed);
}

void ebb_thread_chan_release(ebb_thread_chan *self)
{
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  while (!ebb_list_is_empty(&self->messages)) {
    ebb_message *message =
        ebb_container_of(self->messages.next, ebb_message, link);
    ebb_list_unlink(&message->link);
    ebb_message_free(message);
  }
  pthread_mutex_destroy(&self->lock);
  free(self);
}

/* --- under the lock ------------------------------------------------------- */

static bool has_room(const ebb_thread_chan *self)
{
  return self->count < self->cap || self->count < self->n_receivers;
}

/* Tells the first n of `waits`; those who know already count. */
static void tell(const ebb_list *waits, uint64_t n)
{
  ebb_list_foreach(node, waits) {
    if (n-- == 0)
      return;
    ebb_far_post(ebb_container_of(node, ebb_far, link));
  }
}

/* After anything has changed: whoever could go on is on its way to look. */
static void settle(ebb_thread_chan *self)
{
  if (!ebb_list_is_empty(&self->receivers))
    tell(&self->receivers, self->is_closed ? UINT64_MAX : self->count);
  if (ebb_list_is_empty(&self->senders))
    return;
  if (self->is_closed) {
    tell(&self->senders, UINT64_MAX);
  } else if (has_room(self)) {
    uint64_t room =
        self->cap > self->n_receivers ? self->cap : self->n_receivers;
    tell(&self->senders, room - self->count);
  }
}

static int send(ebb_thread_chan *self, ebb_message *message)
{
  if (self->is_closed)
    return EBB_ECLOSED;
  if (!has_room(self))
    return EBB_EAGAIN;
  ebb_list_push_back(&self->messages, &message->link);
  self->count++;
  return EBB_OK;
}

static int recv(ebb_thread_chan *self, ebb_message **message)
{
  if (self->count == 0)
    return self->is_closed ? EBB_ECLOSED : EBB_EAGAIN;
  *message = ebb_container_of(self->messages.next, ebb_message, link);
  ebb_list_unlink(&(*message)->link);
  self->count--;
  return EBB_OK;
}

/* --- running tasks -------------------------------------------------------- */

int ebb_thread_chan_send(ebb_thread_chan *self, ebb_message *message)
{
  pthread_mutex_lock(&self->lock);
  int status = send(self, message);
  settle(self);
  pthread_mutex_unlock(&self->lock);
  return status;
}

int ebb_thread_chan_recv(ebb_thread_chan *self, ebb_message **message)
{
  pthread_mutex_lock(&self->lock);
  int status = recv(self, message);
  settle(self);
  pthread_mutex_unlock(&self->lock);
  return status;
}

void ebb_thread_chan_unrecv(ebb_thread_chan *self, ebb_message *message)
{
  pthread_mutex_lock(&self->lock);
  ebb_list_push_front(&self->messages, &message->link);
  self->count++;
  settle(self);
  pthread_mutex_unlock(&self->lock);
}

bool ebb_thread_chan_close(ebb_thread_chan *self)
{
  pthread_mutex_lock(&self->lock);
  bool was_open = !self->is_closed;
  self->is_closed = true;
  settle(self);
  pthread_mutex_unlock(&self->lock);
  return was_open;
}

void ebb_thread_chan_look(ebb_thread_chan *self, ebb_thread_chan_view *view)
{
  pthread_mutex_lock(&self->lock);
  *view = (ebb_thread_chan_view){.cap = self->cap,
                                 .count = self->count,
                                 .n_receivers = self->n_receivers,
                                 .n_senders = self->n_senders,
                                 .is_closed = self->is_closed};
  pthread_mutex_unlock(&self->lock);
}

/* --- parked tasks --------------------------------------------------------- */

static ebb_chan_far *wait_of(ebb_far *far)
{
  return ebb_container_of(far, ebb_chan_far, far);
}

/* Under the lock: it does not wait any more. */
static void unlink_wait(ebb_far *far, unsigned *n)
{
  if (!ebb_list_is_linked(&far->link))
    return;
  ebb_list_unlink(&far->link);
  --*n;
}

/* Its task's thread has come round to look. */
static void arrive(ebb_far *far)
{
  ebb_thread_chan *self = far->source;
  ebb_chan_far *wait = wait_of(far);
  bool sends = wait->message != NULL;
  pthread_mutex_lock(&self->lock);
  int status = sends ? send(self, wait->message) : recv(self, &wait->message);
  if (status != EBB_EAGAIN) {
    unlink_wait(far, sends ? &self->n_senders : &self->n_receivers);
    settle(self);
  }
  pthread_mutex_unlock(&self->lock);
  if (sends && status == EBB_OK)
    wait->message = NULL;
  if (status != EBB_EAGAIN)
    ebb_wake(far->wait, status);
}

/* What it was told of may be somebody else's now. */
static void leave(ebb_far *far, unsigned *n)
{
  ebb_thread_chan *self = far->source;
  pthread_mutex_lock(&self->lock);
  unlink_wait(far, n);
  settle(self);
  pthread_mutex_unlock(&self->lock);
  ebb_far_left(far);
}

static void leave_recv(ebb_wait *wait)
{
  ebb_far *far = wait->source;
  leave(far, &((ebb_thread_chan *)far->source)->n_receivers);
}

static void leave_send(ebb_wait *wait)
{
  ebb_far *far = wait->source;
  leave(far, &((ebb_thread_chan *)far->source)->n_senders);
}

static const ebb_wait_class recv_class = {"thread channel recv", true,
                                          leave_recv};
static const ebb_wait_class send_class = {"thread channel send", true,
                                          leave_send};

static void destroy(ebb_far *far)
{
  ebb_thread_chan *self = far->source;
  ebb_chan_far *wait = wait_of(far);
  ebb_message_free(wait->message);
  ebb_far_fini(far);
  free(wait);
  ebb_thread_chan_release(self);
}

ebb_chan_far *ebb_chan_far_new(ebb_thread_chan *chan, ebb_driver *driver)
{
  ebb_chan_far *wait = malloc(sizeof *wait);
  if (wait == NULL)
    return NULL;
  if (!ebb_far_init(&wait->far, driver)) {
    free(wait);
    return NULL;
  }
  wait->message = NULL;
  wait->far.lock = &chan->lock;
  wait->far.source = chan;
  wait->far.arrive = arrive;
  wait->far.destroy = destroy;
  ebb_thread_chan_retain(chan);
  return wait;
}

void ebb_chan_far_link(ebb_task *task, uint32_t i, ebb_chan_far *wait,
                       uint32_t slot)
{
  ebb_thread_chan *self = wait->far.source;
  bool sends = wait->message != NULL;
  pthread_mutex_lock(&self->lock);
  ebb_far_link(task, i, sends ? &send_class : &recv_class, &wait->far,
               sends ? &self->senders : &self->receivers, slot);
  if (sends)
    self->n_senders++;
  else
    self->n_receivers++;
  settle(self); /* it may have become possible since the attempt */
  pthread_mutex_unlock(&self->lock);
}
