-- ebb.select: exactly one arm happens, the others have not happened at all.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("select", function()
  it_runs("SE1 gives the index of the arm that happened and its values", function()
    assert.same({ n = 4, 1, "a", nil, "c" }, pack(ebb.select(ebb.ready("a", nil, "c"))))
    assert.same({ n = 2, 2, "v" }, pack(ebb.select(ebb.never(), ebb.ready("v"))))
    assert.same({ n = 1, 3 }, pack(ebb.select(ebb.never(), ebb.never(), ebb.ready())))
  end)

  it_runs("waits for the first arm to happen", function()
    local start = ebb.now()
    assert.equal(2, (ebb.select(ebb.after(3), ebb.after(1), ebb.after(2))))
    support.near(1, ebb.now() - start)
  end)

  it_runs("takes channels, tasks, intervals, timers and tokens as they are", function()
    local ch, token = ebb.channel(1), ebb.token()
    local ticker, timer = ebb.interval(5), ebb.timer(7)
    local task = ebb.spawn(function()
      ebb.sleep(1)
      return "result", 2
    end)
    ebb.spawn(function()
      ebb.sleep(3)
      ch:send("v")
      ebb.sleep(6)
      token:cancel("why")
    end)
    local start = ebb.now()
    assert.same({ n = 3, 2, "result", 2 }, pack(ebb.select(ch, task, ticker, token, timer)))
    assert.same({ n = 2, 1, "v" }, pack(ebb.select(ch, ticker, token, timer)))
    local index, scheduled = ebb.select(ch, ticker, token, timer)
    assert.equal(2, index)
    support.near(start + 5, scheduled)
    assert.equal(4, (ebb.select(ch, ebb.never(), token, timer)))
    support.near(7, ebb.now() - start)
    assert.same({ n = 3, 3, true, "why" }, pack(ebb.select(ch, ebb.never(), token)))
    support.near(9, ebb.now() - start)
    ticker:close()
  end)

  it_runs("with nothing to select throws EBB061", function()
    helper.throws("EBB061", ebb.select)
    helper.throws("EBB061", ebb.select, {})
    helper.throws("EBB061", ebb.select, false)
    helper.throws("EBB061", ebb.select, { false, false })
    helper.throws("EBB061", ebb.select, { name = false })
  end)

  it_runs("refuses what is no op", function()
    for _, bad in ipairs { 1, "x", true, {}, io.stdout } do
      helper.throws(nil, ebb.select, ebb.ready(), bad)
    end
    helper.throws(nil, ebb.select, ebb.ready(), nil, ebb.ready())
    helper.throws(nil, ebb.select, { ebb.ready(), 42 })
  end)

  it_runs("a refused set leaves nothing behind", function()
    local ch = ebb.channel()
    helper.throws(nil, ebb.select, ch, 42)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)
end)

