--- The reference model's core, in plain Lua and as simple as can be: tasks (plain coroutines), waiting, regions that
-- can be struck, virtual time. Written from the contract's sentences, with nothing of ebb's code: slow and plain.
--
-- Ready tasks run in the order in which they became ready; timers of equal deadline fire in the order they were
-- armed, when nothing is ready (loop.lua has who runs and fires them). `oracle` decides what is left open: which of
-- several ready arms a fair select takes and, under a seed, which ready task runs next.
--
-- An arm is one thing that a wait waits for. Its leaf says:
--   ready(task)  could it happen now?           take(task)  it happens: packed values (throws = an error)
--   link(arm)    join the object's queue        leave(arm)  has left it, by winning or not (optional)
--   takes        it hands over what must not be lost: no cancel takes that away
local pack, unpack = table.pack, table.unpack

local Cancel = { __name = "model.cancelled" }

local function remove(list, item)
  for i = 1, #list do
    if list[i] == item then return table.remove(list, i) end
  end
end

--- A fresh world. oracle.pick(ready) gives an index of the list of ready tasks; oracle.choose(task, arms) one of
-- several arms that are ready.
return function(oracle)
  local w = {
    now = 0, ready = {}, timers = {}, alive = {}, all_failed = {}, ending = {}, reports = {}, current = nil, remove = remove,
    n_timers = 0, n_tasks = 0, n_operations = 0, cleanup_timeout = 5,
  }

  function w.report(task, err) w.reports[#w.reports + 1] = { task = task, err = err } end

  -- time -------------------------------------------------------------------------------------------

  --- A time is a whole number of nanoseconds, in seconds.
  function w.whole(t) return t < math.huge and math.floor(t * 1e9 + 0.5) / 1e9 or t end

  --- `s` seconds after the time t; never before it.
  function w.later(t, s) return w.whole(t + math.max(s, 0)) end

  --- Puts a timer into a list of them: fire() is to be called at time `due`.
  function w.arm_in(timers, due, fire)
    local at = #timers + 1
    while at > 1 and timers[at - 1].due > due do at = at - 1 end
    local timer = { due = due, fire = fire }
    if due < math.huge then table.insert(timers, at, timer) end
    return timer
  end

  --- The runtime's own time, as a clock: what says a time, and calls back at one.
  w.clock = {
    now = function() return w.now end,
    reached = function() return w.now end, -- the latest deadline that has come
    arm = function(due, fire) return w.arm_in(w.timers, due, fire) end,
    disarm = function(timer) remove(w.timers, timer) end,
  }
  w.arm, w.disarm = w.clock.arm, w.clock.disarm

  -- regions ----------------------------------------------------------------------------------------

  function w.cancel_error(reason)
    return setmetatable({ reason = reason == nil and "cancelled" or reason }, Cancel)
  end

  function w.is_cancel(e) return getmetatable(e) == Cancel end

  --- The outermost struck region that an await of the task must obey: shields and running cleanups hide what is
  -- outside of them, cleanups only as long as they have time.
  local function visible(task)
    local seen, in_cleanup
    if task.overdue and w.closing then return task.regions[1] end -- at the end a shield holds no longer
    for i = #task.regions, 1, -1 do in_cleanup = in_cleanup or task.regions[i].kind == "cleanup" end
    for i = #task.regions, 1, -1 do
      local region = task.regions[i]
      if region.kind == "cleanup" or region.kind == "shield" then
        return task.overdue and in_cleanup and task.regions[1] or seen
      end
      if region.struck then seen = region end
    end
    return seen
  end
  w.visible = visible

  local function make_ready(task)
    task.state = "ready"
    w.ready[#w.ready + 1] = task
  end

  --- The wait is over: all arms leave (which may let others go on), the task is ready.
  local function unpark(wait, woken)
    wait.task.wait, wait.task.woken = nil, woken
    for _, arm in ipairs(wait.arms) do
      if arm.queue then remove(arm.queue, arm) end
      arm.queue = nil
      if arm.timer then (arm.clock or w.clock).disarm(arm.timer) end
    end
    for _, arm in ipairs(wait.arms) do
      if arm.leaf.leave then arm.leaf.leave(arm) end
    end
    make_ready(wait.task)
  end

  function w.interrupt(task) unpark(task.wait, { interrupted = true }) end

  --- Asks the region's code to end. `soft`: by a deadline, which what is ready at once still wins over.
  function w.strike(region, err, soft)
    if region.struck then
      region.soft = region.soft and soft
    else
      region.struck, region.soft = true, soft
    end
    region.err = region.err or err
    local task = region.task
    if task.wait and not task.wait.firm and visible(task) then w.interrupt(task) end
  end

  function w.open(kind)
    local task = w.current
    local region = { kind = kind, task = task }
    table.insert(task.regions, region)
    return region
  end

  function w.close(region)
    assert(table.remove(region.task.regions) == region)
  end

  local function throw(region)
    region.soft = false
    region.err = region.err or w.cancel_error(region.kind == "timeout" and "timeout" or nil)
    error(region.err, 0)
  end

  --- Throws if a struck region is visible; a deadline's only if `waits`.
  function w.check(waits)
    if not w.current then error("EBB055", 0) end -- a host drives
    local region = visible(w.current)
    if not region then return end
    if region.soft and not waits then
      -- a hard one further in strikes even so
      local hard = false
      for i = #w.current.regions, 1, -1 do
        local r = w.current.regions[i]
        if r == region or r.kind == "shield" or r.kind == "cleanup" then break end
        hard = hard or r.struck and not r.soft
      end
      if not hard then return end
    end
    throw(region)
  end

  --- fn under a new region: true and its results, or false when the region's own error came out; others go on.
  function w.region(region, fn, ...)
    local results = pack(pcall(fn, ...))
    w.close(region)
    if results[1] then return unpack(results, 1, results.n) end
    if region.err ~= nil and rawequal(results[2], region.err) then return false end
    error(results[2], 0)
  end

  -- waiting ----------------------------------------------------------------------------------------

  --- Something happened: it wakes the task, with the values.
  function w.wake(arm, ...)
    unpark(arm.wait, { arm = arm, values = pack(...), taken = arm.leaf.takes })
  end

  --- The same with an outcome like "closed": there is nothing in it to lose.
  function w.tell(arm, ...) unpark(arm.wait, { arm = arm, values = pack(...) }) end

  function w.tell_all(queue, ...)
    while queue[1] do w.tell(queue[1], ...) end
  end

  function w.wake_all(queue, ...)
    while queue[1] do w.wake(queue[1], ...) end
  end

  function w.join_queue(arm, queue)
    arm.queue = queue
    queue[#queue + 1] = arm
  end

  --- The running task waits for the arms. `firm`: it cannot be interrupted.
  function w.park(arms, firm)
    local task = w.current
    local wait = { task = task, arms = arms, firm = firm }
    for i, arm in ipairs(arms) do
      arm.index, arm.wait = i, wait
      arm.leaf.link(arm)
    end
    task.wait, task.state = wait, "waiting"
    coroutine.yield()
    return task.woken
  end

  --- Performs one of the arms: which, and its values. how = "fair", "first" or "try" (nil when none is ready).
  function w.perform(arms, how)
    local task, candidates = w.current, {}
    if how ~= "try" then w.check(false) end
    for _, arm in ipairs(arms) do
      if arm.leaf.ready(task) then candidates[#candidates + 1] = arm end
    end
    if candidates[1] then
      local arm = candidates[1]
      if how ~= "first" and candidates[2] then arm = oracle.choose(task, candidates) end
      return arm, arm.leaf.take(task)
    end
    if how == "try" then return end
    w.check(true)
    local woken = w.park(arms)
    if not woken.taken and visible(task) then
      if woken.unused then woken.unused() end
      w.check(true)
    end
    assert(not woken.interrupted)
    local leaf = woken.arm.leaf
    return woken.arm, leaf.outcome and leaf.outcome(woken.values) or woken.values
  end

  --- Waits on one leaf and returns its values.
  function w.await(leaf)
    local _, values = w.perform({ { leaf = leaf } }, "first")
    if values.throws then error(values[1], 0) end
    return unpack(values, 1, values.n)
  end

  function w.yield()
    w.check(true)
    make_ready(w.current)
    coroutine.yield()
    w.check(true)
  end

  -- tasks ------------------------------------------------------------------------------------------

  local function finish(task, results)
    local base = task.regions[1]
    assert(#task.regions == 1)
    remove(w.alive, task)
    remove(w.ending, task)
    if results[1] then
      task.state, task.results = "done", pack(unpack(results, 2, results.n))
    elseif base.err ~= nil and rawequal(results[2], base.err) then
      task.state, task.reason = "cancelled", base.err.reason
    else
      task.state, task.err = "failed", results[2]
      w.all_failed[#w.all_failed + 1] = task
    end
    while task.locks[1] do w.lock_left(table.remove(task.locks, 1)) end
    if task.scope then task.scope.child_ended(task) end
    w.wake_all(task.joiners)
    if task.scope then task.scope.child_left(task) end
  end

  function w.spawn(fn, ...)
    if w.is_shut then error("EBB052", 0) end
    w.n_tasks = w.n_tasks + 1
    local task = { id = w.n_tasks, joiners = {}, locks = {}, locals = {}, fn = fn }
    for key, value in pairs(w.current and w.current.locals or {}) do task.locals[key] = value end
    task.regions = { { kind = "task", task = task } }
    local args = pack(...)
    task.co = coroutine.create(function()
      finish(task, pack(pcall(fn, unpack(args, 1, args.n))))
    end)
    w.alive[#w.alive + 1] = task
    make_ready(task)
    return task
  end

  function w.finished(task)
    return task.state == "done" or task.state == "failed" or task.state == "cancelled"
  end

  --- A task that is itself asked to end shares its time with the children it ends.
  local function shared_time(task)
    local by = w.current
    local due = w.later(w.now, w.cleanup_timeout)
    if by and by ~= task and by.asked and task.scope then return math.min(by.cleanup_due, due) end
    return due
  end

  --- Asks a task to end.
  function w.ask_end(task, err)
    if w.finished(task) then return false end
    if not task.asked then
      task.asked = true
      task.cleanup_due = shared_time(task)
      local at = #w.ending + 1
      while at > 1 and w.ending[at - 1].cleanup_due > task.cleanup_due do at = at - 1 end
      table.insert(w.ending, at, task)
    end
    w.strike(task.regions[1], err, false)
    return true
  end

  function w.cancel(task, reason) return w.ask_end(task, w.cancel_error(reason)) end

  --- One cleanup of the running task: shielded. If it fails while an error unwinds a region, that error goes on and the
  -- cleanup's is reported; within a pcall it is as in plain Lua, the later one wins.
  function w.cleanup(fn, err, told)
    local region = w.open "cleanup"
    region.unwinds = err
    local ok, failure = pcall(fn, told)
    w.close(region)
    if not ok then w.close_failed(failure, err) end
  end

  --- A closer has failed with `failure` while `err`, if any, unwinds.
  function w.close_failed(failure, err)
    local task = w.current
    local at = #task.regions
    while task.regions[at].kind == "cleanup" and not task.regions[at].is_defer do at = at - 1 end
    if err == nil or task.regions[at].kind == "pcall" then error(failure, 0) end
    if not w.is_cancel(failure) then w.report(task, failure) end
    error(err, 0)
  end

  --- What closers in the running task are told of an error that leaves their block: in a cleanup the error that this
  -- one is for, unless a pcall is in between.
  function w.told(err)
    local regions = w.current.regions
    local region = regions[#regions]
    local at = #regions
    while at > 1 and regions[at].kind == "cleanup" and not regions[at].is_defer do at = at - 1 end
    if err == nil or region.unwinds == nil or regions[at].kind == "pcall" then return err end
    return region.unwinds
  end

  --- The program's pcall.
  function w.pcall(fn, ...)
    if not w.current then return pcall(fn, ...) end
    local region = w.open "pcall"
    local results = pack(pcall(fn, ...))
    w.close(region)
    return unpack(results, 1, results.n)
  end

  --- One turn of a task.
  function w.resume(task)
    w.current, task.state = task, "running"
    if not task.started and task.regions[1].struck then
      finish(task, { false, task.regions[1].err })
    else
      if not task.started then task.started, task.frame_seen = true, w.frame_time end
      local ok, err = coroutine.resume(task.co)
      if not ok then error(debug.traceback(task.co, "the model itself failed: " .. tostring(err)), 0) end
    end
    w.current = nil
  end

  return w
end
