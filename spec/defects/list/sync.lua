--- Defects of csrc/sync: channels and locks without Lua.
return {
  { file = "csrc/sync/chan.c", caught_by = "test_chan",
    { "chan-full-by-one", "a channel takes one value too many",
      find = "return chan->count + chan->reserved < chan->cap;",
      put = "return chan->count + chan->reserved <= chan->cap;" },
    { "chan-reserved-not-room", "permits do not take up room",
      find = "return chan->count + chan->reserved < chan->cap;",
      put = "return chan->count < chan->cap;" },
    { "chan-wrap", "the ring wraps one slot late",
      find = "  if (++chan->head == chan->n_slots)",
      put = "  if (++chan->head > chan->n_slots)" },
    { "chan-no-refill", "a receive from a full channel leaves the waiting sender waiting",
      find = [[
    if (EBB_LIKELY(ebb_list_is_empty(&chan->senders)))
      xfer->refill = NULL;]],
      put = [[
    if (true)
      xfer->refill = NULL;]] },
    { "chan-close-senders", "a close leaves waiting senders waiting",
      find = "  ebb_wake_all(&chan->senders, EBB_ECLOSED);",
      put = "" },
    { "chan-close-receivers", "a close leaves waiting receivers waiting",
      find = [[
  ebb_wake_all(&chan->senders, EBB_ECLOSED);
  wake_drained(chan);]],
      put = "  ebb_wake_all(&chan->senders, EBB_ECLOSED);",
      caught_by = "spec/channel/close_spec.lua" },
    { "chan-close-drops", "a close forgets what is buffered",
      find = [[
  if (chan->count > 0) {
    xfer->peer = NULL;]],
      put = [[
  if (chan->count > 0 && !chan->closed) {
    xfer->peer = NULL;]] },
    { "chan-self-rendezvous", "a select on both ends of a rendezvous meets itself",
      find = [[
      if (ebb_container_of(other, ebb_wait, link)->task == wait->task)
        continue;]],
      put = "",
      caught_by = { "test_chan", "spec/channel/permit_spec.lua" } },
    { "chan-permit-drop", "a permit given back does not let the next sender in",
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
    wake_drained(chan);]] },
    { "chan-permit-closed", "the last permit of a closed channel does not wake its receivers",
      find = [[
  if (ebb_chan_is_drained(chan))
    ebb_wake_all(&chan->receivers, EBB_ECLOSED);]],
      put = [[
  if (chan->reserved > 0)
    ebb_wake_all(&chan->receivers, EBB_ECLOSED);]] },
  },
  { file = "csrc/sync/sem.c", caught_by = "test_sem",
    { "sem-barging", "an acquire passes those who wait",
      find = "  if (sem->available < n || !ebb_list_is_empty(&sem->waiters))",
      put = "  if (sem->available < n)" },
    { "sem-release-twice", "a release counts double when somebody waits",
      find = [[
    sem->available -= claim->n;
    claim->held = true;]],
      put = "    claim->held = true;" },
    { "sem-cancelled-blocks", "a large request that was cancelled keeps those behind it waiting",
      find = [[
  ebb_sem_claim *claim = wait->source;
  admit(claim->sem);]],
      put = "  (void)wait;" },
    { "sem-serves-one", "a release of many serves one",
      find = [[
    ebb_wake(head, EBB_OK);
  }]],
      put = [[
    ebb_wake(head, EBB_OK);
    break;
  }]] },
    { "sem-close-admits", "a closed semaphore still hands out permits",
      find = [[
  if (EBB_UNLIKELY(sem->closed))
    return EBB_ECLOSED;]],
      put = "" },
    { "sem-forget-too-much", "forgetting more permits than there are wraps",
      find = [[
  if (n > sem->available)
    n = sem->available;]],
      put = "" },
  },
  { file = "csrc/sync/token.c", caught_by = "test_token",
    { "token-child-missed", "a cancel misses the children of a child",
      find = [[
      at = child;
      next = at->children.next;]],
      put = "      next = next->next;" },
    { "token-born-alive", "a child of a cancelled token is not cancelled",
      find = "token->cancelled = parent != NULL && parent->cancelled;",
      put = "token->cancelled = false;" },
    { "token-run-late", "a body begun under a cancelled token is not struck",
      find = [[
  if (token->cancelled)
    ebb_region_strike(&run->region, false);]],
      put = "",
      caught_by = { "test_token", "spec/structure/token_spec.lua" } },
    { "token-orphan", "children of a token that goes keep its address",
      find = [[
    ebb_list_unlink(&child->sibling);
    child->parent = NULL;]],
      put = "    ebb_list_unlink(&child->sibling);" },
  },
  { file = "csrc/sync/watch.c", caught_by = "spec/channel/watch_spec.lua",
    { "watch-missed", "a subscription made after a value believes to have seen less",
      find = ".watch = watch, .seen = watch->version}",
      put = ".watch = watch, .seen = watch->version - 1}",
      caught_by = { "spec/channel/watch_spec.lua" } },
    { "watch-lost-last", "the last value before a close is not seen",
      find = [[
  if (sub->seen == sub->watch->version)
    return sub->watch->closed ? EBB_ECLOSED : EBB_EAGAIN;]],
      put = [[
  if (sub->watch->closed)
    return EBB_ECLOSED;
  if (sub->seen == sub->watch->version)
    return EBB_EAGAIN;]] },
    { "watch-unsubscribe-drops", "who waits with another subscription is forgotten",
      find = "      ebb_list_push_back(waiters, &wait->link);",
      put = "      ;" },
  },
  { file = "csrc/sync/broadcast.c", caught_by = "test_broadcast",
    { "broadcast-lag-off", "a subscriber lags one value too late",
      find = "  return broadcast->tail > broadcast->cap ? broadcast->tail - broadcast->cap",
      put = "  return broadcast->tail > broadcast->cap + 1 ? broadcast->tail - broadcast->cap - 1" },
    { "broadcast-oldest-stale", "a value is let go while somebody still wants it",
      find = "    if (next < oldest) {",
      put = "    if (next > oldest) {" },
    { "broadcast-wakes-drop", "of two that wait with one subscription one is forgotten",
      find = [[
    } else { /* several tasks wait with one subscription: one got it */
      ebb_list_unlink(&wait->link);
      ebb_list_push_back(&broadcast->waiters, &wait->link);]],
      put = [[
    } else { /* several tasks wait with one subscription: one got it */
      ebb_list_unlink(&wait->link);]],
      caught_by = { "test_broadcast", "spec/channel/broadcast_spec.lua" } },
    { "broadcast-unsubscribed-counts", "a subscription that ended still holds values back",
      find = "  advance(sub, broadcast->tail + 1);\n",
      put = "",
      caught_by = { "test_broadcast", "spec/channel/broadcast_spec.lua" } },
  },
  { file = "csrc/sync/notify.c", caught_by = "test_notify",
    { "notify-not-stored", "a notify that nobody waits for is lost",
      find = "    notify->stored = true;",
      put = "    ;" },
    { "notify-lost-by-cancel", "a permit handed to a task that is cancelled is lost",
      find = "  head->cls = &taken_class;\n",
      put = "" },
    { "notify-stays", "a stored permit is taken again and again",
      find = [[
  notify->stored = false;
  return EBB_OK;]],
      put = "  return EBB_OK;" },
  },
  { file = "csrc/sync/oneshot.c", caught_by = "spec/channel/oneshot_spec.lua",
    { "oneshot-second-waits", "the second receiver of a oneshot waits for ever",
      find = [[
  ebb_wake(*peer, EBB_OK);
  ebb_wake_all(&oneshot->waiters, EBB_ECLOSED);]],
      put = "  ebb_wake(*peer, EBB_OK);" },
    { "oneshot-twice", "a oneshot gives its value twice",
      find = [[
  case EBB_ONESHOT_SENT:
    oneshot->state = EBB_ONESHOT_TAKEN;]],
      put = "  case EBB_ONESHOT_SENT:" },
  },
  { file = "csrc/sync/barrier.c", caught_by = "spec/sync/barrier_spec.lua",
    { "barrier-one-short", "a barrier opens one too early",
      find = "  if (barrier->n_here + 1 < barrier->n)",
      put = "  if (barrier->n_here + 2 < barrier->n)" },
    { "barrier-cancelled-counts", "who was cancelled at a barrier still counts",
      find = "  barrier->n_here--;",
      put = [[
  if (barrier->n_here > 1) return;
  barrier->n_here--;]] },
    { "latch-wraps", "a latch counted down too far never opens",
      find = "latch->n = n < latch->n ? latch->n - n : 0;",
      put = "latch->n = latch->n - n;" },
  },
  { file = "csrc/sync/scope.c",
    { "scope-last-child", "the end of the last child does not wake the scope",
      find = "  if (--scope->n_children == 0)",
      put = "  if (scope->n_children-- == 0)",
      caught_by = "spec/structure/scope_spec.lua" },
    { "scope-child-stays", "a child that has ended stays in its scope's list",
      find = [[
  ebb_list_unlink(&task->sibling);
  task->scope = NULL;]],
      put = "  task->scope = NULL;",
      caught_by = "spec/structure/scope_object_spec.lua",
      seconds = 15 },
  },
  { file = "csrc/lua/l_promise.c",
    { "promise-twice", "a callback that is called twice changes its values",
      find = "  if (self->core.settled) {",
      put = "  if (self->core.settled && n > 9) {",
      caught_by = "spec/task/callback_spec.lua" },
  },
}
