--- The reference model's own clocks, frames and what is timed by them: ebb.clock, ebb.next_frame, ebb.game.
local pack, unpack = table.pack, table.unpack

local FRAMES = 60 -- a second, where nobody steps
local NS = 1000000000

local function ns_of(t) return t < math.huge and math.floor(t * NS + 0.5) or t end

--- The number of the frame that the time t is in, and when frame k begins.
local function frame_at(t) return ns_of(t) * FRAMES // NS end
local function frame_due(k) return -(-k * NS // FRAMES) / NS end

--- A clock follows its source: one with now, arm and disarm, as it is itself. It has gone on from `base` (nanoseconds
-- of its own) since the source said `base_source`. One timer of the source stands for the earliest of its own.
local function add_clocks(w, ebb)
  local Clock = {}
  Clock.__index = Clock

  --- `slack`: deadlines so little away have come.
  local function new_clock(source, scale, slack)
    local clk = { is_paused = false }
    local base, base_source, timers = 0, ns_of(source.now()), {}
    local ahead, ahead_for -- the timer of the source, and the deadline it is for

    local function rate() return clk.is_paused and 0 or scale end
    local function exactly_now() return base + (ns_of(source.now()) - base_source) * rate() end
    function clk.now() return math.floor(exactly_now()) / NS end
    function clk.reached() return clk.now() + slack end

    --- When the source will have brought the clock to `due`.
    local function source_due(due)
      if rate() == 0 then return math.huge end
      return (base_source + math.max(0, math.ceil((ns_of(due - slack) - base) / rate()))) / NS
    end

    local follow
    local function fire_due()
      while timers[1] and timers[1].due <= clk.reached() do table.remove(timers, 1).fire() end
      follow()
    end

    local function unfollow()
      if ahead then source.disarm(ahead) end
      ahead, ahead_for = nil, nil
    end

    function follow()
      local due = timers[1] and timers[1].due
      if due == ahead_for then return end
      unfollow()
      local at = due and source_due(due) or math.huge
      if at == math.huge then return end
      ahead_for = due
      ahead = source.arm(at, function()
        ahead, ahead_for = nil, nil
        fire_due()
      end)
    end

    function clk.arm(due, fire)
      local timer = w.arm_in(timers, due, fire)
      follow()
      return timer
    end
    function clk.disarm(timer)
      w.remove(timers, timer)
      if not timers[1] then unfollow() end
    end

    --- Its rate is changed by change(); what has passed stays passed.
    function clk.changed(change)
      base, base_source = exactly_now(), ns_of(source.now())
      change()
      unfollow()
      follow()
    end
    function clk.set_scale(x) scale = x end
    function clk.get_scale() return scale end
    clk.fire_due = fire_due
    return setmetatable(clk, Clock)
  end

  --- What is moved by hand.
  local function by_hand()
    local source = { at = 0 }
    function source.now() return source.at end
    function source.arm() end
    function source.disarm() end
    return source
  end

  local function clock_on(source, opts)
    opts = opts or {}
    local hand = opts.manual and by_hand()
    local clk = new_clock(hand or source, opts.scale or 1, 0)
    clk.hand = hand
    return clk
  end

  function ebb.clock(opts) return clock_on(w.clock, opts) end
  function Clock.child(clk, opts) return clock_on(clk, opts) end

  function Clock.scale(clk, x)
    if x then clk.changed(function() clk.set_scale(x) end) end
    return clk.get_scale()
  end
  function Clock.pause(clk)
    if not clk.is_paused then clk.changed(function() clk.is_paused = true end) end
  end
  function Clock.resume(clk)
    if clk.is_paused then clk.changed(function() clk.is_paused = false end) end
  end
  function Clock.advance(clk, s)
    if not clk.hand then error("the clock goes by itself", 0) end
    clk.hand.at = clk.hand.at + s
    clk.fire_due()
  end
  function Clock.after(clk, s) return w.after(clk, s) end
  function Clock.at(clk, t) return w.at(clk, t) end
  function Clock.sleep(clk, s) return w.sleep_until(clk, w.later(clk.now(), s)) end
  function Clock.sleep_until(clk, t) return w.sleep_until(clk, w.whole(t)) end
  function Clock.interval(clk, period, opts) return w.interval(clk, period, opts) end
  function Clock.timeout(clk, s, what, ...)
    return w.timeout_until(clk, w.later(clk.now(), s), s, what, ...)
  end

  -- frames

  local frames = { disarm = w.disarm }
  function frames.now() return w.whole(frame_at(w.now) / FRAMES) end
  --- The first frame at `due` or after it.
  function frames.arm(due, fire)
    if due == math.huge then return w.arm(due, fire) end
    local k = frame_at(due)
    while w.whole(k / FRAMES) < due do k = k + 1 end
    return w.arm(frame_due(k), fire)
  end
  --- Begins when it is first asked for. A host that steps moves it.
  local frame_clock
  function ebb.frame_clock()
    if frame_clock then return frame_clock end
    local source = w.is_stepped and by_hand() or frames
    source.at = w.whole(w.frame_time)
    frame_clock = new_clock(source, 1, 1e-6)
    function w.frame_stepped()
      source.at = w.whole(w.frame_time)
      frame_clock.fire_due()
    end
    return frame_clock
  end

  --- The time that the steps have brought since the task's frame before, or since it began.
  local function next_step()
    w.check(true)
    w.await {
      ready = function() return false end,
      link = function(arm) w.join_queue(arm, w.frame_waiters) end,
    }
    local before = w.current.frame_seen
    w.current.frame_seen = w.frame_time
    return w.frame_time - before
  end

  --- The next frame: the time since the task's one before.
  function ebb.next_frame()
    if w.is_stepped then return next_step() end
    local k = frame_at(w.now) + 1
    w.check(true)
    w.await {
      ready = function() return false end,
      link = function(arm)
        arm.timer = w.arm(frame_due(k), function() w.wake(arm) end)
      end,
    }
    local before = w.current.frame or k - 1
    w.current.frame = k
    return (k - before) / FRAMES
  end
end

--- Game time: what one wait overshoots, the next one takes off.
local function add_game(w, ebb)
  local function game_on(clock)
    local game, positions = {}, {}

    --- Where in time the task is: where its last wait was to end, if it has done nothing else since.
    local function here()
      local position = positions[w.current]
      local now = clock().now()
      return position and position.woke == now and position.due or now
    end
    local function arrive(due) positions[w.current] = { due = due, woke = clock().now() } end

    function game.wait(s)
      local due = here() + math.max(s, 0)
      clock():sleep_until(due)
      arrive(due)
    end

    function game.wait_frames(n)
      for _ = 1, n do ebb.next_frame() end
    end

    function game.wait_until(pred)
      while true do
        local results = pack(pred())
        if results[1] then return unpack(results, 1, results.n) end
        ebb.next_frame()
      end
    end

    --- A child of the scope that the caller is a child of.
    local function beside(fn)
      local s = w.current.scope
      if not s or s.collect or s.ended then return ebb.spawn(fn) end
      return s:spawn(fn)
    end

    function game.every(s, fn)
      local iv = clock():interval(s)
      return beside(function()
        repeat iv:tick() until fn() == false
      end)
    end

    local function run_item(item)
      if type(item) == "number" then return game.wait(item) end
      if w.is_op(item) then return ebb.await(item) end
      return item()
    end

    function game.sequence(items)
      for i = 1, #items - 1 do run_item(items[i]) end
      if items[1] then return run_item(items[#items]) end
    end

    --- All begin where the caller is; at[i] is where item i has got to.
    local function members(items, at)
      local start, list = here(), {}
      for i, item in ipairs(items) do
        list[i] = function()
          arrive(start)
          local results = pack(run_item(item))
          at[i] = here()
          return unpack(results, 1, results.n)
        end
      end
      return unpack(list)
    end

    function game.parallel(items)
      local at, latest = {}, -math.huge
      local results = pack(ebb.join(members(items, at)))
      for i = 1, #items do latest = math.max(latest, at[i] or latest) end
      arrive(latest)
      return unpack(results, 1, results.n)
    end

    function game.race(items)
      local at = {}
      local results = pack(ebb.race(members(items, at)))
      arrive(at[results[1]])
      return unpack(results, 1, results.n)
    end

    function game.loop(n, fn)
      for i = 1, n do
        if fn(i) == false then return end
      end
    end

    --- Straight from where the fields are; exactly there in the end.
    function game.tween(s, target, goals)
      local start, from = here(), {}
      for key in pairs(goals) do from[key] = target[key] end
      local finish = start + math.max(s, 0)
      while clock().now() < finish do
        ebb.next_frame()
        local p = (clock().now() - start) / s
        for key, goal in pairs(goals) do
          if p < 1 then target[key] = from[key] + (goal - from[key]) * p end
        end
      end
      for key, goal in pairs(goals) do target[key] = goal end
      arrive(finish)
    end

    function game.on(clk)
      return game_on(function() return clk end)
    end
    return game
  end
  ebb.game = game_on(ebb.frame_clock)
end

return function(w, ebb)
  add_clocks(w, ebb)
  add_game(w, ebb)
end
