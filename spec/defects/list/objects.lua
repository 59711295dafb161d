--- Defects of csrc/lua: channels, locks, scopes, cleanups, coroutines, reports, guards, streams, driving.
return {
  {
    name = "chan-store-keeps",
    what = "a value taken from a channel stays alive in its slot",
    file = "csrc/lua/l_chan_store.c",
    find = [[
  lua_pushboolean(store, 0);
  lua_replace(store, (int)slot + 1);]],
    put = "",
    caught_by = "spec/channel/rendezvous_spec.lua",
  },
  {
    name = "chan-grow-order",
    what = "a channel that grows begins at the wrong value",
    file = "csrc/lua/l_chan_store.c",
    find = "    uint64_t from = chan->core.head + i;",
    put = "    uint64_t from = i;",
    caught_by = "spec/channel/unbounded_spec.lua",
  },
  {
    name = "chan-sender-value",
    what = "a value of a waiting sender is taken from the wrong place",
    file = "csrc/lua/l_chan_store.c",
    find = "  lua_pushvalue(ebbL_task_of(wait->task)->L, (int)wait->slot);",
    put = "  lua_pushvalue(ebbL_task_of(wait->task)->L, 2);",
    caught_by = "spec/op/send_branch_spec.lua",
  },
  {
    name = "permit-not-returned",
    what = "a permit that is collected keeps its slot",
    file = "csrc/lua/l_permit.c",
    find = [[
                                         {"__gc", permit_close},
                                         {"__tostring", permit_tostring},]],
    put = [[                                         {"__tostring", permit_tostring},]],
    caught_by = "spec/channel/permit_spec.lua",
  },
  {
    name = "permit-twice",
    what = "a permit can be used twice",
    file = "csrc/lua/l_permit.c",
    find = [[
  permit->is_held = false;
  ebb_chan_permit_send(]],
    put = "  ebb_chan_permit_send(",
    caught_by = "spec/channel/permit_spec.lua",
  },
  {
    name = "sender-last-open",
    what = "the last sender's close leaves the channel open",
    file = "csrc/lua/l_permit.c",
    find = "  if (--chan->n_handles == 0)",
    put = "  if (--chan->n_handles < 0)",
    seconds = 10,
    caught_by = "spec/channel/senders_spec.lua",
  },
  {
    name = "sem-permit-finalised",
    what = "a permit that is collected while held does not go back",
    file = "csrc/lua/l_sem.c",
    find = [[
    p->claim.held = true;
  else]],
    put = [[
    p->claim.held = n != 1;
  else]],
    caught_by = "spec/sync/resource_pool_spec.lua",
  },
  {
    name = "lock-owner",
    what = "a task locks a mutex twice and waits for itself",
    file = "csrc/lua/l_lock.c",
    find = [[
    if (hold->sem == sem)
      ebbL_error(]],
    put = [[
    if (hold->sem == NULL)
      ebbL_error(]],
    seconds = 10,
    caught_by = "spec/sync/mutex_spec.lua",
  },
  {
    name = "lock-downgrade-all",
    what = "a downgrade gives back its own share, too",
    file = "csrc/lua/l_lock.c",
    find = "EBBL_LOCK_ALL - 1);",
    put = "EBBL_LOCK_ALL);",
    caught_by = "spec/sync/rwlock_spec.lua",
  },
  {
    name = "lock-released-twice",
    what = "a lock can be released twice",
    file = "csrc/lua/l_lock.c",
    find = "  lock->hold = NULL;\n",
    put = "",
    caught_by = "spec/sync/mutex_spec.lua",
  },
  {
    name = "once-stuck",
    what = "a once whose attempt failed can not be tried again",
    file = "csrc/lua/l_once.c",
    find = [[
  if (once->state == ONCE_RUNNING)
    once->state = ONCE_EMPTY;]],
    put = "",
    seconds = 10,
    caught_by = "spec/sync/once_spec.lua",
  },
  {
    name = "join-set-promise",
    what = "a task that was promised to one who waits is given to another",
    file = "csrc/lua/l_join_set.c",
    find = [[
  if (self->n_ended > self->n_promised)
    return push_first(L, self, at);]],
    put = [[
  if (self->n_ended > 0)
    return push_first(L, self, at);]],
    caught_by = "spec/task/join_set_spec.lua",
  },
  {
    name = "join-set-unreported",
    what = "failures that a join_set has, nobody hears of",
    file = "csrc/lua/l_join_set.c",
    find = [[
    disown_failures(self);
    self->scope->set = NULL;]],
    put = "    self->scope->set = NULL;",
    caught_by = "asan spec/task/join_set_spec.lua",
  },
  {
    name = "scope-sibling-runs",
    what = "a failed child does not end its siblings",
    file = "csrc/lua/l_scope_children.c",
    find = [[    ebbL_scope_cancel_for(L, scope, "a sibling failed");]],
    put = "    ;",
    seconds = 10,
    caught_by = "spec/structure/scope_spec.lua",
  },
  {
    name = "scope-late-child",
    what = "a child spawned in a scope that is being ended runs",
    file = "csrc/lua/l_scope.c",
    find = [[
  if (scope->failed || scope->cancelled || scope->hard || scope->closing)
    ebbL_cancel_task(L, task, 0);]],
    put = "  (void)task;",
    seconds = 10,
    caught_by = "spec/structure/scope_object_spec.lua",
  },
  {
    name = "scope-left-early",
    what = "a scope that is cancelled does not wait for cleanups",
    file = "csrc/lua/l_scope.c",
    find = [[
    if (scope->core.n_children > 0) {
      if (!scope->hard]],
    put = [[
    if (scope->core.n_children > 0 && !scope->hard) {
      if (!scope->hard]],
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "scope-defers-order",
    what = "defers of a scope are forgotten",
    file = "csrc/lua/l_scope.c",
    find = "    if (scope->mode != MODE_WAIT && pop_defer(L, at))",
    put = "    if (scope->mode == MODE_WAIT && pop_defer(L, at))",
    caught_by = "spec/structure/scope_spec.lua",
  },
  {
    name = "scope-gc-children",
    what = "children of a scope that is collected keep its address",
    file = "csrc/lua/l_scope.c",
    find = [[
    child->scope = NULL;
    ebbL_task *task = ebbL_task_of(child);
    task->scope = NULL;]],
    put = "    ebbL_task *task = ebbL_task_of(child);",
    caught_by = "asan spec/structure/scope_object_spec.lua",
  },
  {
    name = "cleanup-unshielded",
    what = "a cleanup's awaits throw the cancel",
    file = "csrc/lua/l_cleanup.c",
    find = [[
    if (is_closer(L, S, &ar, &caller.ar, *region))
      return HIDDEN_BY_CLEANUP;]],
    put = "",
    caught_by = "spec/task/cleanup_spec.lua",
  },
  {
    name = "cleanup-own-closer",
    what = "ebb's own closers are shielded as if they were the user's",
    file = "csrc/lua/l_cleanup.c",
    find = "  return closer && !is_own_closer(L, S, ar);",
    put = "  return closer;",
    seconds = 10,
    caught_by = "spec/structure/scope_object_spec.lua",
  },
  {
    name = "cleanup-vararg",
    what = "a vararg function is taken for a cleanup",
    file = "csrc/lua/l_cleanup.c",
    find = "  return ar->nparams + n + 1;",
    put = "  return 0;",
    caught_by = "spec/coroutine/vararg_spec.lua",
  },
  {
    name = "coro-depth",
    what = "nested coroutines overflow the C stack",
    file = "csrc/lua/l_coro_drive.c",
    find = [[
  if (EBB_UNLIKELY(coros(L)->depth >= NEST_MAX))
    return "C stack overflow";]],
    put = "",
    caught_by = "spec/coroutine/coroutine_spec.lua",
  },
  {
    name = "join-circle",
    what = "two tasks that await each other wait for ever",
    file = "csrc/lua/l_handle.c",
    find = [[
    if (at == task) {
      if (at == target)]],
    put = [[
    if (at == task && at == target) {
      if (at == target)]],
    seconds = 10,
    caught_by = "spec/task/spawn_spec.lua | cycle of joins",
  },
  {
    name = "failure-unreported",
    what = "a failure that nobody takes passes silently",
    file = "csrc/lua/l_report.c",
    find = "      ebb_list_push_back(&rt->unobserved, &failure->link);",
    put = "      ;",
    caught_by = "spec/task/errors_spec.lua",
  },
  {
    name = "failure-reported-anyway",
    what = "a failure that somebody took is reported all the same",
    file = "csrc/lua/l_report.c",
    find = [[
  ebb_list_unlink(&failure->link);
  lua_pop(L, 1);
}]],
    put = [[
  (void)failure;
  lua_pop(L, 1);
}]],
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "report-as-task",
    what = "the error handler runs as the failed task",
    file = "csrc/lua/l_report.c",
    find = [[
  S->current = NULL;
  ebbL_rt *driving = S->driving;]],
    put = "  ebbL_rt *driving = S->driving;",
    caught_by = "spec/runtime/unobserved_spec.lua",
  },
  {
    name = "first-error-lost",
    what = "an error of a cleanup takes the place of the first one",
    file = "csrc/lua/l_report.c",
    find = [[
  lua_rawgetp(L, -1, &region->unwinding);
  for (]],
    put = [[
  lua_pushvalue(L, 1);
  for (]],
    caught_by = "spec/task/cleanup_spec.lua",
  },
  {
    name = "guard-first-error",
    what = "the last error of a guard's close is thrown, not the first",
    file = "csrc/lua/l_guard_close.c",
    find = [[
  if (root->has_error)
    return;
  root->has_error = true;]],
    put = "  root->has_error = true;",
    caught_by = "spec/alloc/guard_spec.lua",
  },
  {
    name = "guard-stops-at-error",
    what = "an error ends the close of a guard",
    file = "csrc/lua/l_guard_close.c",
    find = [[
    if (status != LUA_OK)
      keep_first_error(L);
  }]],
    put = [[
    if (status != LUA_OK) {
      keep_first_error(L);
      break;
    }
  }]],
    caught_by = "spec/alloc/guard_spec.lua",
  },
  {
    name = "guard-close-abandoned",
    what = "a guard whose close was given up is left half closed",
    file = "csrc/lua/l_guard_close.c",
    find = [[
  if (guard->state == EBBL_CLOSED)
    return 0;
  return begin_close(L, guard, EBBL_CLOSING);
}]],
    put = [[
  return 0;
}]],
    caught_by = "spec/alloc/memory_spec.lua",
  },
  {
    name = "guard-foreign-release",
    what = "a guard frees the memory of another",
    file = "csrc/lua/l_guard_release.c",
    find = [[
  if (item->guard != &guard->guard)
    ebbL_error(]],
    put = [[
  if (item->guard == NULL)
    ebbL_error(]],
    caught_by = "spec/alloc/guard_spec.lua",
  },
  {
    name = "oneshot-unshared",
    what = "a value sent to nobody yet is kept one too few",
    file = "csrc/lua/l_oneshot.c",
    find = [[
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, 2, i);]],
    put = [[
    for (int i = n; i >= 1; i--)
      lua_rawseti(L, 2, i + 1);]],
    caught_by = "spec/channel/oneshot_spec.lua",
  },
  {
    name = "broadcast-slot",
    what = "a broadcast keeps a value in the wrong slot",
    file = "csrc/lua/l_broadcast.c",
    find = "    lua_rawseti(L, 3, (lua_Integer)ebb_broadcast_slot(core, core->tail) + 1);",
    put = "    lua_rawseti(L, 3, (lua_Integer)ebb_broadcast_slot(core, core->tail));",
    caught_by = "spec/channel/broadcast_spec.lua",
  },
  {
    name = "reader-busy",
    what = "two tasks may read from one stream",
    file = "csrc/lua/l_reader.c",
    find = [[
  if (ebb_input_is_busy(input, &task->core))
    ebbL_error(]],
    put = [[
  if (false)
    ebbL_error(]],
    seconds = 10,
    caught_by = "spec/io/io_spec.lua",
  },
  {
    name = "reader-partial-lost",
    what = "what came before an error is thrown away",
    file = "csrc/lua/l_reader.c",
    find = [[
    return push_partial(L, "eof", bytes, n);
    break;]],
    put = [[
    return ebbL_pushoutcome(L, "eof");
    break;]],
    seconds = 10,
    caught_by = "spec/io/net_tcp_spec.lua",
  },
  {
    name = "driver-outlives-end",
    what = "a deadlock is not noticed",
    file = "csrc/lua/l_drive.c",
    find = [[
  if (due_ns == EBB_NEVER && !busy)
    return false;]],
    put = [[
  if (due_ns == EBB_NEVER && !busy && rt->core.n_alive == 0)
    return false;]],
    seconds = 10,
    caught_by = "spec/runtime/deadlock_spec.lua",
  },
  {
    name = "io-starved",
    what = "tasks that are always ready keep I/O waiting",
    file = "csrc/lua/l_drive.c",
    find = [[
  if (ebbL_rt_is_due(d->rt))
    ebb_driver_poll(d->rt->driver);]],
    put = "",
    seconds = 40,
    caught_by = "spec/io/polled_spec.lua | file request",
  },
  {
    name = "interrupt-kept",
    what = "Ctrl-C is not given back after a drive",
    file = "csrc/lua/l_drive.c",
    find = [[
  ebb_interrupt_unwatch(&d->interrupt);
  S->from = d->outer_from;]],
    put = "  S->from = d->outer_from;",
    seconds = 15,
    caught_by = "spec/runtime/ctrl_c_spec.lua",
  },
  {
    name = "slice-rehush",
    what = "a slice that was reported is reported again and again",
    file = "csrc/lua/l_slice.c",
    find = "  if (overran && !reported) {",
    put = "  if (overran) {",
    caught_by = "spec/preempt/slice_spec.lua",
  },
  {
    name = "clone-bad-size",
    what = "a message that ends too early is read past its end",
    file = "csrc/base/message.c",
    find = "  if (n_bytes > ebb_reader_left(self)) {",
    put = "  if (n_bytes > ebb_reader_left(self) + 8) {",
    caught_by = "test_message",
  },
  {
    name = "clone-number",
    what = "a number of ten bytes loses its last bit",
    file = "csrc/base/message.c",
    find = [[
    if (shift == 63 && byte > 1)
      break;]],
    put = [[
    if (shift == 63)
      break;]],
    caught_by = "test_message",
  },
}
