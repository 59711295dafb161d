-- ebb.timer: one deadline for many rounds.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack
local near = support.near

describe("timer", function()
  it_runs("SE12 runs from when it was made, over many rounds of a select", function()
    local ch = ebb.channel()
    local start = ebb.now()
    local timer = ebb.timer(5)
    ebb.spawn(function()
      for i = 1, 20 do
        ebb.sleep(1)
        if ebb.timeout(0.5, ch.send, ch, i) == nil then break end
      end
    end)
    local rounds = 0
    while true do
      local index = ebb.select_first(timer, ch)
      if index == 1 then break end
      rounds = rounds + 1
    end
    near(5, ebb.now() - start)
    assert.is_true(rounds == 4 or rounds == 5)
  end)

  it_runs("is ready from its deadline on, as often as it is awaited", function()
    local start = ebb.now()
    local timer = ebb.timer(2)
    assert.is_false(timer:fired())
    assert.is_nil((ebb.try_select(timer)))
    ebb.await(timer)
    near(2, ebb.now() - start)
    assert.is_true(timer:fired())
    for _ = 1, 3 do ebb.await(timer) end
    near(2, ebb.now() - start)
    ebb.sleep(5)
    assert.equal(1, (ebb.select_first(timer, ebb.ready())))
    near(7, ebb.now() - start)
  end)

  it_runs("TM5 tells its deadline, and that it has fired though nobody waited", function()
    local start = ebb.now()
    local timer = ebb.timer(3)
    near(start + 3, timer:deadline())
    ebb.sleep(2.9)
    assert.is_false(timer:fired())
    ebb.sleep(0.2)
    assert.is_true(timer:fired())
    near(start + 3, timer:deadline())
  end)

  it_runs("TM2 of 0 or a negative time has fired at once", function()
    local start = ebb.now()
    for _, s in ipairs { 0, -0.0, -5, -math.huge } do
      local timer = ebb.timer(s)
      ebb.await(timer)
      assert.is_true(timer:fired())
    end
    assert.equal(start, ebb.now())
  end)

  it_runs("R76 R77 of huge times does not fire", function()
    for _, s in ipairs { 2 ^ 31, 2 ^ 53, 1e300, math.maxinteger, math.huge } do
      local timer <close> = ebb.timer(s)
      assert.equal(2, (ebb.select(timer, ebb.after(1e6))))
      assert.is_false(timer:fired())
    end
  end)

  it_runs("R75 refuses NaN and other types", function()
    for _, bad in ipairs { 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1", ebb.timer, bad)
      local timer <close> = ebb.timer(1)
      helper.throws("bad argument #1 to 'reset'", function() timer:reset(bad) end)
      assert.is_false(timer:fired())
    end
    helper.throws("bad argument #1", ebb.timer)
  end)

  it_runs("wakes all who wait, in the order they came #fifo", function()
    local timer, log = ebb.timer(1), helper.log()
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = ebb.spawn(function()
        ebb.await(timer)
        log(i)
      end)
    end
    ebb.join_all(tasks)
    assert.equal("1 2 3 4 5", log:text())
  end)

  it_runs("says what it is", function()
    local timer <close> = ebb.timer(1)
    assert.truthy(tostring(timer):find("ebb.timer", 1, true))
  end)
end)

describe("timer:reset", function()
  it_runs("TM5 before it has fired moves the deadline, later or earlier", function()
    local start = ebb.now()
    local timer = ebb.timer(5)
    ebb.sleep(3)
    timer:reset(5)
    near(start + 8, timer:deadline())
    ebb.await(timer)
    near(8, ebb.now() - start)
    timer = ebb.timer(100)
    timer:reset(1)
    ebb.await(timer)
    near(9, ebb.now() - start)
  end)

  it_runs("TM5 after it has fired arms it again", function()
    local start = ebb.now()
    local timer = ebb.timer(1)
    ebb.await(timer)
    timer:reset(2)
    assert.is_false(timer:fired())
    assert.is_nil((ebb.try_select(timer)))
    near(start + 3, timer:deadline())
    ebb.await(timer)
    near(3, ebb.now() - start)
    assert.is_true(timer:fired())
  end)

  it_runs("moves those who wait", function()
    local start = ebb.now()
    local timer = ebb.timer(5)
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        ebb.await(timer)
        return ebb.now() - start
      end)
    end
    ebb.sleep(1)
    timer:reset(10)
    for i = 1, 3 do near(11, tasks[i]:await()) end
    timer:reset(100)
    local task = ebb.spawn(function()
      ebb.await(timer)
      return ebb.now() - start
    end)
    ebb.sleep(1)
    timer:reset(2)
    near(14, task:await())
  end)

  it_runs("an idle timeout: put off by each message", function()
    local ch, idle = ebb.channel(), ebb.timer(2)
    local start = ebb.now()
    ebb.spawn(function()
      for i = 1, 10 do
        ebb.sleep(1)
        ch:send(i)
      end
    end)
    local n = 0
    while ebb.select(ch, idle) == 1 do
      n = n + 1
      idle:reset(2)
    end
    assert.equal(10, n)
    near(12, ebb.now() - start)
  end)

  it_runs("10000 times leaves one timer", function(_, rt)
    local before = rt:metrics().timers
    local timer = ebb.timer(5)
    local task = ebb.spawn(ebb.await, timer)
    ebb.yield()
    for i = 1, 10000 do timer:reset(5 + i) end
    assert.is_true(rt:metrics().timers - before <= 2)
    timer:reset(1)
    local start = ebb.now()
    task:await()
    near(1, ebb.now() - start)
    assert.equal(before, rt:metrics().timers)
  end)
end)

describe("timer:close", function()
  it_runs("gives those who wait nil and closed", function()
    local timer, tasks = ebb.timer(100), {}
    for i = 1, 3 do tasks[i] = ebb.spawn(ebb.await, timer) end
    tasks[4] = ebb.spawn(ebb.select, ebb.never(), timer)
    ebb.sleep(1)
    local start = ebb.now()
    timer:close()
    for i = 1, 3 do assert.same({ n = 2, nil, "closed" }, pack(tasks[i]:await())) end
    assert.same({ n = 3, 2, nil, "closed" }, pack(tasks[4]:await()))
    assert.equal(start, ebb.now())
  end)

  it_runs("R72 twice is once, and it never fires afterwards", function()
    local timer = ebb.timer(1)
    timer:close()
    timer:close()
    assert.same({ n = 2, nil, "closed" }, pack(ebb.await(timer)))
    ebb.sleep(2)
    assert.same({ n = 2, nil, "closed" }, pack(ebb.await(timer)))
  end)

  it_runs("at the end of its block", function(_, rt)
    local before = rt:metrics().timers
    local waiter
    do
      local timer <close> = ebb.timer(100)
      waiter = ebb.spawn(ebb.await, timer)
      ebb.sleep(1)
    end
    assert.same({ n = 2, nil, "closed" }, pack(waiter:await()))
    assert.equal(before, rt:metrics().timers)
  end)

  it_runs("TM6 what is collected is closed", function(_, rt)
    local before = rt:metrics().timers
    for _ = 1, 100 do ebb.timer(1000) end
    collectgarbage()
    collectgarbage()
    assert.equal(before, rt:metrics().timers)
  end)

  it_runs("what a task waits for is not collected", function()
    local start = ebb.now()
    local task = ebb.spawn(function() ebb.await(ebb.timer(5)) end)
    ebb.sleep(1)
    collectgarbage()
    collectgarbage()
    task:await()
    near(5, ebb.now() - start)
  end)
end)
