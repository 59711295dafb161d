--- Defects of csrc/sync: channels and locks without Lua.
return {
  {
    name = "chan-full-by-one",
    what = "a channel takes one value too many",
    file = "csrc/sync/chan.c",
    find = "return chan->count + chan->reserved < chan->cap;",
    put = "return chan->count + chan->reserved <= chan->cap;",
    caught_by = "test_chan",
  },
  {
    name = "chan-reserved-not-room",
    what = "permits do not take up room",
    file = "csrc/sync/chan.c",
    find = "return chan->count + chan->reserved < chan->cap;",
    put = "return chan->count < chan->cap;",
    caught_by = "test_chan",
  },
  {
    name = "chan-wrap",
    what = "the ring wraps one slot late",
    file = "csrc/sync/chan.c",
    find = "  if (++chan->head == chan->n_slots)",
    put = "  if (++chan->head > chan->n_slots)",
    caught_by = "test_chan",
  },
  {
    name = "chan-no-refill",
    what = "a receive from a full channel leaves the waiting sender waiting",
    file = "csrc/sync/chan.c",
    find = [[
    if (EBB_LIKELY(ebb_list_is_empty(&chan->senders)))
      xfer->refill = NULL;]],
    put = [[
    if (true)
      xfer->refill = NULL;]],
    caught_by = "test_chan",
  },
  {
    name = "chan-close-senders",
    what = "a close leaves waiting senders waiting",
    file = "csrc/sync/chan.c",
    find = "  ebb_wake_all(&chan->senders, EBB_ECLOSED);",
    put = "",
    caught_by = "test_chan",
  },
  {
    name = "chan-close-receivers",
    what = "a close leaves waiting receivers waiting",
    file = "csrc/sync/chan.c",
    find = [[
  ebb_wake_all(&chan->senders, EBB_ECLOSED);
  wake_drained(chan);]],
    put = "  ebb_wake_all(&chan->senders, EBB_ECLOSED);",
    caught_by = "spec/channel/close_spec.lua",
  },
  {
    name = "chan-close-drops",
    what = "a close forgets what is buffered",
    file = "csrc/sync/chan.c",
    find = [[
  if (chan->count > 0) {
    xfer->peer = NULL;]],
    put = [[
  if (chan->count > 0 && !chan->closed) {
    xfer->peer = NULL;]],
    caught_by = "test_chan",
  },
  {
    name = "chan-self-rendezvous",
    what = "a select on both ends of a rendezvous meets itself",
    file = "csrc/sync/chan.c",
    find = [[
      if (ebb_container_of(other, ebb_wait, link)->task == wait->task)
        continue;]],
    put = "",
    caught_by = { "test_chan", "spec/channel/permit_spec.lua" },
  },
  {
    name = "chan-permit-drop",
    what = "a permit given back does not let the next sender in",
    file = "csrc/sync/chan.c",
    find = [[
  xfer->peer = NULL;
  xfer->refill = NULL;
  if (chan->closed)
    wake_drained(chan);
  else
    admit_next(chan, xfer);]],
    put = [[
  xfer->peer = NULL;
  xfer->refill = NULL;
  if (chan->closed)
    wake_drained(chan);]],
    caught_by = "test_chan",
  },
  {
    name = "chan-permit-closed",
    what = "the last permit of a closed channel does not wake its receivers",
    file = "csrc/sync/chan.c",
    find = [[
  if (ebb_chan_is_drained(chan))
    ebb_wake_all(&chan->receivers, EBB_ECLOSED);]],
    put = [[
  if (chan->reserved > 0)
    ebb_wake_all(&chan->receivers, EBB_ECLOSED);]],
    caught_by = "test_chan",
  },
  {
    name = "sem-barging",
    what = "an acquire passes those who wait",
    file = "csrc/sync/sem.c",
    find = "  if (sem->available < n || !ebb_list_is_empty(&sem->waiters))",
    put = "  if (sem->available < n)",
    caught_by = "test_sem",
  },
  {
    name = "sem-release-twice",
    what = "a release counts double when somebody waits",
    file = "csrc/sync/sem.c",
    find = [[
    sem->available -= claim->n;
    claim->held = true;]],
    put = "    claim->held = true;",
    caught_by = "test_sem",
  },
  {
    name = "sem-cancelled-blocks",
    what = "a large request that was cancelled keeps those behind it waiting",
    file = "csrc/sync/sem.c",
    find = [[
  ebb_sem_claim *claim = wait->source;
  admit(claim->sem);]],
    put = "  (void)wait;",
    caught_by = "test_sem",
  },
  {
    name = "sem-serves-one",
    what = "a release of many serves one",
    file = "csrc/sync/sem.c",
    find = [[
    ebb_wake(head, EBB_OK);
  }]],
    put = [[
    ebb_wake(head, EBB_OK);
    break;
  }]],
    caught_by = "test_sem",
  },
  {
    name = "sem-close-admits",
    what = "a closed semaphore still hands out permits",
    file = "csrc/sync/sem.c",
    find = [[
  if (EBB_UNLIKELY(sem->closed))
    return EBB_ECLOSED;]],
    put = "",
    caught_by = "test_sem",
  },
  {
    name = "sem-forget-too-much",
    what = "forgetting more permits than there are wraps",
    file = "csrc/sync/sem.c",
    find = [[
  if (n > sem->available)
    n = sem->available;]],
    put = "",
    caught_by = "test_sem",
  },
  {
    name = "token-child-missed",
    what = "a cancel misses the children of a child",
    file = "csrc/sync/token.c",
    find = [[
      at = child;
      next = at->children.next;]],
    put = "      next = next->next;",
    caught_by = "test_token",
  },
  {
    name = "token-born-alive",
    what = "a child of a cancelled token is not cancelled",
    file = "csrc/sync/token.c",
    find = "token->cancelled = parent != NULL && parent->cancelled;",
    put = "token->cancelled = false;",
    caught_by = "test_token",
  },
  {
    name = "token-run-late",
    what = "a body begun under a cancelled token is not struck",
    file = "csrc/sync/token.c",
    find = [[
  if (token->cancelled)
    ebb_region_strike(&run->region, false);]],
    put = "",
    caught_by = { "test_token", "spec/structure/token_spec.lua" },
  },
  {
    name = "token-orphan",
    what = "children of a token that goes keep its address",
    file = "csrc/sync/token.c",
    find = [[
    ebb_list_unlink(&child->sibling);
    child->parent = NULL;]],
    put = "    ebb_list_unlink(&child->sibling);",
    caught_by = "test_token",
  },
  {
    name = "watch-missed",
    what = "a subscription made after a value believes to have seen less",
    file = "csrc/sync/watch.c",
    find = ".watch = watch, .seen = watch->version}",
    put = ".watch = watch, .seen = watch->version - 1}",
    caught_by = { "spec/channel/watch_spec.lua" },
  },
  {
    name = "watch-lost-last",
    what = "the last value before a close is not seen",
    file = "csrc/sync/watch.c",
    find = [[
  if (sub->seen == sub->watch->version)
    return sub->watch->closed ? EBB_ECLOSED : EBB_EAGAIN;]],
    put = [[
  if (sub->watch->closed)
    return EBB_ECLOSED;
  if (sub->seen == sub->watch->version)
    return EBB_EAGAIN;]],
    caught_by = "spec/channel/watch_spec.lua",
  },
  {
    name = "watch-unsubscribe-drops",
    what = "who waits with another subscription is forgotten",
    file = "csrc/sync/watch.c",
    find = "      ebb_list_push_back(waiters, &wait->link);",
    put = "      ;",
    caught_by = "spec/channel/watch_spec.lua",
  },
  {
    name = "broadcast-lag-off",
    what = "a subscriber lags one value too late",
    file = "csrc/sync/broadcast.c",
    find = "  return broadcast->tail > broadcast->cap ? broadcast->tail - broadcast->cap",
    put = "  return broadcast->tail > broadcast->cap + 1 ? broadcast->tail - broadcast->cap - 1",
    caught_by = "test_broadcast",
  },
  {
    name = "broadcast-oldest-stale",
    what = "a value is let go while somebody still wants it",
    file = "csrc/sync/broadcast.c",
    find = "    if (next < oldest) {",
    put = "    if (next > oldest) {",
    caught_by = "test_broadcast",
  },
  {
    name = "broadcast-wakes-drop",
    what = "of two that wait with one subscription one is forgotten",
    file = "csrc/sync/broadcast.c",
    find = [[
    } else { /* several tasks wait with one subscription: one got it */
      ebb_list_unlink(&wait->link);
      ebb_list_push_back(&broadcast->waiters, &wait->link);]],
    put = [[
    } else { /* several tasks wait with one subscription: one got it */
      ebb_list_unlink(&wait->link);]],
    caught_by = { "test_broadcast", "spec/channel/broadcast_spec.lua" },
  },
  {
    name = "broadcast-unsubscribed-counts",
    what = "a subscription that ended still holds values back",
    file = "csrc/sync/broadcast.c",
    find = [[
  advance(sub, broadcast->tail + 1);
]],
    put = "",
    caught_by = { "test_broadcast", "spec/channel/broadcast_spec.lua" },
  },
  {
    name = "notify-not-stored",
    what = "a notify that nobody waits for is lost",
    file = "csrc/sync/notify.c",
    find = "    notify->stored = true;",
    put = "    ;",
    caught_by = "test_notify",
  },
  {
    name = "notify-lost-by-cancel",
    what = "a permit handed to a task that is cancelled is lost",
    file = "csrc/sync/notify.c",
    find = [[
  head->cls = &taken_class;
]],
    put = "",
    caught_by = "test_notify",
  },
  {
    name = "notify-stays",
    what = "a stored permit is taken again and again",
    file = "csrc/sync/notify.c",
    find = [[
  notify->stored = false;
  return EBB_OK;]],
    put = "  return EBB_OK;",
    caught_by = "test_notify",
  },
  {
    name = "oneshot-second-waits",
    what = "the second receiver of a oneshot waits for ever",
    file = "csrc/sync/oneshot.c",
    find = [[
  ebb_wake(*peer, EBB_OK);
  ebb_wake_all(&oneshot->waiters, EBB_ECLOSED);]],
    put = "  ebb_wake(*peer, EBB_OK);",
    caught_by = "spec/channel/oneshot_spec.lua",
  },
  {
    name = "oneshot-twice",
    what = "a oneshot gives its value twice",
    file = "csrc/sync/oneshot.c",
    find = [[
  case EBB_ONESHOT_SENT:
    oneshot->state = EBB_ONESHOT_TAKEN;]],
    put = "  case EBB_ONESHOT_SENT:",
    caught_by = "spec/channel/oneshot_spec.lua",
  },
  {
    name = "barrier-one-short",
    what = "a barrier opens one too early",
    file = "csrc/sync/barrier.c",
    find = "  if (barrier->n_here + 1 < barrier->n)",
    put = "  if (barrier->n_here + 2 < barrier->n)",
    caught_by = "spec/sync/barrier_spec.lua",
  },
  {
    name = "barrier-cancelled-counts",
    what = "who was cancelled at a barrier still counts",
    file = "csrc/sync/barrier.c",
    find = "  barrier->n_here--;",
    put = [[
  if (barrier->n_here > 1) return;
  barrier->n_here--;]],
    caught_by = "spec/sync/barrier_spec.lua",
  },
  {
    name = "latch-wraps",
    what = "a latch counted down too far never opens",
    file = "csrc/sync/barrier.c",
    find = "latch->n = n < latch->n ? latch->n - n : 0;",
    put = "latch->n = latch->n - n;",
    caught_by = "spec/sync/barrier_spec.lua",
  },
  {
    name = "scope-last-child",
    what = "the end of the last child does not wake the scope",
    file = "csrc/sync/scope.c",
    find = "  if (--scope->n_children == 0)",
    put = "  if (scope->n_children-- == 0)",
    caught_by = "spec/structure/scope_spec.lua",
  },
  {
    name = "scope-child-stays",
    what = "a child that has ended stays in its scope's list",
    file = "csrc/sync/scope.c",
    find = [[
  ebb_list_unlink(&task->sibling);
  task->scope = NULL;]],
    put = "  task->scope = NULL;",
    seconds = 15,
    caught_by = "spec/structure/scope_object_spec.lua",
  },
  {
    name = "promise-twice",
    what = "a callback that is called twice changes its values",
    file = "csrc/lua/l_promise.c",
    find = "  if (self->core.settled) {",
    put = "  if (self->core.settled && n > 9) {",
    caught_by = "spec/task/callback_spec.lua",
  },
}
