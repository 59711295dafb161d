-- sleep and sleep_until: how long, in what order, with what arguments.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack
local near, elapsed = support.near, support.elapsed

describe("sleep", function()
  it_runs("TM1 takes as long as asked", function()
    for _, s in ipairs { 0.0002, 0.001, 0.5, 1, 59.75, 3600 } do
      near(s, elapsed(ebb.sleep, s))
    end
  end)

  it_runs("TM1 counts in seconds", function()
    local start = ebb.now()
    ebb.sleep(2)
    near(start + 2, ebb.now())
    ebb.sleep(0.25)
    near(start + 2.25, ebb.now())
  end)

  it_runs("lets the other tasks go on #fifo", function()
    local log = helper.log()
    for i = 1, 3 do
      ebb.spawn(function()
        for k = 1, 3 do
          ebb.sleep(i)
          log(i, k)
        end
      end)
    end
    ebb.sleep(10)
    assert.equal("1:1 2:1 1:2 3:1 1:3 2:2 3:2 2:3 3:3", log:text())
  end)

  it_runs("TM3 the earlier deadline ends first, whatever the order of arming", function()
    local log = helper.log()
    for _, s in ipairs { 5, 1, 4, 2, 3 } do
      ebb.spawn(function()
        ebb.sleep(s)
        log(s)
      end)
    end
    ebb.sleep(6)
    assert.equal("1 2 3 4 5", log:text())
  end)

  it_runs("TM3 equal deadlines end in the order they were armed #fifo", function()
    local log = helper.log()
    for i = 1, 10 do
      ebb.spawn(function()
        ebb.sleep(1)
        log(i)
      end)
    end
    ebb.sleep(2)
    assert.equal("1 2 3 4 5 6 7 8 9 10", log:text())
  end)

  it_runs("TM3 equal deadlines armed at different times end in the order of arming #fifo", function()
    local log, due = helper.log(), ebb.now() + 5
    for i = 1, 5 do
      ebb.spawn(function()
        ebb.sleep_until(due)
        log(i)
      end)
      ebb.sleep(0.5)
    end
    ebb.sleep(5)
    assert.equal("1 2 3 4 5", log:text())
  end)

  it_runs("R74 of 0, -0.0 and a negative time gives way and takes no time #fifo", function()
    for _, s in ipairs { 0, 0.0, -0.0, -1, -1e300, -math.huge } do
      local ran = false
      ebb.spawn(function() ran = true end)
      local start = ebb.now()
      ebb.sleep(s)
      assert.is_true(ran)
      assert.equal(start, ebb.now())
    end
  end)

  it_runs("sleep(0) always yields: two loops take turns #fifo", function()
    local log = helper.log()
    local function loop(name)
      for i = 1, 3 do
        log(name .. i)
        ebb.sleep(0)
      end
    end
    ebb.join(function() loop("a") end, function() loop("b") end)
    assert.equal("a1 b1 a2 b2 a3 b3", log:text())
  end)

  it_runs("R73 restarted for ever with 0 lets the other work proceed", function()
    local stop = false
    local task = ebb.spawn(function()
      while not stop do ebb.sleep(0) end
    end)
    local n = 0
    for _ = 1, 100 do
      ebb.yield()
      n = n + 1
    end
    stop = true
    task:await()
    assert.equal(100, n)
  end)

  it_runs("R75 refuses NaN and other types", function()
    for _, bad in ipairs { 0 / 0, -(0 / 0), "x", {}, true, print } do
      helper.throws("bad argument #1", ebb.sleep, bad)
      helper.throws("bad argument #1", ebb.sleep_until, bad)
    end
    helper.throws("bad argument #1", ebb.sleep)
    helper.throws("bad argument #1", ebb.sleep_until)
  end)

  it_runs("R76 of math.huge waits for ever and can be cancelled", function()
    local task = ebb.spawn(ebb.sleep, math.huge)
    ebb.sleep(1e6)
    assert.equal("waiting", task:status())
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
  end)

  it_runs("R77 TM4 of a huge time does not end early", function()
    local tasks = {}
    for i, s in ipairs { 2 ^ 31, 2 ^ 31 / 1000, 2 ^ 32, 2 ^ 53, 2 ^ 63, 1e18, 1e300,
      math.maxinteger, math.huge } do
      tasks[i] = ebb.spawn(ebb.sleep, s)
    end
    ebb.sleep(1e6)
    for _, task in ipairs(tasks) do assert.equal("waiting", task:status()) end
    for _, task in ipairs(tasks) do
      task:cancel()
      task:join()
    end
  end)

  it_runs("TM6 that is cancelled leaves no timer behind", function(_, rt)
    local before = rt:metrics().timers
    local tasks = {}
    for i = 1, 100 do tasks[i] = ebb.spawn(ebb.sleep, i) end
    helper.settle()
    assert.equal(before + 100, rt:metrics().timers)
    for i = 1, 100 do tasks[i]:cancel() end
    assert.equal(before, rt:metrics().timers)
    for i = 1, 100 do tasks[i]:join() end
  end)

  it_runs("works in a coroutine of ebb.coroutine and in pcall", function()
    local start = ebb.now()
    local co = ebb.coroutine.wrap(function()
      ebb.sleep(1)
      ebb.coroutine.yield("a")
      ebb.sleep(1)
      return "b"
    end)
    assert.equal("a", co())
    near(1, ebb.now() - start)
    assert.equal("b", co())
    near(2, ebb.now() - start)
    assert.is_true((pcall(ebb.sleep, 1)))
    near(3, ebb.now() - start)
  end)
end)

describe("sleep_until", function()
  it_runs("ends at its time", function()
    local start = ebb.now()
    ebb.sleep_until(start + 3)
    near(start + 3, ebb.now())
    ebb.sleep_until(start + 5)
    near(start + 5, ebb.now())
  end)

  it_runs("TM2 a time in the past takes no time", function()
    local start = ebb.now()
    ebb.sleep_until(start)
    ebb.sleep_until(start - 100)
    ebb.sleep_until(-math.huge)
    assert.equal(start, ebb.now())
  end)

  it_runs("R76 math.huge waits for ever", function()
    local start = ebb.now()
    assert.same({ n = 3, nil, "timeout", 1000 },
      pack(ebb.timeout(1000, ebb.sleep_until, math.huge)))
    near(1000, ebb.now() - start)
  end)

  it_runs("a loop does not drift, however long its body takes", function()
    local start = ebb.now()
    for i = 1, 1000 do
      ebb.sleep(0.0003)
      ebb.sleep_until(start + i * 0.01)
    end
    near(start + 10, ebb.now())
  end)
end)

describe("ebb.now", function()
  it_runs("stands still while nothing waits", function()
    local start = ebb.now()
    local x = 0
    for i = 1, 100000 do x = x + i end
    for _ = 1, 100 do ebb.yield() end
    assert.equal(start, ebb.now())
    assert.equal(5000050000, x)
  end)

  it_runs("is a float that never goes back", function()
    local last = ebb.now()
    assert.equal("float", math.type(last))
    for i = 1, 50 do
      ebb.sleep((i * 37 % 11) / 1000)
      assert.is_true(ebb.now() >= last)
      last = ebb.now()
    end
  end)
end)
