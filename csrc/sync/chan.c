/* SPDX-License-Identifier: MIT */
#include "sync/chan.h"

#include "sync/check.h"

const ebb_wait_class ebb_chan_send_class = {"channel send", true, NULL};
const ebb_wait_class ebb_chan_recv_class = {"channel recv", true, NULL};
const ebb_wait_class ebb_chan_reserve_class = {"channel reserve", true, NULL};

void ebb_chan_init(ebb_chan *chan, uint64_t cap)
{
  *chan = (ebb_chan){.cap = cap};
  ebb_list_init(&chan->senders);
  ebb_list_init(&chan->receivers);
}

static uint64_t put_slot(ebb_chan *chan)
{
  EBB_CHECK(chan->count < chan->n_slots);
  uint64_t slot = chan->head + chan->count;
  if (slot >= chan->n_slots)
    slot -= chan->n_slots;
  chan->count++;
  return slot;
}

static uint64_t take_slot(ebb_chan *chan)
{
  uint64_t slot = chan->head;
  if (++chan->head == chan->n_slots)
    chan->head = 0;
  chan->count--;
  return slot;
}

static bool has_room(const ebb_chan *chan)
{
  return chan->count + chan->reserved < chan->cap;
}

int ebb_chan_send(ebb_chan *chan, ebb_xfer *xfer)
{
  if (EBB_UNLIKELY(chan->closed))
    return EBB_ECLOSED;
  ebb_wait *receiver = ebb_waitq_head(&chan->receivers);
  if (receiver != NULL) {
    xfer->peer = receiver;
    ebb_wake(receiver, EBB_OK);
    ebb_chan_check(chan);
    return EBB_OK;
  }
  if (!has_room(chan))
    return EBB_EAGAIN;
  xfer->peer = NULL;
  xfer->slot = put_slot(chan);
  ebb_chan_check(chan);
  return EBB_OK;
}

/* A rendezvous grants one permit at a time, and only while somebody else is
   there to take the value: a select may wait on both sides. */
static void grant_rendezvous(ebb_chan *chan, const ebb_task *except)
{
  if (chan->reserved > 0)
    return;
  ebb_list_foreach(node, &chan->senders) {
    ebb_wait *wait = ebb_container_of(node, ebb_wait, link);
    if (wait->task == except || wait->cls != &ebb_chan_reserve_class)
      continue;
    ebb_list_foreach(other, &chan->receivers) {
      if (ebb_container_of(other, ebb_wait, link)->task == wait->task)
        continue;
      chan->reserved++;
      ebb_wake(wait, EBB_OK);
      return;
    }
  }
}

/* The sender or reserver at the head may go on if a slot is free. */
static void admit_next(ebb_chan *chan, ebb_xfer *xfer)
{
  ebb_wait *next = ebb_waitq_head(&chan->senders);
  xfer->refill = NULL;
  if (next == NULL)
    return;
  if (chan->cap == 0) {
    grant_rendezvous(chan, NULL);
    return;
  }
  if (!has_room(chan))
    return;
  if (next->cls == &ebb_chan_reserve_class) {
    chan->reserved++;
  } else {
    xfer->refill = next;
    xfer->refill_slot = put_slot(chan);
  }
  ebb_wake(next, EBB_OK);
}

int ebb_chan_recv(ebb_chan *chan, ebb_xfer *xfer)
{
  if (chan->count > 0) {
    xfer->peer = NULL;
    xfer->slot = take_slot(chan);
    if (EBB_LIKELY(ebb_list_is_empty(&chan->senders)))
      xfer->refill = NULL;
    else
      admit_next(chan, xfer);
    ebb_chan_check(chan);
    return EBB_OK;
  }
  if (chan->closed)
    return chan->reserved > 0 ? EBB_EAGAIN : EBB_ECLOSED;
  /* Senders wait beside an empty channel on a rendezvous, and where permits
     hold every slot: the first one with a value is met right here. */
  ebb_list_foreach(node, &chan->senders) {
    ebb_wait *sender = ebb_container_of(node, ebb_wait, link);
    if (sender->cls != &ebb_chan_send_class)
      continue;
    xfer->peer = sender;
    xfer->refill = NULL;
    ebb_wake(sender, EBB_OK);
    ebb_chan_check(chan);
    return EBB_OK;
  }
  return EBB_EAGAIN;
}

int ebb_chan_reserve(ebb_chan *chan)
{
  if (chan->closed)
    return EBB_ECLOSED;
  if (chan->cap == 0) {
    if (chan->reserved > 0 || ebb_list_is_empty(&chan->receivers))
      return EBB_EAGAIN;
  } else if (!has_room(chan)) {
    return EBB_EAGAIN;
  }
  chan->reserved++;
  ebb_chan_check(chan);
  return EBB_OK;
}

void ebb_chan_receiver_came(ebb_chan *chan, const ebb_task *task)
{
  if (chan->cap == 0 && !ebb_list_is_empty(&chan->senders))
    grant_rendezvous(chan, task);
  ebb_chan_check(chan);
}

static void wake_drained(ebb_chan *chan)
{
  if (ebb_chan_is_drained(chan))
    ebb_wake_all(&chan->receivers, EBB_ECLOSED);
}

void ebb_chan_permit_send(ebb_chan *chan, ebb_xfer *xfer)
{
  EBB_CHECK(chan->reserved > 0);
  chan->reserved--;
  ebb_wait *receiver = ebb_waitq_head(&chan->receivers);
  xfer->peer = receiver;
  xfer->refill = NULL;
  if (receiver == NULL) {
    xfer->slot = put_slot(chan);
    ebb_chan_check(chan);
    return;
  }
  ebb_wake(receiver, EBB_OK);
  /* The value went by the slot that the permit held: it is free now. */
  if (chan->closed)
    wake_drained(chan);
  else
    admit_next(chan, xfer);
  ebb_chan_check(chan);
}

void ebb_chan_permit_release(ebb_chan *chan, ebb_xfer *xfer)
{
  EBB_CHECK(chan->reserved > 0);
  chan->reserved--;
  xfer->peer = NULL;
  xfer->refill = NULL;
  if (chan->closed)
    wake_drained(chan);
  else
    admit_next(chan, xfer);
  ebb_chan_check(chan);
}

bool ebb_chan_close(ebb_chan *chan)
{
  if (chan->closed)
    return false;
  chan->closed = true;
  ebb_wake_all(&chan->senders, EBB_ECLOSED);
  wake_drained(chan);
  ebb_chan_check(chan);
  return true;
}
