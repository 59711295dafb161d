--- Waiting for time. A completion is the clock moved by hand.
local ebb = require "ebb"

local function pass(seconds) ebb.current_runtime():advance(seconds) end

--- A wait for 3 seconds of the runtime's clock.
local function timed(name, of, numbers, make, extra)
  local row = {
    name = name, of = of, numbers = numbers, carries = false, ready = "either",
    make = function()
      local case = make()
      case.complete = case.complete or function() pass(3) end
      case.expect = case.expect or function() return true end
      return case
    end,
  }
  for k, v in pairs(extra or {}) do row[k] = v end
  return row
end

--- A wait for 3 seconds of a clock that only moves by hand.
local function by_hand(name, of, make, extra)
  return timed(name, of, "TM1", function()
    local clk = ebb.clock { manual = true }
    local case = make(clk)
    case.complete = function() clk:advance(3) end
    case.objects = { clk }
    return case
  end, extra)
end

--- A wait for `frames` of the frame clock: they go by themselves.
local function framed(name, of, wait)
  return {
    name = name, of = of, numbers = "PT7", carries = nil, ready = "either", by_itself = true,
    make = function()
      return { wait = wait, complete = function() end, expect = function() return true end }
    end,
  }
end

local game = ebb.game

return {
  timed("sleep", { "ebb.sleep" }, "TM1", function()
    return { wait = function() return ebb.sleep(3) end }
  end, { ready = false }),
  timed("sleep_until", { "ebb.sleep_until" }, "TM2", function()
    local t = ebb.now() + 3
    return { wait = function() return ebb.sleep_until(t) end }
  end),
  timed("after", { "ebb.after", "ebb.await", "Op:await" }, "TM1", function()
    local op = ebb.after(3)
    return { wait = function() return op:await() end, ops = { after = function() return ebb.after(3) end },
      objects = { op } }
  end, { ready = false }),
  timed("at", { "ebb.at" }, "TM10", function()
    local op = ebb.at(ebb.now() + 3)
    return { wait = function() return ebb.await(op) end, ops = { at = function() return op end },
      objects = { op } }
  end),
  timed("timer", { "ebb.Timer" }, "TM5", function()
    local timer = ebb.timer(3)
    return {
      wait = function() return ebb.await(timer) end, ops = { itself = function() return timer end },
      close = function() timer:close() end, objects = { timer },
    }
  end, { closes = true }),
  timed("interval", { "Interval:tick", "ebb.Interval" }, "IV8", function()
    local interval = ebb.interval(3)
    return {
      wait = function() return interval:tick() end, ops = { itself = function() return interval end },
      close = function() interval:close() end, objects = { interval },
      expect = function(t) return type(t) == "number" end,
    }
  end, { either = true, closes = true }),
  timed("timeout of an op", { "ebb.timeout" }, "TM7", function()
    local ch = ebb.channel(1)
    return {
      wait = function() return ebb.timeout(1000, ch) end, expect = { "v" },
      complete = function() assert(ch:try_send "v") end,
      close = function() ch:close() end,
      check = function(taken, completed)
        assert((ch:try_recv() == "v") == (completed and not taken))
        local receivers, senders = ch:waiters()
        assert(receivers == 0 and senders == 0)
      end,
    }
  end, { carries = true, ready = true, closes = true }),
  timed("timeout of a function", { "ebb.timeout" }, "TM7 TM9", function()
    return { wait = function() return ebb.timeout(1000, function() return ebb.sleep(3) end) end }
  end, { ready = false }),
  timed("timeout_at", { "ebb.timeout_at" }, "TM10", function()
    local t = ebb.now() + 300
    return { wait = function() return ebb.timeout_at(t, ebb.sleep, 3) end }
  end, { ready = false }),
  timed("two timeouts, one in the other", { "ebb.timeout" }, "TM9", function()
    return { wait = function() return ebb.timeout(1000, ebb.timeout, 500, ebb.after(3)) end }
  end, { ready = false }),
  timed("yield", { "ebb.yield" }, "YC1", function()
    return { wait = function() return ebb.yield() end, complete = function() end }
  end, { by_itself = true, either = true }),
  by_hand("a clock's sleep", { "Clock:sleep" }, function(clk)
    return { wait = function() return clk:sleep(3) end }
  end),
  by_hand("a clock's sleep_until", { "Clock:sleep_until" }, function(clk)
    return { wait = function() return clk:sleep_until(3) end }
  end),
  by_hand("a clock's after", { "Clock:after" }, function(clk)
    return { wait = function() return ebb.await(clk:after(3)) end, ops = { after = function() return clk:after(3) end } }
  end),
  by_hand("a clock's at", { "Clock:at" }, function(clk)
    return { wait = function() return ebb.await(clk:at(3)) end, ops = { at = function() return clk:at(3) end } }
  end),
  by_hand("a clock's interval", { "Interval:tick" }, function(clk)
    local interval = clk:interval(3)
    return {
      wait = function() return interval:tick() end, ops = { itself = function() return interval end },
      close = function() interval:close() end,
    }
  end, { closes = true }),
  by_hand("a clock's timeout", { "Clock:timeout" }, function(clk)
    return { wait = function() return clk:timeout(1000, clk.sleep, clk, 3) end }
  end),
  framed("next_frame", { "ebb.next_frame" }, function() return ebb.next_frame() end),
  framed("game.wait", { "ebb.game.wait" }, function() return game.wait(0.1) end),
  framed("game.wait_frames", { "ebb.game.wait_frames" }, function() return game.wait_frames(3) end),
  framed("game.wait_until", { "ebb.game.wait_until" }, function()
    local n = 0
    return game.wait_until(function()
      n = n + 1
      return n == 3
    end)
  end),
  framed("game.sequence", { "ebb.game.sequence" }, function()
    return game.sequence { 0.05, function() game.wait(0.05) end }
  end),
  framed("game.parallel", { "ebb.game.parallel" }, function()
    return game.parallel { 0.05, function() game.wait(0.05) end }
  end),
  framed("game.race", { "ebb.game.race" }, function()
    return game.race { 0.05, function() game.wait(100) end }
  end),
  framed("game.loop", { "ebb.game.loop" }, function()
    return game.loop(3, function() game.wait(0.02) end)
  end),
  framed("game.tween", { "ebb.game.tween" }, function()
    return game.tween(0.1, { x = 0 }, { x = 10 })
  end),
}
