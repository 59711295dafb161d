--- Defects of csrc/base and csrc/core: lists, the waiting protocol, tasks, timers, clocks, regions.
return {
  { file = "csrc/core/wait.c", caught_by = "test_wait",
    { "wake-leaves-siblings", "a wake through a single node does not take it out of its queue",
      find = [[
    task->n_waits = 0;
    ebb_list_unlink(&wait->link);]],
      put = "    task->n_waits = 0;" },
    { "select-leaves-nodes", "the other nodes of a select stay in their queues",
      find = [[
    ebb_list_unlink(&wait->link);
    if (wait->cls->leave != NULL)
]],
      put = [[
    if (i == task->arm) ebb_list_unlink(&wait->link);
    if (wait->cls->leave != NULL)
]] },
    { "leave-not-called", "the last node of a select leaves without its class being told",
      find = [[
if (wait->cls->leave != NULL)
      wait->cls->leave(wait);]],
      put = [[
if (wait->cls->leave != NULL && (i == 0 || i + 1 < n))
      wait->cls->leave(wait);]] },
    { "wake-all-one", "wake_all wakes only the first",
      find = [[
    ebb_wake(wait, status);
    n++;]],
      put = [[
    ebb_wake(wait, status);
    n++;
    break;]],
      caught_by = { "test_notify", "test_rt" } },
    { "took-whatever-status", "a close counts as a taken value, so that a cancel loses against it",
      find = "task->took = status == EBB_OK && wait->cls->takes;",
      put = "task->took = wait->cls->takes;" },
    { "took-never", "a delivered value can be taken away by a cancel",
      find = "task->took = status == EBB_OK && wait->cls->takes;",
      put = "task->took = false;" },
    { "wake-status-lost", "an interrupted task believes that its wait ended well",
      find = [[
  task->arm = EBB_ARM_NONE;
  task->status = status;]],
      put = [[
  task->arm = EBB_ARM_NONE;
  task->status = EBB_OK;]] },
    { "ready-in-front", "a woken task goes to the front of the ready queue",
      find = "  ebb_list_push_back(&rt->ready, &task->link);",
      put = "  ebb_list_push_front(&rt->ready, &task->link);",
      caught_by = "test_rt" },
    { "yield-in-front", "a task that gives way goes to the front of the queue",
      find = "  ebb_list_push_back(&task->rt->ready, &task->link);",
      put = "  ebb_list_push_front(&task->rt->ready, &task->link);",
      caught_by = "test_rt" },
    { "yield-not-counted", "the count of ready tasks misses those that gave way",
      find = "task->rt->n_ready++;",
      put = "",
      caught_by = "test_rt" },
    { "reserve-off-by-one", "room for one wait node less than asked for",
      find = [[
  if (cap < n)
    cap = n;]],
      put = [[
  if (cap + 1 < n)
    cap = n - 1;]],
      caught_by = { "test_wait", "spec/op/select_spec.lua" } },
    { "reserve-leaks", "the old array of wait nodes is not given back when it grows",
      find = [[
  if (task->waits != &task->wait0)
    ebb_alloc_put(]],
      put = [[
  if (false)
    ebb_alloc_put(]],
      caught_by = { "test_wait", "asan spec/op/select_spec.lua" } },
    { "reserve-frees-inline", "the node in the task is freed as if it had been allocated",
      find = [[
  if (task->waits != &task->wait0)
    ebb_alloc_put(]],
      put = [[
  if (task->waits != NULL)
    ebb_alloc_put(]] },
  },
  { file = "csrc/core/rt.c", caught_by = "test_rt",
    { "frame-clock-last", "who waits for a frame goes on before timers of the frame clock that are due",
      find = [[
  if (rt->frame_clock != NULL)
    ebb_clock_frame(rt->frame_clock, rt->frame_time_s);
  ebb_wake_all(&rt->frame, EBB_OK);]],
      put = [[
  ebb_wake_all(&rt->frame, EBB_OK);
  if (rt->frame_clock != NULL)
    ebb_clock_frame(rt->frame_clock, rt->frame_time_s);]],
      caught_by = "spec/model/model_spec.lua" },
    { "end-leaks-nodes", "the wait nodes of a task that ends are not given back",
      find = "  if (task->waits != &task->wait0) {",
      put = "  if (false) {",
      caught_by = "test_wait" },
    { "joiners-forgotten", "who waits for a task's end is not woken",
      find = "  ebb_wake_all(&task->joiners, EBB_OK);",
      put = "" },
    { "spawn-budget-0", "the budget of awaits is not renewed each turn",
      find = [[
    task->state = EBB_TASK_RUNNING;
    task->budget = EBB_TASK_BUDGET;]],
      put = "    task->state = EBB_TASK_RUNNING;",
      caught_by = "spec/task/budget_spec.lua" },
    { "turn-unbounded", "a turn goes on while anything is ready",
      find = "  size_t n = rt->n_ready < limit ? rt->n_ready : limit;",
      put = "  size_t n = limit;",
      caught_by = { "test_rt", "spec/task/yield_spec.lua" } },
    { "turn-over-ignored", "the wish to look at clock and I/O before more tasks is not heard",
      find = [[
    if (EBB_UNLIKELY(rt->turn_over))
      return i + 1;]],
      put = "" },
    { "seed-not-alone", "a run does not depend on its seed alone",
      find = "  ebb_rng_init(&rt->rng, seed);",
      put = "  static uint64_t n;\n  ebb_rng_init(&rt->rng, seed + n++);",
      caught_by = { "test_rt", "spec/runtime" } },
    { "seed-one-of-two", "a seed never picks the last of the ready tasks",
      find = "uint32_t skip = ebb_rng_below(&rt->rng, window);",
      put = "uint32_t skip = ebb_rng_below(&rt->rng, window > 1 ? window - 1 : 1);" },
    { "time-goes-back", "time can be moved back",
      find = [[
  if (now_ns > rt->now_ns)
    rt->now_ns = now_ns;]],
      put = "  rt->now_ns = now_ns;" },
    { "sleep-early", "the part of a nanosecond is cut off: a sleep can end early",
      find = "    span_ns++; /* never early */",
      put = "    ;" },
    { "sleep-wraps", "a very long sleep ends at once",
      find = "return span_ns >= EBB_NEVER - now_ns ? EBB_NEVER : now_ns + span_ns;",
      put = "return now_ns + (span_ns << 1);",
      caught_by = { "test_rt", "spec/time/sleep_spec.lua" } },
    { "sleep-leaks", "the node of a sleep is not given back",
      find = "  ebb_slab_put(&sleep->rt->sleeps, sleep);",
      put = "",
      caught_by = { "test_rt", "test_timer", "spec/runtime/metrics_spec.lua", "spec/time" } },
    { "sleep-stays-armed", "the timer of a sleep that was cancelled stays armed",
      find = "  ebb_timer_disarm(&sleep->rt->timers, &sleep->timer);",
      put = "" },
    { "overdue-never", "cleanups that take too long are not ended",
      find = "  task->overdue = true;",
      put = "",
      caught_by = "spec/task/cleanup_spec.lua" },
    { "next-due-ignores-ending", "a sleeping loop does not wake for the cleanup_timeout",
      find = [[
    if (task->ending_due_ns < due_ns)
      due_ns = task->ending_due_ns;]],
      put = "",
      caught_by = "spec/task/cleanup_spec.lua" },
    { "frame-not-woken", "who waits for the next frame is not woken",
      find = "  ebb_wake_all(&rt->frame, EBB_OK);",
      put = "",
      caught_by = "spec/time/frame_spec.lua" },
  },
  { file = "csrc/core/timer.c", caught_by = "test_timer",
    { "timer-order", "of equal deadlines the one armed last fires first",
      find = "(a->due_ns == b->due_ns && a->order < b->order)",
      put = "(a->due_ns == b->due_ns && a->order > b->order)" },
    { "timer-early", "a timer pops in the slot before its deadline",
      find = "timer == NULL || timer->due_ns > now_ns)",
      put = "timer == NULL || timer->due_ns >> SHIFT > now_ns >> SHIFT)" },
    { "timer-level", "a timer goes to a level too fine for it",
      find = "int level = (int)ebb_floor_log2(tick ^ at) / LEVEL_BITS;",
      put = "int level = (int)ebb_floor_log2((tick ^ at) >> 1 | 1) / LEVEL_BITS;",
      seconds = 5 },
    { "timer-min-stale", "a slot does not note an earlier deadline",
      find = "    if (timer->due_ns < timers->slots[level][slot].min_due_ns)",
      put = "    if (timer->due_ns > timers->slots[level][slot].min_due_ns)",
      caught_by = { "test_timer_model", "test_timer" } },
    { "timer-bit-left", "an emptied slot stays marked as occupied",
      find = [[
  if (timers->slots[level][slot].first == NULL)
    timers->occupied[level] &=]],
      put = [[
  if (timers->slots[level][slot].first != NULL)
    timers->occupied[level] &=]],
      seconds = 5 },
    { "timer-heap-cut", "removing a near timer loses its later siblings",
      find = [[
    if (timer->next != NULL)
      timer->next->prev = timer->prev;
    if (rest != NULL)]],
      put = "    if (rest != NULL)",
      caught_by = { "test_timer_model", "test_timer" } },
    { "timer-count", "a disarmed timer is still counted",
      find = [[
    return;
  timers->n_armed--;]],
      put = "    return;",
      caught_by = { "test_timer", "test_timer_model" } },
  },
  { file = "csrc/core/clock.c", caught_by = "test_clock",
    { "clock-rest-lost", "a scaled clock forgets the fraction when its scale changes",
      find = "  clock->base_rest = rest;",
      put = "  clock->base_rest = 0;" },
    { "clock-stale-scale", "sleepers of a clock keep the deadline of the old scale",
      find = [[
  rebase(clock);
  clock->scale = scale;
  rearm(clock);]],
      put = [[
  rebase(clock);
  clock->scale = scale;]],
      caught_by = { "test_clock", "spec/time/clock_spec.lua" } },
    { "clock-paused-runs", "a paused clock goes on",
      find = "  return clock->paused ? 0 : clock->scale;",
      put = "  return clock->scale;" },
    { "clock-stays-armed", "a clock without sleepers keeps its timer in the runtime",
      find = [[
  if (clock->timers.n_armed == 0)
    disarm_source(clock);]],
      put = "",
      caught_by = { "test_clock", "spec/time/clock_spec.lua" } },
    { "clock-sleep-leaks", "the node of a sleep on a clock is not given back",
      find = "  ebb_slab_put(&sleep->rt->sleeps, sleep);",
      put = "",
      caught_by = "test_rt" },
  },
  { file = "csrc/core/region.c", caught_by = "test_wait",
    { "strike-twice", "a region struck twice is counted twice",
      find = [[
  if (region->struck) {
    region->soft = region->soft && soft;
  } else {]],
      put = [[
  if (region->struck && region->soft == soft && false) {
    region->soft = region->soft && soft;
  } else {]],
      caught_by = { "test_wait", "test_rt", "spec/task/cancel_spec.lua" } },
    { "strike-no-wake", "a strike does not wake a parked task",
      find = "    ebb_task_interrupt(task, EBB_ECANCELLED);",
      put = "    ;" },
    { "shield-open", "a shield does not hold off what strikes outside",
      find = "region->kind == EBB_REGION_SHIELD && !task->overdue",
      put = "region->kind == EBB_REGION_SHIELD && task->overdue" },
    { "innermost-wins", "of several struck regions the innermost wins",
      find = [[
    if (region->struck)
      seen = region;]],
      put = [[
    if (region->struck && seen == NULL)
      seen = region;]],
      caught_by = { "test_wait", "spec/time/timeout_nested_spec.lua" } },
    { "region-count-kept", "a struck region that was left is still counted",
      find = [[
  if (region->struck)
    task->n_struck--;]],
      put = "" },
    { "ending-unsorted", "tasks being ended are not sorted by their deadline",
      find = "           ebb_container_of(after, ebb_task, ending)->ending_due_ns > due_ns)",
      put = "           ebb_container_of(after, ebb_task, ending)->ending_due_ns < due_ns)",
      caught_by = { "test_wait", "test_rt", "spec/task/cleanup_spec.lua", "spec/task" } },
  },
  { file = "csrc/base/inbox.c", caught_by = "test_inbox",
    { "inbox-first-unsaid", "the first letter does not say that it is the first",
      find = "  return newest == NULL ? EBB_INBOX_FIRST : EBB_INBOX_MORE;",
      put = "  return newest != NULL ? EBB_INBOX_FIRST : EBB_INBOX_MORE;" },
    { "inbox-closed-open", "a closed inbox takes letters",
      find = [[
    if (newest == &closed_mark)
      return EBB_INBOX_CLOSED;]],
      put = [[
    if (newest == &closed_mark)
      newest = NULL;]],
      seconds = 5 },
  },
  { file = "csrc/base/list.h",
    { "splice-loses-last", "a list spliced loses its last node",
      find = [[
  from->prev->next = to;
  to->prev = from->prev;]],
      put = [[
  from->prev->prev->next = to;
  to->prev = from->prev->prev;]],
      caught_by = "test_list",
      recompile = { "spec/c/test_list.c" } },
  },
}
