--- Defects of csrc/lua: anchors, slots, tasks, regions, time, select.
return {
  {
    name = "task-unanchored",
    what = "a task's coroutine is anchored nowhere",
    file = "csrc/lua/l_resume.c",
    find = [[
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, at);
  task->co = co;]],
    put = "  task->co = co;",
    caught_by = { "eager spec/task/cancel_spec.lua", "valgrind eager spec/task/cancel_spec.lua" },
  },
  {
    name = "slots-given-twice",
    what = "a slot is given back twice and handed out twice",
    file = "csrc/lua/l_resume.c",
    find = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]],
    put = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  if (S->blocks[0].n_free < S->blocks[0].cap) ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]],
    caught_by = "spec/task/leftover_spec.lua",
  },
  {
    name = "slots-leak",
    what = "the slot of a task that has ended is not given back",
    file = "csrc/lua/l_resume.c",
    find = [[
  ebbL_slots_give(L, S, slots, task->slot, 0);
  ebb_slab_put(]],
    put = "  ebb_slab_put(",
    caught_by = "spec/task/leftover_spec.lua | more memory",
  },
  {
    name = "slots-not-cleared",
    what = "a slot given back keeps its value alive",
    file = "csrc/lua/l_state.c",
    find = [[
    lua_pushboolean(L, 0);
    lua_rawseti(L, slots, (lua_Integer)at + i);]],
    put = "    (void)slots, (void)i;",
    caught_by = "spec/task/leftover_spec.lua | keeps nothing alive",
  },
  {
    name = "recycled-stack",
    what = "a coroutine that is used again keeps what was on its stack",
    file = "csrc/lua/l_resume.c",
    find = [[
  if (!keep_for_results)
    lua_settop(co, 0);]],
    put = "",
    caught_by = "spec/task/leftover_spec.lua",
  },
  {
    name = "unstarted-runs",
    what = "a task cancelled before its first run runs",
    file = "csrc/lua/l_resume.c",
    find = "  if (EBB_UNLIKELY(core->n_struck > 0) && !task->has_run) {",
    put = "  if (EBB_UNLIKELY(core->n_struck > 9) && !task->has_run) {",
    caught_by = "spec/task/cancel_spec.lua",
  },
  {
    name = "foreign-yield",
    what = "a plain coroutine.yield of a task ends it quietly",
    file = "csrc/lua/l_resume.c",
    find = [[
  lua_sethook(task->co, foreign_yield_hook, LUA_MASKCOUNT, 1);
]],
    put = "",
    caught_by = "spec/coroutine/refused_spec.lua",
  },
  {
    name = "guard-not-closed",
    what = "a task's own guard is left open",
    file = "csrc/lua/l_resume.c",
    find = [[
  if (EBB_UNLIKELY(task->has_guard))
    return close_guard(L, task, failed);
  return failed]],
    put = "  return failed",
    caught_by = "spec/alloc/task_guard_spec.lua",
  },
  {
    name = "locks-kept",
    what = "locks of a task that has ended stay locked",
    file = "csrc/lua/l_resume.c",
    find = "    ebbL_locks_drop(L, task, slots);",
    put = "    ebb_list_init(&task->locks);",
    seconds = 10,
    caught_by = "spec/sync/mutex_spec.lua",
  },
  {
    name = "spawn-args-order",
    what = "the arguments of a task lose the last one",
    file = "csrc/lua/l_task.c",
    find = [[
    task->n_args = n + 1;
  } else {]],
    put = [[
    lua_pop(task->co, 1);
    task->n_args = n;
  } else {]],
    caught_by = "spec/task/delay_spec.lua",
  },
  {
    name = "spawn-locals",
    what = "a task does not inherit its parent's locals",
    file = "csrc/lua/l_task.c",
    find = "  if (EBB_UNLIKELY(locals != 0)) {",
    put = "  if (EBB_UNLIKELY(locals != 0) && false) {",
    caught_by = "spec/task/task_local_spec.lua",
  },
  {
    name = "await-anywhere",
    what = "an await inside a plain coroutine is let through",
    file = "csrc/lua/l_task.c",
    find = [[
  if (task->L != L) {
    ebbL_error(]],
    put = [[
  if (task->L == L) {
    ebbL_error(]],
    caught_by = "spec/coroutine/refused_spec.lua",
  },
  {
    name = "cancel-swallowed",
    what = "a cancel is thrown once only",
    file = "csrc/lua/l_region.c",
    find = [[
int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = false;]],
    put = [[
int ebbL_throw_region(lua_State *L, ebbL_task *task, ebb_region *region)
{
  region->soft = true;]],
    caught_by = "spec/structure/struck_spec.lua",
  },
  {
    name = "told-for-ever",
    what = "a task may catch its cancel and await again without end",
    file = "csrc/lua/l_region.c",
    find = "++task->n_told >= TOLD_ENOUGH",
    put = "false && ++task->n_told >= TOLD_ENOUGH",
    caught_by = "spec/preempt/ending_spec.lua",
  },
  {
    name = "cancel-reason-lost",
    what = "the reason of a cancel is lost",
    file = "csrc/lua/l_region.c",
    find = [[
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, region);
  region->has_error = true;
  return 0;]],
    put = "  return 0;",
    caught_by = "spec/task/cancel_spec.lua",
  },
  {
    name = "region-error-stays",
    what = "a region leaves its error behind for the next one at its address",
    file = "csrc/lua/l_region.c",
    find = [[
  forget_errors(L, region);
  ebb_region_close(region);]],
    put = "  ebb_region_close(region);",
    caught_by = { "spec/task/leftover_spec.lua" },
  },
  {
    name = "timeout-stays-armed",
    what = "the timer of a timeout that was left stays armed",
    file = "csrc/lua/l_region.c",
    find = "    ebb_timer_disarm(&task->core.rt->timers, &body->timer);",
    put = "    ;",
    caught_by = { "spec/time/timeout_spec.lua" },
  },
  {
    name = "timeout-foreign-error",
    what = "a timeout takes an outer cancel for its own",
    file = "csrc/lua/l_region.c",
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

void ebbL_region_enter]],
    caught_by = "spec/structure/struck_spec.lua",
  },
  {
    name = "deadline-now-stale",
    what = "a timeout counts from when the turn began",
    file = "csrc/lua/l_timeout.c",
    find = [[
  uint64_t now_ns = ebb_rt_refresh(task->core.rt);
  return timeout_until(]],
    put = [[
  uint64_t now_ns = task->core.rt->now_ns;
  return timeout_until(]],
    caught_by = "spec/time/fresh_spec.lua",
  },
  {
    name = "sleep-now-stale",
    what = "a sleep counts from when the turn began",
    file = "csrc/lua/l_time.c",
    find = "                    ebb_due_in(ebb_rt_refresh(task->core.rt), seconds));",
    put = "                    ebb_due_in(task->core.rt->now_ns, seconds));",
    caught_by = "spec/time/fresh_spec.lua",
  },
  {
    name = "sleep-0-stays",
    what = "a sleep of no time does not let others run",
    file = "csrc/lua/l_time.c",
    find = [[
    return ebbL_sleep_over(L, task);
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_sleep_link(&task->core, 0, &ebb_sleep_class, due_ns);]],
    put = [[
    return 0;
  ebbL_sleep_reserve(L, task->core.rt);
  ebb_sleep_link(&task->core, 0, &ebb_sleep_class, due_ns);]],
    seconds = 10,
    caught_by = "spec/time/sleep_spec.lua",
  },
  {
    name = "select-two-commit",
    what = "a select waits for what happened while it was prepared",
    file = "csrc/lua/l_set.c",
    find = [[
    if (!enlists) {
      int r = attempt_set(]],
    put = [[
    if (false) {
      int r = attempt_set(]],
    caught_by = "test_lua_set",
  },
  {
    name = "op-prepared-late",
    what = "an op waits for what happened while it was prepared",
    file = "csrc/lua/l_op.c",
    find = "    if (!(cls->flags & EBBL_ENLISTS)) {\n",
    put = "    if (false) {\n",
    caught_by = { "test_lua_set", "spec/reliability/finaliser_spec.lua" },
  },
  {
    name = "select-wrong-arm",
    what = "a select tells the wrong arm",
    file = "csrc/lua/l_set.c",
    find = "    } else if (ordinal-- == 0) {",
    put = "    } else if (ordinal-- <= 1) {",
    caught_by = "spec/op/select_spec.lua",
  },
  {
    name = "select-first-shuffled",
    what = "select_first tries its arms in any order",
    file = "csrc/lua/l_set.c",
    find = "  sh->rng = biased || n < 2 ? NULL : &task->core.rt->rng;",
    put = "  sh->rng = n < 2 ? NULL : &task->core.rt->rng;",
    caught_by = "spec/op/select_first_spec.lua",
  },
  {
    name = "select-unfair",
    what = "select always tries its arms in order",
    file = "csrc/lua/l_set.c",
    find = "  sh->rng = biased || n < 2 ? NULL : &task->core.rt->rng;",
    put = "  sh->rng = NULL;",
    caught_by = "spec/op/select_fair_spec.lua",
  },
  {
    name = "shuffle-repeats",
    what = "a shuffled select can try an arm twice and another not at all",
    file = "csrc/lua/l_set.c",
    find = "  sh->order[j] = sh->order[i];",
    put = "",
    seconds = 10,
    caught_by = "spec/op/nested_spec.lua",
  },
  {
    name = "and-then-on-nil",
    what = "and_then runs on nil, err",
    file = "csrc/lua/l_set.c",
    find = "  return failed == (kind == EBBL_STEP_OR_ELSE);",
    put = "  return kind != EBBL_STEP_OR_ELSE || failed;",
    caught_by = "spec/op/combinators_spec.lua",
  },
}
