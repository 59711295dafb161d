--- The reference model's operations and time: select and what ops are made of, sleep, after, timers, intervals,
-- timeout, shield. Adds to the world w and fills `ebb`, the surface that programs use.
--
-- An op has a `leaf`, or a method `arms` that lists arms: { leaf =, path = indices of choices, steps = functions that
-- its values go through, from the innermost outwards }.
local pack, unpack = table.pack, table.unpack

local function arms_of(op)
  if op.leaf then return { { leaf = op.leaf, path = {}, steps = {} } } end
  return op.arms()
end

--- The arms of `op` with one more step (and one more index in front of the path).
local function extended(op, step, index)
  local arms = {}
  for _, arm in ipairs(arms_of(op)) do
    local path, steps = { index, unpack(arm.path) }, { unpack(arm.steps) }
    steps[#steps + 1] = step
    arms[#arms + 1] = { leaf = arm.leaf, path = path, steps = steps }
  end
  return arms
end

return function(w, ebb)
  local Op = { __name = "model.op" }
  Op.__index = Op
  local function new_op(fields) return setmetatable(fields, Op) end
  function w.leaf_op(leaf) return new_op { leaf = leaf } end
  local function is_op(x) return type(x) == "table" and (x.leaf or x.arms) ~= nil end
  w.is_op = is_op

  local function settle(arm, values)
    if values.throws then error(values[1], 0) end
    for _, step in ipairs(arm.steps) do values = pack(step(unpack(values, 1, values.n))) end
    return unpack(values, 1, values.n)
  end

  local function perform(op, how)
    if how ~= "try" then w.check(false) end -- before anything of the op is called
    local arm, values = w.perform(arms_of(op), how)
    if arm == nil then return nil end
    return settle(arm, values)
  end

  function ebb.await(op) return perform(op, "fair") end
  Op.await = ebb.await

  --- Arms as arguments, or in one table: its list, then the names in their order.
  local function set_of(first, ...)
    local set, keys = { first, ... }, {}
    if type(first) == "table" and not is_op(first) then set = first end
    for key in pairs(set) do
      if type(key) == "string" then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for i = #set, 1, -1 do table.insert(keys, 1, i) end
    return set, keys
  end

  function ebb.choice(...)
    local set, keys = set_of(...)
    return new_op { arms = function()
      local arms = {}
      for _, i in ipairs(keys) do
        local op = set[i]
        local function with_index(...) return i, ... end
        if op then table.move(extended(op, with_index, i), 1, #arms_of(op), #arms + 1, arms) end
      end
      return arms
    end }
  end

  function ebb.select(...) return perform(ebb.choice(...), "fair") end
  function ebb.select_first(...) return perform(ebb.choice(...), "first") end
  function ebb.try_select(...) return perform(ebb.choice(...), "try") end

  function ebb.map_op(op, fn)
    return new_op { arms = function() return extended(op, fn) end, calls = true }
  end
  Op.map = ebb.map_op

  local function values_or_op(first, ...)
    if is_op(first) then return ebb.await(first) end
    return first, ...
  end

  function Op.and_then(op, fn)
    return ebb.map_op(op, function(...)
      local first, err = ...
      if first == nil and err ~= nil then return ... end
      return values_or_op(fn(...))
    end)
  end

  function Op.or_else(op, fn)
    return ebb.map_op(op, function(...)
      local first, err = ...
      if first == nil and err ~= nil then return values_or_op(fn(...)) end
      return ...
    end)
  end

  function ebb.defer_op(fn)
    return new_op { arms = function() return arms_of(fn()) end }
  end

  function ebb.ready(...)
    local values = pack(...)
    return w.leaf_op { ready = function() return true end, take = function() return values end }
  end

  local nothing = { ready = function() return false end, link = function() end }
  function ebb.never() return w.leaf_op(nothing) end

  --- What is called from outside, once: true for that call.
  function ebb.callback()
    local values, queue = nil, {}
    w.n_expected = w.n_expected + 1
    local leaf = { ready = function() return values ~= nil end, take = function() return values end }
    function leaf.link(arm) w.join_queue(arm, queue) end
    local function callback(...)
      if values then return false end
      values, w.n_expected = pack(...), w.n_expected - 1
      w.wake_all(queue, ...)
      return true
    end
    return callback, w.leaf_op(leaf)
  end

  -- time -------------------------------------------------------------------------------------------

  function ebb.now() return w.now end
  ebb.yield = w.yield

  --- What follows is in the time of some clock; clocks.lua has others than the runtime's.
  local function until_leaf(clock, due_of)
    return {
      ready = function() return due_of() <= clock.reached() end,
      take = function() return pack(true) end,
      link = function(arm)
        arm.clock = clock
        arm.timer = clock.arm(due_of(), function() w.wake(arm, true) end)
      end,
    }
  end

  function w.after(clock, s)
    return w.leaf_op(until_leaf(clock, function() return w.later(clock.now(), s) end))
  end
  function w.at(clock, t) return w.leaf_op(until_leaf(clock, function() return t end)) end

  function w.sleep_until(clock, t)
    if t <= clock.reached() then return w.yield() end
    w.check(true)
    w.await(until_leaf(clock, function() return t end))
  end

  local function timed(clock, due, s, fn, ...)
    local region = w.open "timeout"
    if clock == w.clock then region.due = due end
    local timer = clock.arm(due, function() w.strike(region, nil, true) end)
    local results = pack(pcall(w.region, region, fn, ...))
    clock.disarm(timer)
    if not results[1] then error(results[2], 0) end
    if not results[2] then return nil, "timeout", s end
    return unpack(results, 3, results.n)
  end

  --- `s` is what the caller named, a span or a time.
  function w.timeout_until(clock, due, s, what, ...)
    if not is_op(what) then return timed(clock, due, s, what, ...) end
    if what.calls then return timed(clock, due, s, ebb.await, what) end
    local results = pack(ebb.select_first(what, w.at(clock, due)))
    if results[1] == 2 then return nil, "timeout", s end
    return unpack(results, 2, results.n)
  end

  function ebb.after(s) return w.after(w.clock, s) end
  function ebb.at(t) return w.at(w.clock, t) end
  function ebb.sleep_until(t) return w.sleep_until(w.clock, t) end
  function ebb.sleep(s) return w.sleep_until(w.clock, w.later(w.now, s)) end
  function ebb.timeout(s, what, ...) return w.timeout_until(w.clock, w.later(w.now, s), s, what, ...) end
  function ebb.timeout_at(t, what, ...) return w.timeout_until(w.clock, t, t, what, ...) end

  function ebb.deadline()
    local due = math.huge
    local regions = w.current.regions
    for i = #regions, 1, -1 do
      if regions[i].kind == "shield" or regions[i].kind == "cleanup" then break end
      due = math.min(due, regions[i].due or due)
    end
    return due < math.huge and due or nil
  end

  function ebb.shield(fn, ...)
    local results = pack(w.region(w.open "shield", fn, ...))
    return unpack(results, 2, results.n)
  end

  --- A timer that runs from now; ready from its deadline on. It is armed only while someone waits.
  function ebb.timer(s)
    local tm = { queue = {}, due = w.later(w.now, s), closed = false }
    local armed
    local function arm_it()
      if armed then w.disarm(armed) end
      armed = tm.queue[1] and w.arm(tm.due, function() w.wake_all(tm.queue, tm.due) end)
    end
    tm.leaf = {
      ready = function() return tm.closed or tm.due <= w.now end,
      take = function()
        if tm.closed then return pack(nil, "closed") end
        return pack(tm.due)
      end,
      link = function(arm)
        w.join_queue(arm, tm.queue)
        if not tm.queue[2] then arm_it() end
      end,
      leave = function() if not tm.queue[1] then arm_it() end end,
    }
    function tm.reset(_, seconds)
      if tm.closed then return nil, "closed" end
      tm.due = w.later(w.now, seconds)
      arm_it()
      return true
    end
    function tm.fired() return not tm.closed and tm.due <= w.now end
    function tm.deadline() return tm.due end
    function tm.close()
      if tm.closed then return end
      tm.closed = true
      w.tell_all(tm.queue, nil, "closed")
    end
    return tm
  end

  --- Ticks n periods after the start; a late one comes at once, and then as `missed` says. A tick is used up by the
  -- await that returns it; of several who wait at the same time each gets it.
  function w.interval(clock, period, opts)
    local missed = opts and opts.missed or "skip"
    local iv, queue, closed, armed = {}, {}, false, nil
    local due = w.later(clock.now(), opts and opts.immediate and 0 or period)
    local round, last = 0, nil
    local function arm_it()
      if armed then clock.disarm(armed) end
      armed = queue[1] and clock.arm(due, function()
        last = due
        w.wake_all(queue, round)
      end)
    end
    local function consume()
      last, round = due, round + 1
      if missed == "delay" and due < clock.now() then
        due = w.later(clock.now(), period)
      else
        due = w.later(due, period)
        while missed == "skip" and due <= clock.reached() do due = w.later(due, period) end
      end
      return pack(last)
    end
    iv.leaf = {
      ready = function() return closed or due <= clock.reached() end,
      take = function()
        if closed then return pack(nil, "closed") end
        return consume()
      end,
      link = function(arm)
        w.join_queue(arm, queue)
        if not queue[2] then arm_it() end
      end,
      leave = function() if not queue[1] then arm_it() end end,
      outcome = function(values)
        if values[1] == nil then return values end
        if values[1] == round then return consume() end
        return pack(last)
      end,
    }
    function iv.tick() return w.await(iv.leaf) end
    function iv.reset()
      if closed then return nil, "closed" end
      due, round = w.later(clock.now(), period), round + 1
      arm_it()
      return true
    end
    function iv.close()
      if closed then return end
      closed = true
      w.tell_all(queue, nil, "closed")
    end
    return setmetatable(iv, { __call = iv.tick })
  end

  function ebb.interval(period, opts) return w.interval(w.clock, period, opts) end
end
