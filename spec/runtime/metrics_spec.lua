-- rt:metrics.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

local function with_runtime(fn, opts)
  local rt, errors = helper.runtime(opts)
  local ok, err = xpcall(fn, debug.traceback, rt, errors)
  rt:close()
  if not ok then error(err, 0) end
end

local fields = { "alive", "spawned", "done", "failed", "cancelled", "ready", "polls", "wakeups",
  "timers", "blocking_threads", "blocking_queued", "iterations", "busy", "slowest", "alloc_bytes",
  "handles" }

describe("metrics", function()
  it("ME1 has every field, and all are numbers that are not negative", function()
    with_runtime(function(rt)
      local metrics = rt:metrics()
      for _, field in ipairs(fields) do
        assert.equal("number", type(metrics[field]), field)
        assert.is_true(metrics[field] >= 0, field)
      end
    end)
  end)

  it("ME1 of a fresh runtime: nothing happened", function()
    with_runtime(function(rt)
      local metrics = rt:metrics()
      local counts = { "alive", "spawned", "done", "failed", "cancelled", "ready", "timers" }
      for _, field in ipairs(counts) do
        assert.equal(0, metrics[field], field)
      end
    end)
  end)

  it("ME2 counts how tasks end", function()
    with_runtime(function(rt, errors)
      for _ = 1, 3 do rt:spawn(function() end) end
      for _ = 1, 2 do rt:spawn(error, "broken") end
      local sleepers = {}
      for i = 1, 4 do sleepers[i] = rt:spawn(ebb.sleep, 1000) end
      local before = rt:metrics()
      assert.equal(9, before.spawned)
      assert.equal(9, before.alive)
      assert.equal(9, before.ready)
      rt:step(1)
      local running = rt:metrics()
      assert.equal(4, running.alive)
      assert.equal(3, running.done)
      assert.equal(2, running.failed)
      assert.equal(0, running.cancelled)
      assert.equal(0, running.ready)
      for i = 1, 4 do sleepers[i]:cancel() end
      rt:step(1)
      local after = rt:metrics()
      assert.equal(9, after.spawned)
      assert.equal(0, after.alive)
      assert.equal(4, after.cancelled)
      assert.equal(3, after.done)
      assert.equal(2, after.failed)
      collectgarbage()
      collectgarbage()
      rt:step(1)
      assert.is_true(#errors <= 2)
    end)
  end)

  it("ME2 a task cancelled before its first run counts as cancelled", function()
    with_runtime(function(rt)
      rt:spawn(function() end):cancel()
      rt:step(1)
      local metrics = rt:metrics()
      assert.equal(1, metrics.spawned)
      assert.equal(1, metrics.cancelled)
      assert.equal(0, metrics.done)
      assert.equal(0, metrics.alive)
    end)
  end)

  it("ME2 ebb.go counts like ebb.spawn, and main is a task", function()
    with_runtime(function(rt)
      local inside = rt:run(function()
        ebb.go(function() end)
        ebb.spawn(function() end)
        return rt:metrics()
      end)
      assert.equal(3, inside.spawned)
      assert.equal(3, inside.alive)
      assert.equal(0, rt:metrics().alive)
    end)
  end)

  it("TM6 timers are those that are armed", function()
    with_runtime(function(rt)
      local tasks = {}
      for i = 1, 100 do tasks[i] = rt:spawn(ebb.sleep, i) end
      rt:step(1)
      assert.equal(100, rt:metrics().timers)
      rt:advance(10)
      rt:step(1)
      assert.equal(90, rt:metrics().timers)
      for i = 11, 100 do tasks[i]:cancel() end
      rt:step(1)
      assert.equal(0, rt:metrics().timers)
    end)
  end)

  it("R70 TM6 ten thousand timeouts in time leave no timer", function()
    helper.run(function(_, rt)
      local ch = ebb.channel(1)
      for i = 1, 10000 do
        ch:send(i)
        assert.equal(i, (ebb.timeout(1000, ch)))
        assert.equal(1, (ebb.select(ebb.ready(), ebb.after(1000))))
      end
      assert.equal(0, rt:metrics().timers)
    end)
  end)

  it("TS24 polls count the turns of tasks, wakeups the wakes", function()
    with_runtime(function(rt)
      local ch = ebb.channel()
      rt:spawn(function()
        for _ = 1, 10 do ch:recv() end
      end)
      rt:step(1)
      local first = rt:metrics()
      for i = 1, 10 do
        ch:try_send(i)
        rt:step(1)
      end
      local second = rt:metrics()
      assert.equal(first.polls + 10, second.polls)
      assert.equal(first.wakeups + 10, second.wakeups)
    end)
  end)

  it("ME2 iterations go up with every step", function()
    with_runtime(function(rt)
      local last = rt:metrics().iterations
      for _ = 1, 5 do
        rt:step(1)
        local now = rt:metrics().iterations
        assert.is_true(now > last)
        last = now
      end
    end)
  end)

  it("ME2 busy is the time spent in tasks, slowest the longest turn", function()
    with_runtime(function(rt)
      rt:spawn(support.burn, 0.03)
      rt:spawn(support.burn, 0.01)
      rt:step(60)
      local metrics = rt:metrics()
      assert.is_true(metrics.busy >= 0.03, tostring(metrics.busy))
      assert.is_true(metrics.slowest >= 0.02, tostring(metrics.slowest))
      assert.is_true(metrics.slowest <= metrics.busy)
      rt:step(1)
      assert.equal(metrics.busy, rt:metrics().busy)
    end, { clock = "system" })
  end)

  it("SH1 alloc_bytes does not grow over rounds of tasks, channels and timers", function()
    helper.run(function(_, rt)
      local function round()
        local ch = ebb.channel(4)
        for i = 1, 20 do
          ebb.go(function()
            ebb.sleep(i)
            ch:send(i)
          end)
        end
        for _ = 1, 20 do ch:recv() end
        ebb.select(ch, ebb.after(1))
        ch = nil -- luacheck: ignore 311
        ebb.yield()
        collectgarbage()
        collectgarbage()
      end
      for _ = 1, 10 do round() end
      local bytes = rt:metrics().alloc_bytes
      for _ = 1, 20 do round() end
      assert.is_true(rt:metrics().alloc_bytes <= bytes * 1.1 + 1024)
    end)
  end)

  it("R70 closing times of everything: nothing is armed after a run that left it all", function()
    with_runtime(function(rt)
      rt:run(function()
        for i = 1, 50 do
          ebb.go(ebb.sleep, i)
          ebb.go(ebb.timeout, i, ebb.never())
          ebb.go(ebb.select, ebb.after(i), ebb.channel())
        end
        ebb.sleep(10)
      end)
      local metrics = rt:metrics()
      assert.equal(0, metrics.timers)
      assert.equal(0, metrics.alive)
      assert.equal(0, metrics.ready)
      assert.equal(metrics.spawned, metrics.done + metrics.failed + metrics.cancelled)
    end)
  end)
end)
