/* SPDX-License-Identifier: MIT */
#include "sync/check.h"

#include "core/task.h"

#if defined(EBB_DEBUG_CHECKS)

  #define CHECK_AT_MOST 64 /* nodes of a queue */

/* Someone other than `task` waits to receive. */
static bool has_other_receiver(const ebb_chan *chan, const ebb_task *task)
{
  int n = 0;
  ebb_list_foreach(node, &chan->receivers) {
    if (ebb_container_of(node, ebb_wait, link)->task != task)
      return true;
    if (++n == CHECK_AT_MOST)
      break;
  }
  return false;
}

static void check_senders(const ebb_chan *chan)
{
  int n = 0;
  ebb_list_foreach(node, &chan->senders) {
    const ebb_wait *wait = ebb_container_of(node, ebb_wait, link);
    EBB_CHECK(wait->cls == &ebb_chan_send_class ||
              wait->cls == &ebb_chan_reserve_class);
    if (wait->cls == &ebb_chan_send_class)
      EBB_CHECK(!has_other_receiver(chan, wait->task));
    else if (chan->cap == 0 && chan->reserved == 0)
      EBB_CHECK(!has_other_receiver(chan, wait->task));
    if (++n == CHECK_AT_MOST)
      break;
  }
}

void ebb_chan_check(const ebb_chan *chan)
{
  uint64_t held = chan->count + chan->reserved;
  EBB_CHECK(held <= (chan->cap > 0 ? chan->cap : 1));
  EBB_CHECK(chan->count <= chan->n_slots);
  EBB_CHECK(chan->head < chan->n_slots || chan->head == 0);
  if (!ebb_list_is_empty(&chan->senders)) {
    EBB_CHECK(!chan->closed);
    EBB_CHECK(held >= chan->cap);
    check_senders(chan);
  }
  if (!ebb_list_is_empty(&chan->receivers)) {
    EBB_CHECK(chan->count == 0);
    EBB_CHECK(!ebb_chan_is_drained(chan));
    const ebb_wait *head = ebb_waitq_head(&chan->receivers);
    EBB_CHECK(head->cls == &ebb_chan_recv_class);
    (void)head;
  }
  (void)held;
}

#endif
