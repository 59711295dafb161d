-- Order and fairness of the ready queue: yield, the budget of a turn, timers beside busy tasks,
-- seeds.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- The order in which n tasks, `rounds` times each, come up on a runtime with these options.
local function schedule(n, rounds, opts)
  local log = helper.log()
  helper.run(function()
    local tasks = {}
    for i = 1, n do
      tasks[i] = ebb.spawn(function()
        for _ = 1, rounds do log(i) ebb.yield() end
      end)
    end
    for i = 1, n do tasks[i]:await() end
  end, opts)
  return log:text()
end

describe("yield", function()
  it_runs("YC1 goes to the back of the ready queue: round robin #fifo", function()
    local log = helper.log()
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        for round = 1, 3 do log(i .. round) ebb.yield() end
      end)
    end
    for i = 1, 3 do tasks[i]:await() end
    assert.equal("11 21 31 12 22 32 13 23 33", log:text())
  end)

  it_runs("YC1 alone comes back", function()
    for _ = 1, 1000 do ebb.yield() end
  end)

  it_runs("YC1 runs behind a task that became ready before", function()
    local log = helper.log()
    local ch = ebb.channel(1)
    ebb.spawn(function() ch:recv() log("woken") end)
    helper.settle()
    ch:send("v")
    helper.settle()
    log("main")
    assert.equal("woken main", log:text())
  end)

  it_runs("sleep(0) and a negative sleep yield too #fifo", function()
    local log = helper.log()
    local function three(name, seconds)
      return ebb.spawn(function()
        for i = 1, 2 do log(name .. i) ebb.sleep(seconds) end
      end)
    end
    local a, b, c = three("a", 0), three("b", -5), three("c", -math.huge)
    a:await()
    b:await()
    c:await()
    assert.equal("a1 b1 c1 a2 b2 c2", log:text())
    support.near(0, support.elapsed(ebb.sleep, -1))
  end)

  it_runs("wakes run in the order of the waking #fifo", function()
    local log = helper.log()
    local channels = {}
    for i = 1, 4 do
      channels[i] = ebb.channel()
      ebb.spawn(function() channels[i]:recv() log(i) end)
    end
    ebb.yield()
    for _, i in ipairs { 3, 1, 4, 2 } do assert.is_true(channels[i]:try_send(true)) end
    support.settle()
    assert.equal("3 1 4 2", log:text())
  end)

  it_runs("TM3 equal deadlines fire in the order they were armed #fifo", function()
    local log = helper.log()
    for i = 1, 20 do ebb.spawn(function() ebb.sleep(1) log(i) end) end
    ebb.sleep(2)
    local expected = helper.log()
    for i = 1, 20 do expected(i) end
    assert.equal(expected:text(), log:text())
  end)
end)

