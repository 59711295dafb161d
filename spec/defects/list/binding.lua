--- Defects of csrc/lua: anchors, slots, tasks, regions, time, select.
return {
  { file = "csrc/lua/l_resume.c", caught_by = "spec/task/leftover_spec.lua",
    { "task-unanchored", "a task's coroutine is anchored nowhere",
      find = [[
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, at);
  task->co = co;]],
      put = "  task->co = co;",
      caught_by = { "eager spec/task/cancel_spec.lua", "valgrind eager spec/task/cancel_spec.lua" } },
    { "slots-given-twice", "a slot is given back twice and handed out twice",
      find = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]],
      put = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  if (S->blocks[0].n_free < S->blocks[0].cap) ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]] },
    { "slots-leak", "the slot of a task that has ended is not given back",
      find = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]],
      put = "  ebb_slab_put(",
      caught_by = "spec/task/leftover_spec.lua | more memory" },
    { "unstarted-runs", "a task cancelled before its first run runs",
      find = "  if (EBB_UNLIKELY(core->n_struck > 0) && !task->has_run) {",
      put = "  if (EBB_UNLIKELY(core->n_struck > 9) && !task->has_run) {",
      caught_by = "spec/task/cancel_spec.lua" },
    { "foreign-yield", "a plain coroutine.yield of a task ends it quietly",
      find = "  lua_sethook(task->co, foreign_yield_hook, LUA_MASKCOUNT, 1);\n",
      put = "",
      caught_by = "spec/coroutine/refused_spec.lua" },
    { "guard-not-closed", "a task's own guard is left open",
      find = [[
  if (EBB_UNLIKELY(task->has_guard))
    return close_guard(L, task, failed);
  return failed]],
      put = "  return failed",
      caught_by = "spec/alloc/task_guard_spec.lua" },
    { "locks-kept", "locks of a task that has ended stay locked",
      find = "    ebbL_locks_drop(L, task, slots);",
      put = "    ebb_list_init(&task->locks);",
      caught_by = "spec/sync/mutex_spec.lua",
      seconds = 10 },
  },
  { file = "csrc/lua/l_state.c",
    { "slots-not-cleared", "a slot given back keeps its value alive",
      find = [[
    lua_pushboolean(L, 0);
    lua_rawseti(L, slots, (lua_Integer)at + i);]],
      put = "    (void)slots, (void)i;",
      caught_by = "spec/task/leftover_spec.lua | keeps nothing alive" },
  },
  { file = "csrc/lua/l_fence.h", caught_by = "spec/coroutine/fence_spec.lua",
    { "touched-reused", "a coroutine that somebody has touched is used again",
      find = "  return lua_gettop(co) == EBBL_FENCE && lua_status(co) == LUA_OK;",
      put = "  return co != NULL;",
      recompile = { "csrc/lua/l_resume.c" } } },
  { file = "csrc/lua/l_task.c",
    { "spawn-args-order", "the arguments of a task lose the last one",
      find = [[
    task->n_args = n + 1;
  } else {]],
      put = [[
    lua_pop(task->co, 1);
    task->n_args = n;
  } else {]],
      caught_by = "spec/task/delay_spec.lua" },
    { "spawn-locals", "a task does not inherit its parent's locals",
      find = "  if (EBB_UNLIKELY(locals != 0)) {",
      put = "  if (EBB_UNLIKELY(locals != 0) && false) {",
      caught_by = "spec/task/task_local_spec.lua" },
    { "await-anywhere", "an await inside a plain coroutine is let through",
      find = [[
  if (task->L != L) {
    ebbL_error(]],
      put = [[
  if (task->L == L) {
    ebbL_error(]],
      caught_by = "spec/coroutine/refused_spec.lua" },
  },
  { file = "csrc/lua/l_region.c", caught_by = "spec/structure/struck_spec.lua",
    { "cancel-swallowed", "a cancel is thrown once only",
      find = [[
int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = false;]],
      put = [[
int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = true;]] },
    { "told-for-ever", "a task may catch its cancel and await again without end",
      find = "++task->n_told >= TOLD_ENOUGH",
      put = "false && ++task->n_told >= TOLD_ENOUGH",
      caught_by = "spec/preempt/ending_spec.lua" },
    { "cancel-reason-lost", "the reason of a cancel is lost",
      find = [[
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, region);
  region->has_error = true;
  return 0;]],
      put = "  return 0;",
      caught_by = "spec/task/cancel_spec.lua" },
    { "region-error-stays", "a region leaves its error behind for the next one at its address",
      find = [[
  forget_errors(L, region);
  ebb_region_close(region);]],
      put = "  ebb_region_close(region);",
      caught_by = { "spec/task/leftover_spec.lua" } },
    { "timeout-stays-armed", "the timer of a timeout that was left stays armed",
      find = "    ebb_timer_disarm(&task->core.rt->timers, &body->timer);",
      put = "    ;",
      caught_by = { "spec/time/timeout_spec.lua" } },
    { "timeout-foreign-error", "a timeout takes an outer cancel for its own",
      find = [[
  bool same = lua_rawequal(L, -1, idx);
  lua_pop(L, 2);
  return same;
}

void ebbL_region_enter]],
      put = [[
  bool same = true;
  lua_pop(L, 2);
  return same;
}

void ebbL_region_enter]] },
  },
  { file = "csrc/lua/l_timeout.c",
    { "deadline-now-stale", "a timeout counts from when the turn began",
      find = [[
  uint64_t now_ns = ebb_rt_refresh(task->core.rt);
  return timeout_until(]],
      put = [[
  uint64_t now_ns = task->core.rt->now_ns;
  return timeout_until(]],
      caught_by = "spec/time/fresh_spec.lua" },
  },
  { file = "csrc/lua/l_time.c",
    { "sleep-now-stale", "a sleep counts from when the turn began",
      find = "                    ebb_due_in(ebb_rt_refresh(task->core.rt), seconds));",
      put = "                    ebb_due_in(task->core.rt->now_ns, seconds));",
      caught_by = "spec/time/fresh_spec.lua" },
    { "sleep-0-stays", "a sleep of no time does not let others run",
      find = [[
    return ebbL_sleep_over(L, task);
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_sleep_link(&task->core, 0, &ebb_sleep_class, due_ns);]],
      put = [[
    return 0;
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_sleep_link(&task->core, 0, &ebb_sleep_class, due_ns);]],
      caught_by = "spec/time/sleep_spec.lua",
      seconds = 10 },
  },
  { file = "csrc/lua/l_set.c",
    { "select-two-commit", "a select waits for what happened while it was prepared",
      find = [[
    if (!enlists) {
      int r = attempt_set(]],
      put = [[
    if (false) {
      int r = attempt_set(]],
      caught_by = "test_lua_set" },
    { "select-wrong-arm", "a select tells the wrong arm",
      find = "    s->arm = 1 + (int)ordinal;",
      put = "    s->arm = 1 + (int)(ordinal / 2);",
      caught_by = "spec/op/select_spec.lua" },
    { "select-first-shuffled", "select_first tries its arms in any order",
      find = "  sh->rng = biased || n < 2 ? NULL : &task->core.rt->rng;",
      put = "  sh->rng = n < 2 ? NULL : &task->core.rt->rng;",
      caught_by = "spec/op/select_first_spec.lua" },
    { "select-unfair", "select always tries its arms in order",
      find = "  sh->rng = biased || n < 2 ? NULL : &task->core.rt->rng;",
      put = "  sh->rng = NULL;",
      caught_by = "spec/op/select_fair_spec.lua" },
    { "shuffle-repeats", "a shuffled select can try an arm twice and another not at all",
      find = "  sh->order[j] = sh->order[i];",
      put = "",
      caught_by = "spec/op/nested_spec.lua",
      seconds = 10 },
    { "and-then-on-nil", "and_then runs on nil, err",
      find = "  return failed == (kind == EBBL_STEP_OR_ELSE);",
      put = "  return kind != EBBL_STEP_OR_ELSE || failed;",
      caught_by = "spec/op/combinators_spec.lua" },
  },
  { file = "csrc/lua/l_op.c",
    { "op-prepared-late", "an op waits for what happened while it was prepared",
      find = "    if (!(cls->flags & EBBL_ENLISTS)) {\n",
      put = "    if (false) {\n",
      caught_by = { "test_lua_set", "spec/reliability/finaliser_spec.lua" } },
  },
}