describe("the arms that do not happen", function()
  it_runs("SE9 R65 of two ready channels exactly one gives its value", function()
    for _ = 1, 100 do
      local a, b = ebb.channel(1), ebb.channel(1)
      a:send("a")
      b:send("b")
      local index, v = ebb.select(a, b)
      assert.equal(index == 1 and "a" or "b", v)
      assert.equal(1, #a + #b)
      assert.equal(index == 1 and "b" or "a", (index == 1 and b or a):recv())
    end
  end)

  it_runs("SE10 leave their queues", function()
    local a, b, c = ebb.channel(), ebb.channel(), ebb.channel(1)
    c:send("full")
    local task = ebb.spawn(function()
      return ebb.select(a, b:send_op("w"), c:send_op("x"), c:reserve_op(), ebb.after(1))
    end)
    ebb.yield()
    assert.same({ n = 2, 1, 0 }, pack(a:waiters()))
    assert.same({ n = 2, 0, 1 }, pack(b:waiters()))
    assert.same({ n = 2, 0, 2 }, pack(c:waiters()))
    assert.equal(5, (task:await()))
    assert.same({ n = 2, 0, 0 }, pack(a:waiters()))
    assert.same({ n = 2, 0, 0 }, pack(b:waiters()))
    assert.same({ n = 2, 0, 0 }, pack(c:waiters()))
    assert.equal("full", c:recv())
    assert.equal(0, #c)
    assert.same({ n = 2, nil, "empty" }, pack(b:try_recv()))
    assert.same({ n = 2, nil, "full" }, pack(a:try_send("v")))
  end)

  it_runs("R66 a value never goes to a select that has happened otherwise", function()
    local a, b = ebb.channel(), ebb.channel()
    local task = ebb.spawn(function() return ebb.select(a, b) end)
    local behind = ebb.spawn(function() return b:recv() end)
    ebb.yield()
    -- both in one turn: the first decides the select, the second goes to the one behind
    assert.is_true(a:try_send("a"))
    assert.is_true(b:try_send("b"))
    assert.same({ n = 2, 1, "a" }, pack(task:await()))
    assert.equal("b", behind:await())
  end)

  it_runs("R66 with nobody behind the second value is refused", function()
    local a, b = ebb.channel(), ebb.channel()
    local task = ebb.spawn(function() return ebb.select(a, b) end)
    ebb.yield()
    assert.is_true(a:try_send("a"))
    assert.same({ n = 2, nil, "full" }, pack(b:try_send("b")))
    assert.same({ n = 2, 1, "a" }, pack(task:await()))
  end)

  it_runs("SE9 keep a permit", function()
    local ch = ebb.channel(1)
    for _ = 1, 50 do
      local index, permit = ebb.select(ch:reserve_op(), ebb.ready())
      if index == 1 then permit:close() end
      assert.is_true(ch:try_send("v"))
      assert.equal("v", ch:recv())
    end
  end)

  it_runs("SE9 keep a tick", function()
    local iv = ebb.interval(1)
    local start = ebb.now()
    ebb.sleep(1)
    assert.equal(1, (ebb.select_first(ebb.ready(), iv)))
    support.near(start + 1, iv:tick())
    support.near(start + 2, iv:tick())
    iv:close()
  end)

  it_runs("keep the result of a task", function()
    local task = ebb.spawn(function() return "result" end)
    ebb.yield()
    assert.equal(1, (ebb.select_first(ebb.ready(), task)))
    assert.equal("result", task:await())
  end)
end)

describe("one channel in several arms", function()
  it_runs("R67 twice: one of them takes the value", function()
    local ch = ebb.channel(2)
    ch:send("a")
    ch:send("b")
    local index, v = ebb.select(ch, ch)
    assert.is_true(index == 1 or index == 2)
    assert.equal("a", v)
    assert.equal(1, #ch)
    assert.equal("b", ch:recv())
  end)

  it_runs("R67 twice, waiting: one of them takes the value", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.select(ch, ch:recv_op(), ch) end)
    ebb.yield()
    assert.is_true(ch:try_send("v"))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("w")))
    local index, v = task:await()
    assert.is_true(index >= 1 and index <= 3)
    assert.equal("v", v)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("R67 send and receive on a rendezvous channel do not meet themselves", function()
    local ch = ebb.channel()
    assert.equal(3, (ebb.select(ch:send_op("v"), ch:recv_op(), ebb.after(1))))
    assert.equal(3, (ebb.select(ch:recv_op(), ch:send_op("v"), ebb.after(1))))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("R67 send and receive on a rendezvous channel meet another task", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.select(ch:send_op("v"), ch:recv_op()) end)
    ebb.yield()
    assert.equal("v", ch:recv())
    assert.same({ n = 2, 1, true }, pack(task:await()))
    task = ebb.spawn(function() return ebb.select(ch:send_op("v"), ch:recv_op()) end)
    ebb.yield()
    assert.is_true(ch:send("w"))
    assert.same({ n = 2, 2, "w" }, pack(task:await()))
  end)

  it_runs("R67 two such selects meet each other, once", function()
    for _ = 1, 50 do
      local ch = ebb.channel()
      local function both(v) return ebb.select(ch:send_op(v), ch:recv_op()) end
      local one, two = ebb.spawn(both, "one"), ebb.spawn(both, "two")
      local i, v = one:await()
      local k, w = two:await()
      if i == 1 then
        assert.same({ true, 2, "one" }, { v, k, w })
      else
        assert.same({ 2, "two", 1, true }, { i, v, k, w })
      end
      assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    end
  end)

  it_runs("R67 send and receive on a buffered channel", function()
    local ch = ebb.channel(1)
    assert.same({ n = 2, 1, true }, pack(ebb.select(ch:send_op("v"), ch:recv_op())))
    assert.same({ n = 2, 2, "v" }, pack(ebb.select(ch:send_op("w"), ch:recv_op())))
    assert.equal(0, #ch)
  end)
end)

describe("the choice among ready arms", function()
  it_runs("SE2 R68 is fair: 40 to 60 % each for two", function()
    local counts = { 0, 0 }
    local a, b = ebb.ready("a"), ebb.ready("b")
    for _ = 1, 10000 do
      local index = ebb.select(a, b)
      counts[index] = counts[index] + 1
    end
    assert.equal(10000, counts[1] + counts[2])
    assert.is_true(counts[1] > 4000 and counts[1] < 6000)
  end)

  it_runs("SE2 R68 is fair among two channels that always have a value", function()
    local a, b = ebb.channel(math.huge), ebb.channel(math.huge)
    for _ = 1, 10000 do
      a:send(1)
      b:send(2)
    end
    local counts = { 0, 0 }
    for _ = 1, 10000 do
      local index, v = ebb.select(a, b)
      assert(index == v)
      counts[index] = counts[index] + 1
    end
    assert.is_true(counts[1] > 4000 and counts[1] < 6000)
    assert.equal(10000 - counts[1], #a)
    assert.equal(10000 - counts[2], #b)
  end)

  it_runs("SE2 is fair among eight", function()
    local arms, counts = {}, {}
    for i = 1, 8 do arms[i], counts[i] = ebb.ready(), 0 end
    for _ = 1, 8000 do
      local index = ebb.select(arms)
      counts[index] = counts[index] + 1
    end
    for i = 1, 8 do assert.is_true(counts[i] > 800 and counts[i] < 1200) end
  end)

  it_runs("SE2 is fair among the ready ones of many", function()
    local never = ebb.never()
    local counts = { 0, 0, 0, 0, 0, 0 }
    for _ = 1, 4000 do
      local index = ebb.select(never, ebb.ready(), never, never, never, ebb.ready())
      counts[index] = counts[index] + 1
    end
    assert.equal(4000, counts[2] + counts[6])
    assert.is_true(counts[2] > 1600 and counts[2] < 2400)
  end)

  it("SE3 is the same for the same seed", function()
    local function trace(seed)
      return helper.run(function()
        local list = {}
        for i = 1, 200 do list[i] = ebb.select(ebb.ready(), ebb.ready(), ebb.ready()) end
        return table.concat(list)
      end, { seed = seed })
    end
    assert.equal(trace(7), trace(7))
    assert.not_equal(trace(7), trace(8))
  end)
end)

describe("a select", function()
  it_runs("YC8 that never has to wait still gives way", function()
    local ran = 0
    ebb.spawn(function() ran = ran + 1 end)
    for _ = 1, 2000 do ebb.select(ebb.ready(), ebb.ready()) end
    assert.equal(1, ran)
  end)

  it_runs("SE16 whose arm fails throws its error, unchanged, and withdraws the others", function()
    local ch = ebb.channel()
    local problem = { "problem" }
    local task = ebb.spawn(function()
      ebb.sleep(1)
      error(problem)
    end)
    local err = support.failure(ebb.select, ch, task, ebb.after(5))
    assert.is_true(rawequal(problem, err))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("SE8 R69 cancelled while it waits takes nothing", function()
    local a, b = ebb.channel(1), ebb.channel()
    local task = ebb.spawn(function() ebb.select(a, b:send_op("v")) end)
    ebb.yield()
    task:cancel()
    assert.is_true(a:try_send("kept"))
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal("kept", a:recv())
    assert.same({ n = 2, 0, 0 }, pack(b:waiters()))
  end)

  it_runs("R69 that got a value before the cancel returns it", function()
    local a, b, got = ebb.channel(), ebb.channel(), nil
    local task = ebb.spawn(function()
      got = pack(ebb.select(a, b))
      ebb.yield()
      got = "never"
    end)
    ebb.yield()
    b:try_send("v")
    task:cancel()
    task:join()
    assert.same({ n = 2, 2, "v" }, got)
  end)

  it_runs("R69 that a cancel finds with a mere timer fired is cancelled", function()
    local ch, log = ebb.channel(), helper.log()
    local task
    ebb.spawn(function()
      ebb.sleep(1)
      task:cancel()
    end)
    ebb.yield()
    task = ebb.spawn(function()
      ebb.select(ch, ebb.after(1))
      log("never")
    end)
    task:join()
    assert.equal("", log:text())
  end)

  it("R84 in a deadlock is ended by it", function()
    helper.throws("deadlock: all tasks are waiting", helper.run, function()
      ebb.select(ebb.never(), ebb.channel())
    end)
  end)
end)
