--- The reference model's loop: turns of what is ready, timers, time that jumps to the next of them; how a run ends, and
-- a host that steps instead.
local unpack = table.unpack

local TURN = 64 -- so many times a task is resumed before timers are looked at again
local STEP_TURNS = 16 -- in a step each task has about so many turns

return function(w, _, oracle)
  -- frames that a host steps: who waits for the next one; the sum of their times and the last one's
  w.frame_waiters, w.frame_time, w.frame_dt = {}, 0, 0
  w.n_expected = 0 -- what is still to come from outside: no deadlock while there is any

  local function next_due()
    local due = w.timers[1] and w.timers[1].due
    local ending = w.ending[1] and w.ending[1].cleanup_due
    if due and ending then return math.min(due, ending) end
    return due or ending
  end

  local function time_up(task)
    task.overdue = true
    if not w.visible(task) then return end
    if task.started then w.report(task, "EBB025") end
    if task.wait and not task.wait.firm then w.interrupt(task) end
  end

  local function fire()
    while w.timers[1] and w.timers[1].due <= w.now do table.remove(w.timers, 1).fire() end
    while w.ending[1] and w.ending[1].cleanup_due <= w.now do
      time_up(table.remove(w.ending, 1))
    end
  end

  --- The first n of those who are ready have a turn.
  local function run_ready(n)
    for i = 1, n do
      if not w.ready[1] then return i - 1 end
      w.resume(table.remove(w.ready, oracle.pick(w.ready)))
    end
    return n
  end

  --- Timers are looked at; then those who are ready run, and after them those whom they made ready, until is_over() or
  -- timers are to be looked at again.
  local function turn(is_over)
    fire()
    local left = TURN
    while left > 0 and w.ready[1] do
      local n = math.min(#w.ready, left)
      left = left - n
      run_ready(n)
      if is_over() then break end
    end
  end

  --- Nothing is ready: on to the next time something is due. False when nothing can ever happen.
  local function advance(limit)
    local due = next_due() or limit
    if due and limit then due = math.min(due, limit) end
    if not due then return false end
    w.now = math.max(w.now, due)
    return true
  end

  --- The run is over. The children of a cleanup share its time.
  local function cancel_all()
    for i = #w.alive, 1, -1 do
      local t = w.alive[i]
      if not t.asked and not (t.scope and t.scope.of_cleanup) then w.cancel(t) end
    end
  end

  --- Cancels all and runs their cleanups, until none is left or the time `limit` has come.
  local function drain(limit, is_over)
    w.closing = true
    for _, t in ipairs { unpack(w.alive) } do
      if t.overdue and t.wait then time_up(t) end
    end
    cancel_all()
    while w.alive[1] do
      turn(is_over)
      cancel_all()
      if w.alive[1] and not w.ready[1] and (w.now >= limit or not advance(limit)) then break end
    end
    w.was_killed = w.alive[1] ~= nil
  end

  --- Runs main as the main task; then what is alive is cancelled and runs its cleanups. EBB043 (a deadlock) or the main
  -- task's status. over() is called in between.
  function w.run(main, over)
    local task = w.spawn(main)
    local deadlock = false
    local function is_over() return w.finished(task) end
    while not is_over() and not deadlock do
      turn(is_over)
      if not is_over() and not w.ready[1] then deadlock = not advance() end
    end
    over()
    drain(w.now + w.cleanup_timeout + 1, is_over)
    return deadlock and "EBB043" or task.state, task
  end

  -- a host -----------------------------------------------------------------------------------------

  function w.advance(s) w.now = w.later(w.now, s) end

  --- One frame of `dt` seconds: timers that are due, what the last step left over, who waits for the frame, then what
  -- they wake. `turns`: how many at most, else until nothing is ready.
  function w.step(turns, dt)
    local left = w.ready
    w.ready = {}
    fire()
    table.move(left, 1, #left, #w.ready + 1, w.ready)
    w.frame_dt, w.frame_time = dt, w.frame_time + dt
    if w.frame_stepped then w.frame_stepped() end
    w.wake_all(w.frame_waiters)
    local limit, ran = turns or STEP_TURNS * (#w.alive + 64), 0
    while w.ready[1] and ran < limit do ran = ran + run_ready(1) end
    local due = next_due()
    return {
      ran = ran, ready = #w.ready, alive = #w.alive, next_deadline = due and math.max(0, due - w.now),
      stuck = w.alive[1] ~= nil and not w.ready[1] and not due and not w.frame_waiters[1] and w.n_expected == 0,
    }
  end

  --- How many did not end.
  function w.shutdown(grace)
    w.is_shut = true
    drain(w.now + math.min(grace, w.cleanup_timeout), function() return false end)
    return #w.alive
  end
end
