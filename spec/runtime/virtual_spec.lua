-- The virtual clock: it stands still while anything is ready and jumps when all tasks wait.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local near = support.near

describe("a virtual clock", function()
  it_runs("PT2 PT6 a day of sleep takes no time, and exactly a day of the clock", function()
    local real, start = os.time(), ebb.now()
    ebb.sleep(86400)
    near(86400, ebb.now() - start)
    assert.is_true(os.time() - real < 5)
  end)

  it_runs("PT1 stands still while tasks are ready", function()
    local start, other = ebb.now(), 0
    ebb.go(function()
      for _ = 1, 500 do
        other = other + 1
        ebb.yield()
      end
    end)
    ebb.go(ebb.sleep, 0.001)
    for _ = 1, 500 do helper.settle() end
    support.burn(0.01)
    assert.equal(start, ebb.now())
    assert.is_true(other >= 499)
  end)

  it_runs("PT1 stands still while a task computes", function()
    local start = ebb.now()
    support.burn(0.02)
    assert.equal(start, ebb.now())
    ebb.sleep(0.5)
    near(0.5, ebb.now() - start)
  end)

  it_runs("PT2 jumps to the next timer, not past it", function()
    local start, log = ebb.now(), {}
    for i, s in ipairs { 30, 10, 20 } do
      ebb.go(function()
        ebb.sleep(s)
        log[i] = ebb.now() - start
      end)
    end
    ebb.sleep(40)
    near(30, log[1])
    near(10, log[2])
    near(20, log[3])
  end)

  it_runs("PT2 TM3 timers fire by deadline, equal ones as they were armed #fifo", function()
    local log = helper.log()
    for i, s in ipairs { 3, 1, 2, 1, 3, 1 } do
      ebb.go(function()
        ebb.sleep(s)
        log(s, i)
      end)
    end
    ebb.sleep(5)
    assert.equal("1:2 1:4 1:6 2:3 3:1 3:5", log:text())
  end)

  it_runs("PT2 a chain of a million seconds in small sleeps does not drift", function()
    local start = ebb.now()
    for _ = 1, 1000 do ebb.sleep(1000) end
    assert.is_true(math.abs(ebb.now() - start - 1e6) < 1e-3)
  end)

  it_runs("PT3 times under a millisecond are exact", function()
    local start = ebb.now()
    ebb.sleep(0.0002)
    assert.is_true(math.abs(ebb.now() - start - 0.0002) < 1e-8)
    for _ = 1, 99 do ebb.sleep(0.0002) end
    assert.is_true(math.abs(ebb.now() - start - 0.02) < 1e-6)
  end)

  it_runs("PT2 timeouts of hours", function()
    local start = ebb.now()
    local value, why, after = ebb.timeout(7200, function() ebb.sleep(1e6) end)
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.equal(7200, after)
    near(7200, ebb.now() - start)
  end)

  it_runs("PT2 intervals tick on the dot", function()
    local start = ebb.now()
    local iv = ebb.interval(3600)
    for i = 1, 24 do
      iv:tick()
      near(3600 * i, ebb.now() - start)
    end
    iv:close()
  end)

  it_runs("PT4 a running file request holds it", function()
    local start, slept = ebb.now(), false
    ebb.go(function()
      ebb.sleep(0.001)
      slept = true
    end)
    for _ = 1, 20 do
      local stat = assert(ebb.fs.stat("spec/helper.lua"))
      assert.equal("file", stat.type)
    end
    assert.is_false(slept)
    assert.equal(start, ebb.now())
    ebb.sleep(1)
    assert.is_true(slept)
  end)

  it("PT5 two runs give the same trace", function()
    local function trace()
      local log = helper.log()
      helper.run(function()
        local ch = ebb.channel(2)
        local start = ebb.now()
        for i = 1, 5 do
          ebb.go(function()
            for j = 1, 5 do
              ebb.sleep((i * 7 + j * 3) % 5)
              ch:send(i * 10 + j)
            end
          end)
        end
        for _ = 1, 25 do
          local which, v = ebb.select(ch, ebb.after(0.5))
          log(which, v, ("%.3f"):format(ebb.now() - start))
        end
      end)
      return log:text()
    end
    local first = trace()
    for _ = 1, 5 do assert.equal(first, trace()) end
  end)

  it("PT6 the kind of clock is checked", function()
    assert.is_false(pcall(ebb.runtime, { clock = "wall" }))
    assert.is_false(pcall(ebb.runtime, { clock = 1 }))
    assert.is_false(pcall(ebb.runtime, "virtual"))
  end)

  it("the default is the system's", function()
    local rt = ebb.runtime()
    local seconds = rt:run(function()
      local start = ebb.now()
      support.burn(0.02)
      return ebb.now() - start
    end)
    assert.is_true(seconds >= 0.01, tostring(seconds))
    rt:close()
  end)
end)

describe("advance", function()
  local function with_runtime(fn)
    local rt = helper.runtime()
    local ok, err = xpcall(fn, debug.traceback, rt)
    rt:close()
    if not ok then error(err, 0) end
  end

  --- Spawns a task that sleeps s seconds, then logs s.
  local function sleeper(rt, log, s)
    rt:spawn(function()
      ebb.sleep(s)
      log(s)
    end)
  end

  it("PT3 makes all timers due at once; their tasks run at the next step #fifo", function()
    with_runtime(function(rt)
      local log = helper.log()
      for _, s in ipairs { 5, 1, 3, 20 } do sleeper(rt, log, s) end
      rt:step(1)
      rt:advance(10)
      assert.equal("", log:text())
      rt:step(1)
      assert.equal("1 3 5", log:text())
      rt:advance(9.999)
      rt:step(1)
      assert.equal("1 3 5", log:text())
      rt:advance(0.001)
      rt:step(1)
      assert.equal("1 3 5 20", log:text())
    end)
  end)

  it("PT3 moves the clock in one jump", function()
    with_runtime(function(rt)
      local start = rt:run(ebb.now)
      rt:advance(12.5)
      near(start + 12.5, rt:run(ebb.now))
    end)
  end)

  it("PT3 times below a millisecond count", function()
    with_runtime(function(rt)
      local log = helper.log()
      sleeper(rt, log, 0.0005)
      rt:step(1)
      rt:advance(0.0004)
      rt:step(1)
      assert.equal("", log:text())
      rt:advance(0.0002)
      rt:step(1)
      assert.equal("0.0005", log:text())
    end)
  end)

  it("PT3 advance(0) does nothing", function()
    with_runtime(function(rt)
      local log = helper.log()
      sleeper(rt, log, 1)
      rt:step(1)
      rt:advance(0)
      near(1, rt:step(1).next_deadline)
      assert.equal("", log:text())
    end)
  end)

  it("a sleep begun after the jump counts from there", function()
    with_runtime(function(rt)
      local log = helper.log()
      rt:step(1)
      rt:advance(100)
      sleeper(rt, log, 5)
      near(5, rt:step(1).next_deadline)
      rt:advance(4)
      rt:step(1)
      assert.equal("", log:text())
      rt:advance(1)
      rt:step(1)
      assert.equal("5", log:text())
    end)
  end)

  helper.it("PT3 a timeout over the jump strikes at the next await that waits", function(_, rt)
    local reached
    local value, why = ebb.timeout(5, function()
      rt:advance(10)
      reached = true
      ebb.sleep(1)
      reached = "too far"
    end)
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.is_true(reached)
  end)
end)
