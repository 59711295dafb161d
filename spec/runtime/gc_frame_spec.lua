-- ebb.runtime{gc = "frame"}: the collector works in the time that frames leave.
local ebb = require "ebb"
local helper = require "spec.helper"

-- The suite may run with the collector in any mode: what a spec does to it is undone.
local function in_mode(mode, fn)
  return function()
    local was = collectgarbage(mode)
    local was_running = collectgarbage "isrunning"
    collectgarbage()
    local ok, err = pcall(fn)
    collectgarbage(was_running and "restart" or "stop")
    collectgarbage(was)
    if not ok then error(err, 0) end
  end
end
local function incremental(fn) return in_mode("incremental", fn) end

local function frames(opts)
  opts = opts or {}
  opts.gc, opts.clock = "frame", opts.clock or "virtual"
  return ebb.runtime(opts)
end

-- What keeps a cycle busy for a while.
local function live(n)
  local list = {}
  for i = 1, n // 100 do
    local part = {}
    for j = 1, 100 do part[j] = { i, j } end
    list[i] = part
  end
  return list
end

local function garbage(n)
  for i = 1, n do local _ = { i, { i } } end
end

local function weak() return setmetatable({ {} }, { __mode = "v" }) end

-- Steps until done() or far too many of them.
local function step_until(rt, done, budget)
  for _ = 1, 20000 do
    if done() then return true end
    rt:step(budget or 0.01)
  end
  return false
end

-- [mode] without changing it for good
local function current_mode()
  local mode = collectgarbage "incremental"
  collectgarbage(mode)
  return mode
end

