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

  it_runs("has as many arms as it is given, some left out, at once or after a wait", function()
    for _, n in ipairs { 1, 2, 64, 127, 128, 129, 130, 300 } do
      for _, at in ipairs { 1, (n + 1) // 2, n } do
        local arms = {}
        for i = 1, n do arms[i] = i % 7 == 3 and i ~= at and false or ebb.channel(1) end
        local ch = arms[at]
        ch:send "ready"
        assert.same({ n = 2, at, "ready" }, pack(ebb.select(arms)))
        ebb.go(function() ch:send "later" end)
        assert.same({ n = 2, at, "later" }, pack(ebb.select(arms)))
        ebb.go(function() ch:send "deferred" end)
        arms[at] = ebb.defer_op(function() return ch:recv_op() end)
        assert.same({ n = 2, at, "deferred" }, pack(ebb.select(arms)))
      end
    end
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
    helper.settle()
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
    helper.settle()
    -- both in one turn: the first decides the select, the second goes to the one behind
    assert.is_true(a:try_send("a"))
    assert.is_true(b:try_send("b"))
    assert.same({ n = 2, 1, "a" }, pack(task:await()))
    assert.equal("b", behind:await())
  end)

  it_runs("R66 with nobody behind the second value is refused", function()
    local a, b = ebb.channel(), ebb.channel()
    local task = ebb.spawn(function() return ebb.select(a, b) end)
    helper.settle()
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

describe("a select", function()
  it_runs("YC8 that never has to wait still gives way", function()
    local ran = 0
    ebb.spawn(function() ran = ran + 1 end)
    for _ = 1, 5000 do ebb.select(ebb.ready(), ebb.ready()) end
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
      helper.settle()
      got = "never"
    end)
    helper.settle()
    b:try_send("v")
    task:cancel()
    task:join()
    assert.same({ n = 2, 2, "v" }, got)
  end)

  it_runs("R69 that a cancel finds with a mere timer fired is cancelled #fifo", function()
    local ch, log = ebb.channel(), helper.log()
    local task
    ebb.spawn(function()
      ebb.sleep(1)
      task:cancel()
    end)
    helper.settle()
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
