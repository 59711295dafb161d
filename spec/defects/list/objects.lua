--- Defects of csrc/lua: channels, locks, scopes, cleanups, coroutines, reports, guards, streams, driving.
return {
  { file = "csrc/lua/l_chan_store.c",
    { "chan-store-keeps", "a value taken from a channel stays alive in its slot",
      find = [[
  lua_pushboolean(store, 0);
  lua_replace(store, (int)slot + 1);]],
      put = "",
      caught_by = "spec/channel/rendezvous_spec.lua" },
    { "chan-grow-order", "a channel that grows begins at the wrong value",
      find = "    uint64_t from = chan->core.head + i;",
      put = "    uint64_t from = i;",
      caught_by = "spec/channel/unbounded_spec.lua" },
    { "chan-sender-value", "a value of a waiting sender is taken from the wrong place",
      find = "  lua_pushvalue(ebbL_task_of(wait->task)->L, (int)wait->slot);",
      put = "  lua_pushvalue(ebbL_task_of(wait->task)->L, 2);",
      caught_by = "spec/op/send_branch_spec.lua" },
  },
  { file = "csrc/lua/l_permit.c", caught_by = "spec/channel/permit_spec.lua",
    { "permit-not-returned", "a permit that is collected keeps its slot",
      find = [[
                                         {"__gc", permit_close},
                                         {"__tostring", permit_tostring},]],
      put = '                                         {"__tostring", permit_tostring},' },
    { "permit-twice", "a permit can be used twice",
      find = [[
  permit->is_held = false;
  ebb_chan_permit_send(]],
      put = "  ebb_chan_permit_send(" },
    { "sender-last-open", "the last sender's close leaves the channel open",
      find = "  if (--chan->n_handles == 0)",
      put = "  if (--chan->n_handles < 0)",
      caught_by = "spec/channel/senders_spec.lua",
      seconds = 10 },
  },
  { file = "csrc/lua/l_sem.c",
    { "sem-permit-finalised", "a permit that is collected while held does not go back",
      find = [[
    p->claim.held = true;
  else]],
      put = [[
    p->claim.held = n != 1;
  else]],
      caught_by = "spec/sync/resource_pool_spec.lua" },
  },
  { file = "csrc/lua/l_lock.c", caught_by = "spec/sync/mutex_spec.lua",
    { "lock-owner", "a task locks a mutex twice and waits for itself",
      find = [[
    if (hold->sem == sem)
      ebbL_error(]],
      put = [[
    if (hold->sem == NULL)
      ebbL_error(]],
      seconds = 10 },
    { "lock-downgrade-all", "a downgrade gives back its own share, too",
      find = "EBBL_LOCK_ALL - 1);",
      put = "EBBL_LOCK_ALL);",
      caught_by = "spec/sync/rwlock_spec.lua" },
    { "lock-released-twice", "a lock can be released twice",
      find = "  lock->hold = NULL;\n",
      put = "", seconds = 15 },
  },
  { file = "csrc/lua/l_once.c",
    { "once-stuck", "a once whose attempt failed can not be tried again",
      find = [[
  if (once->state == ONCE_RUNNING)
    once->state = ONCE_EMPTY;]],
      put = "",
      caught_by = "spec/sync/once_spec.lua",
      seconds = 10 },
  },
  { file = "csrc/lua/l_join_set.c",
    { "join-set-promise", "a task that was promised to one who waits is given to another",
      find = [[
  if (self->n_ended > self->n_promised)
    return push_first(L, self, at);]],
      put = [[
  if (self->n_ended > 0)
    return push_first(L, self, at);]],
      caught_by = "spec/task/join_set_spec.lua" },
    { "join-set-unreported", "failures that a join_set has, nobody hears of",
      find = [[
    disown_failures(self);
    self->scope->set = NULL;]],
      put = "    self->scope->set = NULL;",
      caught_by = "asan spec/task/join_set_spec.lua" },
  },
  { file = "csrc/lua/l_scope_children.c",
    { "scope-sibling-runs", "a failed child does not end its siblings",
      find = '    ebbL_scope_cancel_for(L, scope, "a sibling failed");',
      put = "    ;",
      caught_by = "spec/structure/scope_spec.lua",
      seconds = 10 },
  },
  { file = "csrc/lua/l_interval.c",
    { "interval-stale", "a tick whose waiter runs late counts as one that was in time",
      find = "    refresh(self); /* it may have been left over by a step long ago */\n",
      put = "",
      caught_by = "spec/time/interval_spec.lua" },
  },
  { file = "csrc/lua/l_scope.c",
    { "scope-late-child", "a child spawned in a scope that is being ended runs",
      find = [[
  if (scope->failed || scope->cancelled || scope->hard || scope->closing)
    ebbL_cancel_task(L, task, 0);]],
      put = "  (void)task;",
      caught_by = "spec/structure/scope_object_spec.lua",
      seconds = 10 },
    { "scope-closed-silent", "what fails after a host has closed its scope is not reported",
      find = "    scope->isolate = true; /* later failures are reported as they come */\n",
      put = "",
      caught_by = "spec/structure/scope_object_spec.lua" },
    { "scope-closed-reason", "who waits for a scope that a host has closed is told the reason of before",
      find = [[
    if (!scope->cancelled)
      lua_setiuservalue(L, 1, CANCEL_ERROR); /* for who waits later */
]],
      put = "",
      caught_by = "spec/structure/scope_object_spec.lua" },
    { "scope-left-early", "a scope that is cancelled does not wait for cleanups",
      find = [[
    if (scope->core.n_children > 0) {
      if (!scope->hard]],
      put = [[
    if (scope->core.n_children > 0 && !scope->hard) {
      if (!scope->hard]],
      caught_by = "spec/structure/group_spec.lua" },
    { "scope-defers-order", "defers of a scope are forgotten",
      find = "    if (scope->mode != MODE_WAIT && pop_defer(L, at))",
      put = "    if (scope->mode == MODE_WAIT && pop_defer(L, at))",
      caught_by = "spec/structure/scope_spec.lua" },
    { "scope-gc-children", "children of a scope that is collected keep its address",
      find = [[
    child->scope = NULL;
    ebbL_task *task = ebbL_task_of(child);
    task->scope = NULL;]],
      put = "    ebbL_task *task = ebbL_task_of(child);",
      caught_by = "asan spec/structure/scope_object_spec.lua" },
  },
  { file = "csrc/lua/l_cleanup.c",
    { "cleanup-unshielded", "a cleanup's awaits throw the cancel",
      find = [[
    if (is_closer(L, S, &ar, &caller.ar, *region))
      return HIDDEN_BY_CLEANUP;]],
      put = "",
      caught_by = "spec/task/cleanup_spec.lua" },
    { "cleanup-own-closer", "ebb's own closers are shielded as if they were the user's",
      find = "  return closer && !is_own_closer(L, S, ar);",
      put = "  return closer;",
      caught_by = "spec/structure/scope_object_spec.lua",
      seconds = 10 },
    { "cleanup-vararg", "a vararg function is taken for a cleanup",
      find = "  return ar->nparams + n + 1;",
      put = "  return 0;",
      caught_by = "spec/coroutine/vararg_spec.lua" },
  },
  { file = "csrc/lua/l_coro_drive.c",
    { "coro-depth", "nested coroutines overflow the C stack",
      find = [[
  if (EBB_UNLIKELY(coros(L)->depth >= NEST_MAX))
    return "C stack overflow";]],
      put = "",
      caught_by = "spec/coroutine/coroutine_spec.lua" },
  },
  { file = "csrc/lua/l_handle.c",
    { "join-circle", "two tasks that await each other wait for ever",
      find = [[
    if (at == task) {
      if (at == target)]],
      put = [[
    if (at == task && at == target) {
      if (at == target)]],
      caught_by = "spec/task/spawn_spec.lua | cycle of joins",
      seconds = 10 },
  },
  { file = "csrc/lua/l_report.c",
    { "failure-unreported", "a failure that nobody takes passes silently",
      find = "      ebb_list_push_back(&rt->unobserved, &failure->link);",
      put = "      ;",
      caught_by = "spec/task/errors_spec.lua" },
    { "failure-reported-anyway", "a failure that somebody took is reported all the same",
      find = [[
  ebb_list_unlink(&failure->link);
  lua_pop(L, 1);
}]],
      put = [[
  (void)failure;
  lua_pop(L, 1);
}]],
      caught_by = "spec/structure/group_spec.lua" },
    { "report-as-task", "the error handler runs as the failed task",
      find = [[
  S->current = NULL;
  ebbL_rt *driving = S->driving;]],
      put = "  ebbL_rt *driving = S->driving;",
      caught_by = "spec/runtime/unobserved_spec.lua" },
    { "first-error-lost", "an error of a cleanup takes the place of the first one",
      find = [[
  lua_rawgetp(L, -1, &region->unwinding);
  for (]],
      put = [[
  lua_pushvalue(L, 1);
  for (]],
      caught_by = "spec/task/cleanup_spec.lua" },
  },
  { file = "csrc/lua/l_guard_close.c", caught_by = "spec/alloc/guard_spec.lua",
    { "guard-first-error", "the last error of a guard's close is thrown, not the first",
      find = [[
  if (root->has_error)
    return;
  root->has_error = true;]],
      put = "  root->has_error = true;" },
    { "guard-stops-at-error", "an error ends the close of a guard",
      find = [[
    if (status != LUA_OK)
      keep_first_error(L);
  }]],
      put = [[
    if (status != LUA_OK) {
      keep_first_error(L);
      break;
    }
  }]] },
    { "guard-close-abandoned", "a guard whose close was given up is left half closed",
      find = [[
  if (guard->state == EBBL_CLOSED)
    return 0;
  return begin_close(L, guard, EBBL_CLOSING);
}]],
      put = [[
  return 0;
}]],
      caught_by = "spec/alloc/memory_spec.lua" },
  },
  { file = "csrc/lua/l_guard_release.c",
    { "guard-foreign-release", "a guard frees the memory of another",
      find = [[
  if (item->guard != &guard->guard)
    ebbL_error(]],
      put = [[
  if (item->guard == NULL)
    ebbL_error(]],
      caught_by = "spec/alloc/guard_spec.lua" },
  },
  { file = "csrc/lua/l_oneshot.c",
    { "oneshot-unshared", "a value sent to nobody yet is kept one too few",
      find = [[
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, 2, i);]],
      put = [[
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, 2, i + 1);]],
      caught_by = "spec/channel/oneshot_spec.lua" },
  },
  { file = "csrc/lua/l_broadcast.c",
    { "broadcast-slot", "a broadcast keeps a value in the wrong slot",
      find = "    lua_rawseti(L, 3, (lua_Integer)ebb_broadcast_slot(core, core->tail) + 1);",
      put = "    lua_rawseti(L, 3, (lua_Integer)ebb_broadcast_slot(core, core->tail));",
      caught_by = "spec/channel/broadcast_spec.lua" },
  },
  { file = "csrc/lua/l_reader.c", seconds = 10,
    { "reader-busy", "two tasks may read from one stream",
      find = [[
  if (ebb_input_is_busy(input, &task->core))
    ebbL_error(]],
      put = [[
  if (false)
    ebbL_error(]],
      caught_by = "spec/io/io_spec.lua" },
    { "reader-partial-lost", "what came before an error is thrown away",
      find = [[
    return push_partial(L, "eof", bytes, n);
    break;]],
      put = [[
    return ebbL_pushoutcome(L, "eof");
    break;]],
      caught_by = "spec/io/net_tcp_spec.lua" },
  },
  { file = "csrc/lua/l_drive.c",
    { "driver-outlives-end", "a deadlock is not noticed",
      find = [[
  if (due_ns == EBB_NEVER && !busy)
    return false;]],
      put = [[
  if (due_ns == EBB_NEVER && !busy && rt->core.n_alive == 0)
    return false;]],
      caught_by = "spec/runtime/deadlock_spec.lua",
      seconds = 10 },
    { "io-starved", "tasks that are always ready keep I/O waiting",
      find = [[
  if (ebbL_rt_is_due(d->rt))
    ebb_driver_poll(d->rt->driver);]],
      put = "",
      caught_by = "spec/io/polled_spec.lua | file request",
      seconds = 40 },
    { "interrupt-kept", "Ctrl-C is not given back after a drive",
      find = [[
  ebb_interrupt_unwatch(&d->interrupt);
  S->from = d->outer_from;]],
      put = "  S->from = d->outer_from;",
      caught_by = "spec/runtime/ctrl_c_spec.lua",
      seconds = 15 },
  },
  { file = "csrc/lua/l_slice.c",
    { "slice-rehush", "a slice that was reported is reported again and again",
      find = "  if (overran && !reported) {",
      put = "  if (overran) {",
      caught_by = "spec/preempt/slice_spec.lua" },
  },
  { file = "csrc/base/message.c", caught_by = "test_message",
    { "clone-bad-size", "a message that ends too early is read past its end",
      find = "  if (n_bytes > ebb_reader_left(self)) {",
      put = "  if (n_bytes > ebb_reader_left(self) + 8) {" },
    { "clone-number", "a number of ten bytes loses its last bit",
      find = [[
    if (shift == 63 && byte > 1)
      break;]],
      put = [[
    if (shift == 63)
      break;]] },
  },
}