describe("gc = frame", function()
  it("stops the collector while the runtime lives and starts it afterwards", incremental(function()
    assert.is_true(collectgarbage "isrunning")
    local rt = frames()
    assert.is_false(collectgarbage "isrunning")
    rt:step(0.001)
    assert.is_false(collectgarbage "isrunning")
    rt:close()
    assert.is_true(collectgarbage "isrunning")
    assert.equal("incremental", current_mode())
  end))

  it("leaves a collector that was stopped stopped", incremental(function()
    collectgarbage "stop"
    local rt = frames()
    step_until(rt, function() return rt:step(0.01).gc_cycles > 0 end)
    rt:close()
    assert.is_false(collectgarbage "isrunning")
  end))

  it("gives generational mode back", in_mode("generational", function()
    local rt = frames()
    rt:step(0.01)
    rt:close()
    assert.is_true(collectgarbage "isrunning")
    assert.equal("generational", current_mode())
  end))

  it("puts back the step multiplier and the pause", incremental(function()
    local pause, mul = collectgarbage("setpause", 160), collectgarbage("setstepmul", 240)
    local rt = frames()
    step_until(rt, function() return rt:step(0.01).gc_cycles > 1 end)
    rt:close()
    assert.equal(160, collectgarbage("setpause", pause))
    assert.equal(240, collectgarbage("setstepmul", mul))
  end))

  it("overrules what the script sets meanwhile, and keeps to it afterwards", incremental(function()
    collectgarbage "stop"
    local rt = frames()
    collectgarbage "restart"
    collectgarbage "generational"
    rt:step(0.001)
    assert.is_false(collectgarbage "isrunning")
    rt:close()
    assert.is_true(collectgarbage "isrunning")
    assert.equal("generational", current_mode())
    collectgarbage "incremental"
  end))

  it("leaves the collector alone when another option is wrong", incremental(function()
    helper.throws("option 'seed'", ebb.runtime, { gc = "frame", seed = "x" })
    helper.throws("option 'cleanup_timeout'", ebb.runtime, { gc = "frame", cleanup_timeout = -1 })
    helper.throws("option 'gc': \"frame\" expected", ebb.runtime, { gc = "frames" })
    helper.throws("option 'gc': \"frame\" expected", ebb.runtime, { gc = true })
    assert.is_true(collectgarbage "isrunning")
  end))

  it("ends with the block, whatever ends it", incremental(function()
    assert.is_false(pcall(function()
      local rt <close> = frames()
      rt:spawn(error, "reported")
      error "the block fails"
    end))
    assert.is_true(collectgarbage "isrunning")
    local rt = frames()
    rt:shutdown(0)
    assert.is_true(collectgarbage "isrunning")
    assert.is_false(pcall(rt.step, rt))
    assert.is_true(collectgarbage "isrunning")
  end))

  it("is for the state: on while one such runtime is left", incremental(function()
    local a, b = frames(), frames()
    a:close()
    assert.is_false(collectgarbage "isrunning")
    local plain <close> = ebb.runtime { clock = "virtual" }
    plain:step(0.001)
    assert.is_false(collectgarbage "isrunning")
    b:close()
    assert.is_true(collectgarbage "isrunning")
  end))

  it("is over when the runtime is collected, at the next use of a runtime", incremental(function()
    do
      local dropped = frames()
      dropped:step(0.001)
    end
    collectgarbage()
    collectgarbage()
    ebb.run(function() end)
    assert.is_true(collectgarbage "isrunning")
  end))

  it("collects in the time that is left, and only in steps #calm", incremental(function()
    local rt <close> = frames()
    local probe = weak()
    local before = collectgarbage "count"
    garbage(20000)
    assert.is_true(collectgarbage "count" > before + 1000)
    assert.is_truthy(probe[1])
    assert.is_true(step_until(rt, function() return probe[1] == nil end))
    assert.is_true(step_until(rt, function() return collectgarbage "count" < before + 500 end))
  end))

  it("runs finalisers in steps", incremental(function()
    local rt <close> = frames()
    local n = 0
    for _ = 1, 100 do setmetatable({}, { __gc = function() n = n + 1 end }) end
    assert.equal(0, n)
    assert.is_true(step_until(rt, function() return n == 100 end))
  end))

  it("spends no more than the budget on what is not urgent", incremental(function()
    local keep = live(20000)
    local rt <close> = frames()
    local info = rt:step(0)
    assert.equal(0, info.gc_time)
    assert.equal(0, info.gc_forced)
    assert.equal(0, info.gc_cycles)
    assert.is_truthy(keep)
  end))

  it("tells its debt, which falls as cycles end #calm", incremental(function()
    local keep = live(20000)
    local rt <close> = frames()
    step_until(rt, function() return rt:step(0.01).gc_cycles > 0 end)
    garbage(10000)
    local owed = rt:step(0).gc_debt
    assert.is_true(owed > 1e6)
    assert.is_true(step_until(rt, function() return rt:step(0.01).gc_debt < owed / 2 end))
    assert.is_truthy(keep)
  end))

  for _, budget in ipairs { 0, 0.001 } do
    it(("keeps the heap below twice its size after a cycle (budget %g)"):format(budget),
      incremental(function()
        local keep = live(50000)
        local rt <close> = frames()
        rt:spawn(function()
          while true do
            garbage(300)
            ebb.next_frame()
          end
        end)
        local base, cycles = collectgarbage "count", 0
        for _ = 1, 1500 do
          local info = rt:step(budget, 0.016)
          local now = collectgarbage "count"
          assert.is_true(now < 2 * base, ("%.0f KiB after %.0f, %s"):format(now, base, info.gc_cycles))
          if info.gc_cycles ~= cycles then cycles, base = info.gc_cycles, math.max(base, now) end
        end
        assert.is_true(cycles >= 3)
        assert.is_true(base < 20000)
        assert.is_truthy(keep)
      end))
  end

  it("keeps up with tasks that allocate much between awaits", incremental(function()
    local rt <close> = frames()
    local base = collectgarbage "count"
    rt:run(function()
      for _ = 1, 300 do
        garbage(2000)
        ebb.yield()
      end
    end)
    assert.is_true(collectgarbage "count" < 2 * base + 2000)
  end))

  it("collects while a run waits", incremental(function()
    local rt <close> = frames { clock = "system" }
    local probe = weak()
    rt:run(function()
      garbage(5000)
      for _ = 1, 2000 do
        if probe[1] == nil then return end
        ebb.sleep(0.001)
      end
      error "not collected"
    end)
    assert.is_nil(probe[1])
  end))

  it("does not touch a virtual clock", incremental(function()
    local rt <close> = frames()
    local t0, t1 = rt:run(function()
      local t0 = ebb.now()
      garbage(20000)
      ebb.sleep(3600)
      return t0, ebb.now()
    end)
    assert.equal(3600, t1 - t0)
  end))

  it("still finds a deadlock", incremental(function()
    local rt <close> = frames()
    helper.throws("deadlock", rt.run, rt, function()
      garbage(20000)
      ebb.await(ebb.never())
    end)
  end))

  it("counts memory off the heap", incremental(function()
    local rt <close> = frames()
    rt:spawn(function()
      while true do
        local g = ebb.guard()
        g:promote(g:bytes(65536))
        g:close()
        ebb.next_frame()
      end
    end)
    local most = 0
    for _ = 1, 3000 do
      rt:step(0, 0.016)
      most = math.max(most, ebb.alloc.stats().heap.live)
    end
    assert.is_true(most < 60e6, tostring(most))
  end))

  it("survives full collections by the script", incremental(function()
    local keep = live(10000)
    local rt <close> = frames()
    for i = 1, 200 do
      garbage(500)
      if i % 7 == 0 then collectgarbage() end
      if i % 11 == 0 then collectgarbage("step", 100) end
      rt:step(0.0005)
    end
    assert.is_true(collectgarbage "count" < 20000)
    assert.is_truthy(keep)
  end))

  it("may be opened and stepped by a finaliser", incremental(function()
    local inner
    setmetatable({}, { __gc = function() inner = frames() end })
    collectgarbage()
    inner:step(0.001)
    assert.is_false(collectgarbage "isrunning")
    inner:close()
    assert.is_true(collectgarbage "isrunning")
    local rt <close> = frames()
    local tried
    setmetatable({}, { __gc = function() tried = tried or pcall(rt.step, rt) end })
    assert.is_true(step_until(rt, function() return tried ~= nil end))
    assert.is_false(tried)
  end))

  it("reports the collector's time only where it has it", function()
    local rt <close> = ebb.runtime { clock = "virtual" }
    local info = rt:step(0.001)
    assert.equal(0, info.gc_max)
    assert.is_nil(info.gc_debt)
  end)
end)
