-- rt:step, the turn of a host with its own frame loop.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local near, burn, with_runtime = support.near, support.burn, support.with_runtime

local system = { clock = "system" }

describe("step", function()
  it("TS25 tasks do not run until the host steps", function()
    with_runtime(function(rt)
      local ran = false
      rt:spawn(function() ran = true end)
      assert.is_false(ran)
      rt:step()
      assert.is_true(ran)
    end)
  end)

  it("BO5 runs what is ready in the order in which it became ready #fifo", function()
    with_runtime(function(rt)
      local log = helper.log()
      for i = 1, 5 do rt:spawn(support.call, log, i) end
      rt:step(100)
      assert.equal("1 2 3 4 5", log:text())
    end)
  end)

  it("BO5 wakes and runs what they woke, in the same step", function()
    with_runtime(function(rt)
      local ch, got = ebb.channel(), nil
      rt:spawn(function() got = ch:recv() end)
      rt:spawn(function() ch:send("value") end)
      rt:step(100)
      assert.equal("value", got)
      assert.equal(0, rt:metrics().alive)
    end)
  end)

  it("R135 a budget of nothing runs a turn of one task at least", function()
    with_runtime(function(rt)
      local n = 0
      for _ = 1, 3 do rt:spawn(function() n = n + 1 end) end
      for _ = 1, 3 do rt:step(0) end
      assert.equal(3, n)
    end)
  end)

  it("R135 stops when the budget is gone, and overruns by one turn at most", function()
    with_runtime(function(rt)
      local n = 0
      for _ = 1, 20 do
        rt:spawn(function()
          burn(0.01)
          n = n + 1
        end)
      end
      local info = rt:step(0.025)
      assert.is_true(n >= 1 and n <= 4, "ran " .. n)
      assert.equal(n, info.ran)
      assert.equal(20 - n, info.ready)
      assert.equal(20 - n, info.alive)
      local before = n
      for _ = 1, 20 do rt:step(10) end
      assert.equal(20, n)
      assert.is_true(before < 20)
    end, system)
  end)

  it("what a step left over comes before what a frame waiter does #fifo", function()
    with_runtime(function(rt)
      local log = helper.log()
      rt:spawn(function()
        ebb.next_frame()
        log("frame")
      end)
      rt:step(100)
      rt:spawn(burn, 0.02)
      rt:spawn(support.call, log, "left over")
      local info = rt:step(0.001, 0.1)
      if info.ready > 0 then rt:step(100, 0.1) end
      assert.equal("left over frame", log:text())
    end, system)
  end)

  it("timers that are due come before the frame's waiters, these before what they wake #fifo", function()
    with_runtime(function(rt)
      local log, ch = helper.log(), ebb.channel()
      rt:spawn(function()
        ch:recv()
        log("woken")
      end)
      rt:spawn(function()
        ebb.next_frame()
        log("frame 1")
        ch:send(true)
      end)
      rt:spawn(function()
        ebb.next_frame()
        log("frame 2")
      end)
      rt:spawn(function()
        ebb.sleep(1)
        log("timer")
      end)
      rt:step(100)
      assert.equal("", log:text())
      rt:advance(1)
      rt:step(100, 0.1)
      assert.equal("timer frame 1 frame 2 woken", log:text())
    end)
  end)

  it("never blocks, however long the timers have to go", function()
    with_runtime(function(rt)
      local woken = false
      rt:spawn(function()
        ebb.sleep(3600)
        woken = true
      end)
      local start = ebb.now()
      for _ = 1, 100 do rt:step(10) end
      assert.is_true(ebb.now() - start < 60)
      assert.is_false(woken)
    end, system)
  end)

  it("never blocks when everybody waits for what cannot come", function()
    with_runtime(function(rt)
      rt:spawn(function() ebb.channel():recv() end)
      local start = ebb.now()
      rt:step(100)
      rt:step()
      assert.is_true(ebb.now() - start < 60)
    end, system)
  end)

  it("fires the system clock's timers when they are due", function()
    with_runtime(function(rt)
      local start, woken = ebb.now(), nil
      rt:spawn(function()
        ebb.sleep(0.02)
        woken = ebb.now()
      end)
      assert.is_true(support.step_until(rt, function() return woken end) ~= nil)
      assert.is_true(woken - start >= 0.02)
    end, system)
  end)

  it("gets on with files", function()
    with_runtime(function(rt)
      local stat
      rt:spawn(function() stat = ebb.fs.stat("spec") end)
      assert.is_truthy(support.step_until(rt, function() return stat end))
      assert.equal("directory", stat.type)
    end, system)
  end)

  it("leaves a virtual clock where it is: only advance moves it", function()
    with_runtime(function(rt)
      local log = helper.log()
      local start
      rt:spawn(function()
        start = ebb.now()
        ebb.sleep(1)
        log(ebb.now() - start)
      end)
      for _ = 1, 10 do rt:step(100, 1) end
      assert.equal("", log:text())
      rt:advance(0.5)
      rt:step(100)
      assert.equal("", log:text())
      rt:advance(0.5)
      assert.equal("", log:text())
      rt:step(100)
      assert.equal(1, #log)
      near(1, tonumber(log[1]))
    end)
  end)

  it("a failing task does not make it throw", function()
    with_runtime(function(rt, errors)
      local log = helper.log()
      rt:spawn(function() ebb.go(error, "broken") end)
      rt:spawn(support.call, log, "next")
      rt:step(100)
      rt:step(100)
      assert.equal("next", log:text())
      assert.equal(1, #errors)
      assert.equal("broken", errors[1].err)
    end)
  end)

  it("R134 inside a handler of errors is refused, and the step goes on", function()
    local rt, seen
    rt = ebb.runtime { clock = "virtual", on_task_error = function()
      seen = table.pack(pcall(rt.step, rt))
    end }
    local log = helper.log()
    rt:spawn(function() ebb.go(error, "broken") end)
    rt:step(100)
    rt:spawn(support.call, log, "next")
    rt:step(100)
    assert.is_false(seen[1])
    assert.equal("next", log:text())
    rt:close()
  end)

  it("R134 inside a finaliser is refused when a task is running", function()
    with_runtime(function(rt)
      local seen
      rt:spawn(function()
        setmetatable({}, { __gc = function() seen = table.pack(pcall(rt.step, rt)) end })
        collectgarbage()
      end)
      rt:step(100)
      assert.is_false(seen[1])
      support.contains("EBB052", seen[2])
    end)
  end)
end)

describe("arguments of step and advance", function()
  for _, wrong in ipairs { "x", {}, true, 0 / 0 } do
    it("R135 a budget, a dt and a time that are " .. tostring(wrong), function()
      with_runtime(function(rt)
        local text = wrong == "x" and "bad argument" or nil
        helper.throws(text, rt.step, rt, wrong)
        helper.throws(text, rt.step, rt, 1, wrong)
        helper.throws(text, rt.advance, rt, wrong)
        rt:spawn(function() end)
        assert.equal(1, rt:step(100, 1).ran)
      end)
    end)
  end

  it("a dt that is infinite would leave no later frame a time", function()
    with_runtime(function(rt)
      for _, wrong in ipairs { math.huge, -math.huge } do
        helper.throws("bad argument #2 to 'step' (finite number of seconds expected)", function() rt:step(1, wrong) end)
      end
      local dt
      rt:spawn(function() dt = ebb.next_frame() end)
      for _ = 1, 3 do rt:step(100, 0.5) end
      assert.equal(0.5, dt)
    end)
  end)

  it("advance wants a number", function()
    with_runtime(function(rt) helper.throws("bad argument", rt.advance, rt) end)
  end)
end)
