--- Defects of csrc/base and csrc/core: lists, the waiting protocol, tasks, timers, clocks, regions.
return {
  {
    name = "wake-leaves-siblings",
    what = "a wake through a single node does not take it out of its queue",
    file = "csrc/core/wait.c",
    find = [[
    task->n_waits = 0;
    ebb_list_unlink(&wait->link);]],
    put = "    task->n_waits = 0;",
    caught_by = "test_wait",
  },
  {
    name = "select-leaves-nodes",
    what = "the other nodes of a select stay in their queues",
    file = "csrc/core/wait.c",
    find = [[
    ebb_list_unlink(&wait->link);
    if (wait->cls->leave != NULL)
]],
    put = [[
    if (i == task->arm) ebb_list_unlink(&wait->link);
    if (wait->cls->leave != NULL)
]],
    caught_by = "test_wait",
  },
  {
    name = "leave-not-called",
    what = "the last node of a select leaves without its class being told",
    file = "csrc/core/wait.c",
    find = [[
if (wait->cls->leave != NULL)
      wait->cls->leave(wait);]],
    put = [[
if (wait->cls->leave != NULL && (i == 0 || i + 1 < n))
      wait->cls->leave(wait);]],
    caught_by = "test_wait",
  },
  {
    name = "wake-all-one",
    what = "wake_all wakes only the first",
    file = "csrc/core/wait.c",
    find = [[
    ebb_wake(wait, status);
    n++;]],
    put = [[
    ebb_wake(wait, status);
    n++;
    break;]],
    caught_by = { "test_notify", "test_rt" },
  },
  {
    name = "took-whatever-status",
    what = "a close counts as a taken value, so that a cancel loses against it",
    file = "csrc/core/wait.c",
    find = "task->took = status == EBB_OK && wait->cls->takes;",
    put = "task->took = wait->cls->takes;",
    caught_by = "test_wait",
  },
  {
    name = "took-never",
    what = "a delivered value can be taken away by a cancel",
    file = "csrc/core/wait.c",
    find = "task->took = status == EBB_OK && wait->cls->takes;",
    put = "task->took = false;",
    caught_by = "test_wait",
  },
  {
    name = "wake-status-lost",
    what = "an interrupted task believes that its wait ended well",
    file = "csrc/core/wait.c",
    find = [[
  task->arm = EBB_ARM_NONE;
  task->status = status;]],
    put = [[
  task->arm = EBB_ARM_NONE;
  task->status = EBB_OK;]],
    caught_by = "test_wait",
  },
  {
    name = "ready-in-front",
    what = "a woken task goes to the front of the ready queue",
    file = "csrc/core/wait.c",
    find = "  ebb_list_push_back(&rt->ready, &task->link);",
    put = "  ebb_list_push_front(&rt->ready, &task->link);",
    caught_by = "test_rt",
  },
  {
    name = "yield-in-front",
    what = "a task that gives way goes to the front of the queue",
    file = "csrc/core/wait.c",
    find = "  ebb_list_push_back(&task->rt->ready, &task->link);",
    put = "  ebb_list_push_front(&task->rt->ready, &task->link);",
    caught_by = "test_rt",
  },
  {
    name = "yield-not-counted",
    what = "the count of ready tasks misses those that gave way",
    file = "csrc/core/wait.c",
    find = "task->rt->n_ready++;",
    put = "",
    caught_by = "test_rt",
  },
  {
    name = "reserve-off-by-one",
    what = "room for one wait node less than asked for",
    file = "csrc/core/wait.c",
    find = [[
  if (cap < n)
    cap = n;]],
    put = [[
  if (cap + 1 < n)
    cap = n - 1;]],
    caught_by = { "test_wait", "spec/op/select_spec.lua" },
  },
  {
    name = "reserve-leaks",
    what = "the old array of wait nodes is not given back when it grows",
    file = "csrc/core/wait.c",
    find = [[
  if (task->waits != &task->wait0)
    ebb_alloc_put(]],
    put = [[
  if (false)
    ebb_alloc_put(]],
    caught_by = { "test_wait", "asan spec/op/select_spec.lua" },
  },
  {
    name = "reserve-frees-inline",
    what = "the node in the task is freed as if it had been allocated",
    file = "csrc/core/wait.c",
    find = [[
  if (task->waits != &task->wait0)
    ebb_alloc_put(]],
    put = [[
  if (task->waits != NULL)
    ebb_alloc_put(]],
    caught_by = "test_wait",
  },
  {
    name = "end-leaks-nodes",
    what = "the wait nodes of a task that ends are not given back",
    file = "csrc/core/rt.c",
    find = "  if (task->waits != &task->wait0) {",
    put = "  if (false) {",
    caught_by = "test_wait",
  },
  {
    name = "joiners-forgotten",
    what = "who waits for a task's end is not woken",
    file = "csrc/core/rt.c",
    find = "  ebb_wake_all(&task->joiners, EBB_OK);",
    put = "",
    caught_by = "test_rt",
  },
  {
    name = "spawn-budget-0",
    what = "the budget of awaits is not renewed each turn",
    file = "csrc/core/rt.c",
    find = [[
    task->state = EBB_TASK_RUNNING;
    task->budget = EBB_TASK_BUDGET;]],
    put = "    task->state = EBB_TASK_RUNNING;",
    caught_by = "spec/task/budget_spec.lua",
  },
  {
    name = "turn-unbounded",
    what = "a turn goes on while anything is ready",
    file = "csrc/core/rt.c",
    find = "  size_t n = rt->n_ready < limit ? rt->n_ready : limit;",
    put = "  size_t n = limit;",
    caught_by = { "test_rt", "spec/task/yield_spec.lua" },
  },
  {
    name = "turn-over-ignored",
    what = "the wish to look at clock and I/O before more tasks is not heard",
    file = "csrc/core/rt.c",
    find = [[
    if (EBB_UNLIKELY(rt->turn_over))
      return i + 1;]],
    put = "",
    caught_by = "test_rt",
  },
  {
    name = "seed-one-of-two",
    what = "a seed never picks the last of the ready tasks",
    file = "csrc/core/rt.c",
    find = "uint32_t skip = ebb_rng_below(&rt->rng, window);",
    put = "uint32_t skip = ebb_rng_below(&rt->rng, window > 1 ? window - 1 : 1);",
    caught_by = "test_rt",
  },
  {
    name = "time-goes-back",
    what = "time can be moved back",
    file = "csrc/core/rt.c",
    find = [[
  if (now_ns > rt->now_ns)
    rt->now_ns = now_ns;]],
    put = "  rt->now_ns = now_ns;",
    caught_by = "test_rt",
  },
  {
    name = "sleep-early",
    what = "the part of a nanosecond is cut off: a sleep can end early",
    file = "csrc/core/rt.c",
    find = "    span_ns++; /* never early */",
    put = "    ;",
    caught_by = "test_rt",
  },
  {
    name = "sleep-wraps",
    what = "a very long sleep ends at once",
    file = "csrc/core/rt.c",
    find = "return span_ns >= EBB_NEVER - now_ns ? EBB_NEVER : now_ns + span_ns;",
    put = "return now_ns + (span_ns << 1);",
    caught_by = { "test_rt", "spec/time/sleep_spec.lua" },
  },
  {
    name = "sleep-leaks",
    what = "the node of a sleep is not given back",
    file = "csrc/core/rt.c",
    find = "  ebb_slab_put(&sleep->rt->sleeps, sleep);",
    put = "",
    caught_by = { "test_rt", "test_timer", "spec/runtime/metrics_spec.lua", "spec/time" },
  },
  {
    name = "sleep-stays-armed",
    what = "the timer of a sleep that was cancelled stays armed",
    file = "csrc/core/rt.c",
    find = "  ebb_timer_disarm(&sleep->rt->timers, &sleep->timer);",
    put = "",
    caught_by = "test_rt",
  },
  {
    name = "overdue-never",
    what = "cleanups that take too long are not ended",
    file = "csrc/core/rt.c",
    find = "  task->overdue = true;",
    put = "",
    caught_by = "spec/task/cleanup_spec.lua",
  },
  {
    name = "next-due-ignores-ending",
    what = "a sleeping loop does not wake for the cleanup_timeout",
    file = "csrc/core/rt.c",
    find = [[
    if (task->ending_due_ns < due_ns)
      due_ns = task->ending_due_ns;]],
    put = "",
    caught_by = "spec/task/cleanup_spec.lua",
  },
  {
    name = "frame-not-woken",
    what = "who waits for the next frame is not woken",
    file = "csrc/core/rt.c",
    find = "  ebb_wake_all(&rt->frame, EBB_OK);",
    put = "",
    caught_by = "spec/time/frame_spec.lua",
  },
  {
    name = "timer-order",
    what = "of equal deadlines the one armed last fires first",
    file = "csrc/core/timer.c",
    find = "(a->due_ns == b->due_ns && a->order < b->order)",
    put = "(a->due_ns == b->due_ns && a->order > b->order)",
    caught_by = "test_timer",
  },
  {
    name = "timer-early",
    what = "a timer pops in the slot before its deadline",
    file = "csrc/core/timer.c",
    find = "timer == NULL || timer->due_ns > now_ns)",
    put = "timer == NULL || timer->due_ns >> SHIFT > now_ns >> SHIFT)",
    caught_by = "test_timer",
  },
  {
    name = "timer-level",
    what = "a timer goes to a level too fine for it",
    file = "csrc/core/timer.c",
    find = "int level = (int)ebb_floor_log2(tick ^ at) / LEVEL_BITS;",
    put = "int level = (int)ebb_floor_log2((tick ^ at) >> 1 | 1) / LEVEL_BITS;",
    seconds = 5,
    caught_by = "test_timer",
  },
  {
    name = "timer-min-stale",
    what = "a slot does not note an earlier deadline",
    file = "csrc/core/timer.c",
    find = "    if (timer->due_ns < timers->slots[level][slot].min_due_ns)",
    put = "    if (timer->due_ns > timers->slots[level][slot].min_due_ns)",
    caught_by = { "test_timer_model", "test_timer" },
  },
  {
    name = "timer-bit-left",
    what = "an emptied slot stays marked as occupied",
    file = "csrc/core/timer.c",
    find = [[
  if (timers->slots[level][slot].first == NULL)
    timers->occupied[level] &=]],
    put = [[
  if (timers->slots[level][slot].first != NULL)
    timers->occupied[level] &=]],
    seconds = 5,
    caught_by = "test_timer",
  },
  {
    name = "timer-heap-cut",
    what = "removing a near timer loses its later siblings",
    file = "csrc/core/timer.c",
    find = [[
    if (timer->next != NULL)
      timer->next->prev = timer->prev;
    if (rest != NULL)]],
    put = "    if (rest != NULL)",
    caught_by = { "test_timer_model", "test_timer" },
  },
  {
    name = "timer-count",
    what = "a disarmed timer is still counted",
    file = "csrc/core/timer.c",
    find = [[
    return;
  timers->n_armed--;]],
    put = "    return;",
    caught_by = { "test_timer", "test_timer_model" },
  },
  {
    name = "clock-rest-lost",
    what = "a scaled clock forgets the fraction when its scale changes",
    file = "csrc/core/clock.c",
    find = "  clock->base_rest = rest;",
    put = "  clock->base_rest = 0;",
    caught_by = "test_clock",
  },
  {
    name = "clock-stale-scale",
    what = "sleepers of a clock keep the deadline of the old scale",
    file = "csrc/core/clock.c",
    find = [[
  rebase(clock);
  clock->scale = scale;
  rearm(clock);]],
    put = [[
  rebase(clock);
  clock->scale = scale;]],
    caught_by = { "test_clock", "spec/time/clock_spec.lua" },
  },
  {
    name = "clock-paused-runs",
    what = "a paused clock goes on",
    file = "csrc/core/clock.c",
    find = "  return clock->paused ? 0 : clock->scale;",
    put = "  return clock->scale;",
    caught_by = "test_clock",
  },
  {
    name = "clock-stays-armed",
    what = "a clock without sleepers keeps its timer in the runtime",
    file = "csrc/core/clock.c",
    find = [[
  if (clock->timers.n_armed == 0)
    disarm_source(clock);]],
    put = "",
    caught_by = { "test_clock", "spec/time/clock_spec.lua" },
  },
  {
    name = "clock-sleep-leaks",
    what = "the node of a sleep on a clock is not given back",
    file = "csrc/core/clock.c",
    find = "  ebb_slab_put(&sleep->rt->sleeps, sleep);",
    put = "",
    caught_by = "test_rt",
  },
  {
    name = "strike-twice",
    what = "a region struck twice is counted twice",
    file = "csrc/core/region.c",
    find = [[
  if (region->struck) {
    region->soft = region->soft && soft;
  } else {]],
    put = [[
  if (region->struck && region->soft == soft && false) {
    region->soft = region->soft && soft;
  } else {]],
    caught_by = { "test_wait", "test_rt", "spec/task/cancel_spec.lua" },
  },
  {
    name = "strike-no-wake",
    what = "a strike does not wake a parked task",
    file = "csrc/core/region.c",
    find = "    ebb_task_interrupt(task, EBB_ECANCELLED);",
    put = "    ;",
    caught_by = "test_wait",
  },
  {
    name = "shield-open",
    what = "a shield does not hold off what strikes outside",
    file = "csrc/core/region.c",
    find = "region->kind == EBB_REGION_SHIELD && !task->overdue",
    put = "region->kind == EBB_REGION_SHIELD && task->overdue",
    caught_by = "test_wait",
  },
  {
    name = "innermost-wins",
    what = "of several struck regions the innermost wins",
    file = "csrc/core/region.c",
    find = [[
    if (region->struck)
      seen = region;]],
    put = [[
    if (region->struck && seen == NULL)
      seen = region;]],
    caught_by = { "test_wait", "spec/time/timeout_nested_spec.lua" },
  },
  {
    name = "region-count-kept",
    what = "a struck region that was left is still counted",
    file = "csrc/core/region.c",
    find = [[
  if (region->struck)
    task->n_struck--;]],
    put = "",
    caught_by = "test_wait",
  },
  {
    name = "ending-unsorted",
    what = "tasks being ended are not sorted by their deadline",
    file = "csrc/core/region.c",
    find = "           ebb_container_of(after, ebb_task, ending)->ending_due_ns > due_ns)",
    put = "           ebb_container_of(after, ebb_task, ending)->ending_due_ns < due_ns)",
    caught_by = { "test_wait", "test_rt", "spec/task/cleanup_spec.lua", "spec/task" },
  },
  {
    name = "inbox-first-unsaid",
    what = "the first letter does not say that it is the first",
    file = "csrc/base/inbox.c",
    find = "  return newest == NULL ? EBB_INBOX_FIRST : EBB_INBOX_MORE;",
    put = "  return newest != NULL ? EBB_INBOX_FIRST : EBB_INBOX_MORE;",
    caught_by = "test_inbox",
  },
  {
    name = "inbox-closed-open",
    what = "a closed inbox takes letters",
    file = "csrc/base/inbox.c",
    find = [[
    if (newest == &closed_mark)
      return EBB_INBOX_CLOSED;]],
    put = [[
    if (newest == &closed_mark)
      newest = NULL;]],
    seconds = 5,
    caught_by = "test_inbox",
  },
  {
    name = "splice-loses-last",
    what = "a list spliced loses its last node",
    file = "csrc/base/list.h",
    find = [[
  from->prev->next = to;
  to->prev = from->prev;]],
    put = [[
  from->prev->prev->next = to;
  to->prev = from->prev->prev;]],
    recompile = { "spec/c/test_list.c" },
    caught_by = "test_list",
  },
}