describe("the budget of a turn", function()
  it_runs("YC3 a task that drains 5000 messages lets a ready task run before it is done", function()
    local ch = ebb.channel(5000)
    for i = 1, 5000 do ch:send(i) end
    local seen_at
    local received = 0
    local drain = ebb.spawn(function()
      for _ = 1, 5000 do
        assert.equal(received + 1, ch:recv())
        received = received + 1
      end
    end)
    ebb.spawn(function() seen_at = received end)
    drain:await()
    assert.equal(5000, received)
    assert.is_true(seen_at < 5000)
  end)

  it_runs("YC3 so does one that fills a channel without bound", function()
    local ch = ebb.channel(math.huge)
    local seen_at
    local sender = ebb.spawn(function() for i = 1, 5000 do ch:send(i) end end)
    ebb.spawn(function() seen_at = #ch end)
    sender:await()
    assert.equal(5000, #ch)
    assert.is_true(seen_at < 5000)
  end)

  it_runs("YC4 every kind of await is charged", function()
    local done = ebb.spawn(function() return "v" end)
    local token = ebb.token()
    token:cancel()
    done:await()
    local ready = ebb.ready("v")
    local past = ebb.timer(0)
    ebb.sleep(1)
    local kinds = {
      await = function() done:await() end,
      join = function() done:join() end,
      select = function() ebb.select(ready, ebb.never()) end,
      ready = function() ebb.await(ready) end,
      token = function() token:cancelled() end,
      timer = function() ebb.await(past) end,
    }
    for name, await in pairs(kinds) do
      local rounds, seen_at = 0, nil
      local task = ebb.spawn(function()
        for i = 1, 5000 do await() rounds = i end
      end)
      ebb.spawn(function() seen_at = rounds end)
      task:await()
      assert.equal(5000, rounds)
      assert.is_true(seen_at < 5000, name)
    end
  end)

  it_runs("YC8 a select that is always ready gives way", function()
    local a, b = ebb.channel(math.huge), ebb.channel(math.huge)
    for i = 1, 2500 do a:send(i) b:send(i) end
    local count, seen_at = 0, nil
    local task = ebb.spawn(function()
      for _ = 1, 5000 do ebb.select(a, b) count = count + 1 end
    end)
    ebb.spawn(function() seen_at = count end)
    task:await()
    assert.is_true(seen_at < 5000)
    assert.equal(0, #a + #b)
  end)

  it_runs("YC7 a timeout strikes a task that always finds something ready", function(_, rt)
    local ch = ebb.channel(math.huge)
    for i = 1, 10000 do ch:send(i) end
    local count = 0
    local results = table.pack(ebb.timeout(1, function()
      for _ in ch do
        count = count + 1
        if count == 100 then rt:advance(2) end
      end
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, results)
    assert.is_true(count >= 100)
    assert.equal(10000 - count, #ch)
  end)

  it_runs("spawn, cancel, close and what begins with try_ never give way", function()
    local switched = false
    ebb.spawn(function() switched = true end)
    local ch = ebb.channel(1)
    for _ = 1, 1000 do
      assert.is_true(ch:try_send(1))
      assert.equal(1, ch:try_recv())
      assert.is_nil((ebb.try_select(ch)))
      ebb.spawn(error, "never runs"):cancel()
      ebb.token():cancel()
      ebb.channel():close()
    end
    assert.is_false(switched)
    while not switched do ebb.yield() end
  end)

  it_runs("JO4 a long branch of a join does not starve the others", function()
    local ch = ebb.channel(math.huge)
    for i = 1, 5000 do ch:send(i) end
    local drained, seen_at = 0, nil
    ebb.join(function() for _ = 1, 5000 do ch:recv() drained = drained + 1 end end,
      function() ebb.yield() seen_at = drained end)
    assert.equal(5000, drained)
    assert.is_true(seen_at < 5000)
  end)
end)

describe("timers beside busy tasks", function()
  it("YC2 YC10 R71 a timer fires while two tasks do nothing but yield", function()
    helper.run(function()
      local fired = false
      local yields = 0
      local function loop()
        while not fired and yields < 1e8 do yields = yields + 1 ebb.yield() end
      end
      local a, b = ebb.spawn(loop), ebb.spawn(loop)
      local start = ebb.now()
      ebb.sleep(0.02)
      fired = true
      local took = ebb.now() - start
      a:await()
      b:await()
      assert.is_true(yields > 2)
      assert.is_true(took >= 0.02)
      assert.is_true(took < 60)
    end, { clock = "system" })
  end)

  it_runs("R73 a task that re-arms a zero timer forever lets other work proceed #fifo", function()
    local stop, rounds = false, 0
    local spinner = ebb.spawn(function()
      while not stop do rounds = rounds + 1 ebb.sleep(0) end
    end)
    for _ = 1, 10 do ebb.yield() end
    stop = true
    spinner:await()
    assert.is_true(rounds >= 5 and rounds <= 11)
  end)

  it_runs("YC11 a woken task runs within one round of the ready tasks #fifo", function()
    local stop = false
    local spinners = {}
    for i = 1, 10 do
      spinners[i] = ebb.spawn(function() while not stop do ebb.yield() end end)
    end
    local ch = ebb.channel()
    local woken = false
    local waiter = ebb.spawn(function() ch:recv() woken = true end)
    support.settle()
    assert.is_true(ch:try_send(1))
    ebb.yield()
    assert.is_true(woken)
    stop = true
    waiter:await()
    for i = 1, 10 do spinners[i]:await() end
  end)
end)

describe("a seed", function()
  it("BO10 absent: the queue is FIFO, every time the same #fifo", function()
    assert.equal("1 2 3 1 2 3", schedule(3, 2))
    assert.equal(schedule(30, 3), schedule(30, 3))
  end)

  it("BO10 gives the same order for the same seed", function()
    for seed = 1, 5 do
      assert.equal(schedule(20, 3, { seed = seed }), schedule(20, 3, { seed = seed }))
    end
  end)

  it("BO10 shuffles: other seeds give other orders, none of them the plain one", function()
    local seen, distinct = {}, 0
    local plain = schedule(20, 3)
    for seed = 1, 20 do
      local order = schedule(20, 3, { seed = seed })
      assert.are_not.equal(plain, order)
      if not seen[order] then distinct = distinct + 1 end
      seen[order] = true
    end
    assert.equal(20, distinct)
  end)

  it("BO10 starves nobody", function()
    for seed = 1, 20 do
      helper.run(function()
        local stop = false
        local spinner = ebb.spawn(function() while not stop do ebb.yield() end end)
        local rounds = 0
        local task = ebb.spawn(function()
          for i = 1, 50 do rounds = i ebb.yield() end
        end)
        task:await()
        stop = true
        spinner:await()
        assert.equal(50, rounds)
      end, { seed = seed })
    end
  end)
end)

describe("exclusive", function()
  helper.it("runs fn and passes values; an await in it throws EBB051", function()
    assert.same({ 1, 2 }, { ebb.exclusive(function(a, b) return a, b end, 1, 2) })
    helper.throws("EBB051", ebb.exclusive, function() ebb.sleep(1) end)
    helper.throws("boom", ebb.exclusive, error, "boom")
    helper.throws("function expected", ebb.exclusive, 1)
    ebb.yield()
  end)
end)
