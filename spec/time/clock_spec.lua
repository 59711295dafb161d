-- ebb.clock: own time, faster, slower, paused, moved by hand; clocks that follow clocks.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local near = support.near

describe("clock", function()
  it_runs("PT7 begins at 0 and follows the runtime's time", function()
    ebb.sleep(5)
    local clk = ebb.clock()
    assert.equal(0, clk:now())
    ebb.sleep(2.5)
    assert.equal(2.5, clk:now())
    clk:sleep(1.5)
    assert.equal(4, clk:now())
    assert.equal(9, ebb.now())
  end)

  it_runs("PT7 a scale makes it faster or slower", function()
    local fast, slow = ebb.clock { scale = 2 }, ebb.clock { scale = 0.25 }
    fast:sleep(6)
    assert.equal(3, ebb.now())
    assert.equal(6, fast:now())
    assert.equal(0.75, slow:now())
    slow:sleep(0.25)
    assert.equal(4, ebb.now())
    assert.equal(1, slow:now())
    assert.equal(0.25, slow:scale())
  end)

  it_runs("PT7 a change of scale while it sleeps keeps what has passed", function()
    local clk = ebb.clock()
    local task = ebb.spawn(function()
      clk:sleep(10)
      return ebb.now()
    end)
    ebb.sleep(4)
    clk:scale(3)
    assert.equal(6, task:await())
    task = ebb.spawn(function()
      clk:sleep(9)
      return ebb.now()
    end)
    ebb.sleep(1)
    clk:scale(0.5)
    assert.equal(19, task:await())
  end)

  it_runs("PT7 pause holds its sleepers, resume lets them go on", function()
    local clk = ebb.clock()
    local task = ebb.spawn(function()
      clk:sleep(10)
      return ebb.now()
    end)
    ebb.sleep(3)
    clk:pause()
    clk:pause()
    assert.is_true(clk:is_paused())
    ebb.sleep(100)
    assert.equal(3, clk:now())
    assert.equal("waiting", task:status())
    clk:resume()
    assert.equal(110, task:await())
    assert.equal(10, clk:now())
    assert.equal("ebb.clock: scale 1.0", tostring(clk))
  end)

  it_runs("scale 0 is a pause too", function()
    local clk = ebb.clock { scale = 0 }
    local task = ebb.spawn(clk.sleep, clk, 1)
    ebb.sleep(1000)
    assert.equal(0, clk:now())
    clk:scale(1)
    task:join()
    assert.equal(1001, ebb.now())
  end)

  it_runs("many changes add no error up", function()
    local clk = ebb.clock()
    local expected = 0
    for i = 1, 1000 do
      local scale = (i % 7 + 1) / 3
      clk:scale(scale)
      ebb.sleep(0.01)
      expected = expected + 0.01 * scale
    end
    assert.is_true(math.abs(clk:now() - expected) < 1e-8)
  end)

  it_runs("a manual clock stands until it is moved", function()
    local clk = ebb.clock { manual = true }
    local log = helper.log()
    for _, s in ipairs { 3, 1, 2, 1 } do
      ebb.go(function() clk:sleep(s) log(s, clk:now()) end)
    end
    ebb.sleep(1000)
    assert.equal("", log:text())
    clk:advance(1)
    assert.equal(1, clk:now())
    helper.settle()
    assert.equal("1:1.0 1:1.0", log:text())
    clk:advance(0.5)
    clk:advance(0.5)
    helper.settle()
    clk:advance(50)
    helper.settle()
    assert.equal("1:1.0 1:1.0 2:2.0 3:52.0", log:text())
  end)

  it_runs("advance is for manual clocks", function()
    helper.throws("manual = true expected", function() ebb.clock():advance(1) end)
    helper.throws("finite", function() ebb.clock({ manual = true }):advance(math.huge) end)
    ebb.clock({ manual = true }):advance(-1)
  end)

  it_runs("a manual clock may be paused and scaled as well", function()
    local clk = ebb.clock { manual = true, scale = 2 }
    clk:advance(1)
    assert.equal(2, clk:now())
    clk:pause()
    clk:advance(1)
    assert.equal(2, clk:now())
    clk:resume()
    clk:advance(0.25)
    assert.equal(2.5, clk:now())
  end)

  it_runs("equal deadlines fire in the order they were armed #fifo", function()
    local clk = ebb.clock { scale = 3 }
    local log = helper.log()
    for i = 1, 20 do ebb.go(function() clk:sleep(1) log(i) end) end
    clk:sleep(2)
    local expected = {}
    for i = 1, 20 do expected[i] = i end
    assert.equal(table.concat(expected, " "), log:text())
  end)

  it_runs("deadlines come in order, whatever the scale does meanwhile", function()
    local clk = ebb.clock()
    local times = {}
    for i = 1, 200 do
      local s = (i * 7919 % 1000) / 100
      ebb.go(function()
        clk:sleep(s)
        times[#times + 1] = s
        assert.is_true(clk:now() >= s - 1e-9)
      end)
    end
    for i = 1, 100 do
      clk:scale((i % 5) / 2)
      if i % 11 == 0 then clk:pause() else clk:resume() end
      ebb.sleep(0.1)
    end
    clk:resume()
    clk:scale(1)
    clk:sleep(20)
    assert.equal(200, #times)
    for i = 2, 200 do assert.is_true(times[i - 1] <= times[i]) end
  end)

  it_runs("a child follows its parent", function()
    local world = ebb.clock { scale = 2 }
    local slow = world:child { scale = 0.5 }
    local deep = slow:child()
    local at = {}
    ebb.join(function() slow:sleep(3) at.slow = ebb.now() end,
      function() deep:sleep(1) at.deep = ebb.now() end)
    assert.same({ slow = 3, deep = 1 }, at)
    world:pause()
    local task = ebb.spawn(deep.sleep, deep, 1)
    ebb.sleep(10)
    assert.equal("waiting", task:status())
    world:resume()
    task:join()
    assert.equal(14, ebb.now())
    assert.equal(8, world:now())
    assert.equal(4, deep:now())
  end)

  it_runs("a child of a manual clock moves with it", function()
    local world = ebb.clock { manual = true }
    local half = world:child { scale = 0.5 }
    local task = ebb.spawn(half.sleep, half, 1)
    helper.settle()
    world:advance(1.5)
    helper.settle()
    assert.equal("waiting", task:status())
    world:advance(0.5)
    helper.settle()
    assert.equal("done", task:status())
  end)

  it_runs("sleep_until, at and after are of its time", function()
    local clk = ebb.clock { scale = 2 }
    clk:sleep_until(4)
    assert.equal(2, ebb.now())
    clk:sleep_until(1)
    assert.equal(2, ebb.now())
    assert.is_true(clk:at(6):await())
    assert.equal(3, ebb.now())
    local op = clk:after(2)
    assert.equal(2, ebb.select(ebb.never(), op))
    ebb.await(op)
    assert.equal(5, ebb.now())
    assert.is_true(clk:after(-1):await())
    assert.is_true(clk:at(0):await())
  end)

  it_runs("a select over two clocks leaves nothing armed", function(_, rt)
    local a, b = ebb.clock(), ebb.clock { scale = 2 }
    assert.equal(2, ebb.select(a:after(10), b:after(10)))
    assert.equal(5, ebb.now())
    assert.equal(0, rt:metrics().timers)
  end)

  it_runs("an interval on it", function()
    local clk = ebb.clock { scale = 4 }
    local iv = clk:interval(1)
    local times = {}
    for t in iv do
      times[#times + 1] = t
      if #times == 4 then break end
    end
    assert.same({ 1, 2, 3, 4 }, times)
    assert.equal(1, ebb.now())
    clk:pause()
    ebb.delay(10, clk.resume, clk)
    assert.equal(5, iv:tick())
    assert.equal(11.25, ebb.now())
    iv:reset()
    assert.equal(6, iv:tick())
  end)

  it_runs("an interval that was left behind goes on as it was told", function()
    local clk = ebb.clock { manual = true }
    local burst = clk:interval(1, { missed = "burst" })
    local skip = clk:interval(1)
    clk:advance(3.5)
    assert.same({ 1, 2, 3 }, { burst:tick(), burst:tick(), burst:tick() })
    assert.equal(1, skip:tick())
    ebb.delay(0, clk.advance, clk, 1)
    assert.equal(4, skip:tick())
  end)

  it_runs("a timeout on it", function()
    local clk = ebb.clock { scale = 2 }
    assert.same({ nil, "timeout", 4 }, { clk:timeout(4, ebb.sleep, 100) })
    assert.equal(2, ebb.now())
    assert.same({ nil, "timeout", 2 }, { clk:timeout(2, ebb.never()) })
    assert.equal(3, ebb.now())
    assert.same({ 1, 2 }, { clk:timeout(2, function(...)
      ebb.sleep(0.5)
      return ...
    end, 1, 2) })
    assert.equal("x", clk:timeout(1, ebb.ready "x"))
    assert.same({ nil, "timeout", 1 }, { clk:timeout(1, ebb.ready(5):map(ebb.sleep)) })
    assert.is_nil(ebb.deadline())
  end)

  it_runs("a timeout on a paused clock waits", function()
    local clk = ebb.clock()
    ebb.go(function()
      ebb.sleep(1)
      clk:pause()
      ebb.sleep(50)
      clk:resume()
    end)
    assert.same({ nil, "timeout", 2 }, { clk:timeout(2, ebb.sleep, 1000) })
    assert.equal(52, ebb.now())
  end)

  it_runs("timeouts of clocks and of the runtime nest", function()
    local clk = ebb.clock { scale = 10 }
    assert.same({ nil, "timeout", 1 }, { ebb.timeout(1, function()
      return clk:timeout(100, ebb.sleep, 100)
    end) })
    assert.same({ true, nil, "timeout", 5 }, { ebb.timeout(1, function()
      return true, clk:timeout(5, ebb.sleep, 100)
    end) })
    assert.equal(1.5, ebb.now())
  end)

  it_runs("a cancelled sleep leaves nothing armed", function(_, rt)
    local clk = ebb.clock()
    local task = ebb.spawn(clk.sleep, clk, 100)
    helper.settle()
    assert.equal(1, rt:metrics().timers)
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal(0, rt:metrics().timers)
  end)

  it_runs("for ever, not at all, and less than that", function()
    local clk = ebb.clock()
    assert.same({ nil, "timeout", 5 }, { ebb.timeout(5, clk.sleep, clk, math.huge) })
    local before = ebb.now()
    clk:sleep(0)
    clk:sleep(-3)
    assert.equal(before, ebb.now())
  end)

  it("nothing but a clock that stands still to wait for is a deadlock", function()
    local rt = helper.runtime()
    helper.throws("deadlock", rt.run, rt, function()
      local clk = ebb.clock { manual = true }
      clk:sleep(1)
    end)
    rt:close()
  end)

  it_runs("what it is and what is wrong", function()
    assert.equal("ebb.clock: scale 2.0", tostring(ebb.clock { scale = 2 }))
    assert.equal("ebb.clock: manual, scale 1.0", tostring(ebb.clock { manual = true }))
    local clk = ebb.clock()
    clk:pause()
    assert.equal("ebb.clock: paused", tostring(clk))
    assert.equal("ebb.clock", getmetatable(clk))
    helper.throws("table of options expected", ebb.clock, 3)
    helper.throws("unknown option 'speed'", ebb.clock, { speed = 3 })
    helper.throws("scale: finite number >= 0 expected, got -1", ebb.clock, { scale = -1 })
    helper.throws("scale", clk.scale, clk, 0 / 0)
    helper.throws("scale", clk.scale, clk, math.huge)
    helper.throws("NaN", clk.sleep, clk, 0 / 0)
    helper.throws("ebb.clock expected", clk.sleep, {}, 1)
    helper.throws("clock_spec.lua", function() clk:sleep "x" end)
  end)

  it_runs("collected clocks leave nothing behind", function(_, rt)
    for _ = 1, 50 do
      local clk = ebb.clock()
      local child = clk:child()
      ebb.timeout(0.001, child:after(1))
    end
    collectgarbage()
    collectgarbage()
    assert.equal(0, rt:metrics().timers)
    near(0.05, ebb.now())
  end)
end)
