-- ebb.try_select: a select that does not wait.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("try_select", function()
  it_runs("SE18 is nil when no arm is ready", function()
    local ch, full = ebb.channel(), ebb.channel(1)
    full:send("v")
    local task = ebb.spawn(function() ebb.sleep(1) end)
    local start = ebb.now()
    assert.is_nil((ebb.try_select(ch)))
    assert.is_nil((ebb.try_select(ch, ch:send_op("v"), full:send_op("w"), full:reserve_op())))
    assert.is_nil((ebb.try_select(task, task:join_op(), ebb.never(), ebb.token())))
    assert.is_nil((ebb.try_select(ebb.after(1), ebb.timer(1), ebb.interval(1))))
    assert.equal(start, ebb.now())
    task:await()
  end)

  it_runs("leaves nothing behind", function()
    local ch = ebb.channel()
    ebb.try_select(ch, ch:send_op("v"), ch:reserve_op(), ebb.after(100))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("v")))
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
  end)

  it_runs("gives index and values of a ready arm", function()
    local ch = ebb.channel(2)
    ch:send("v")
    assert.same({ n = 2, 2, "v" }, pack(ebb.try_select(ebb.never(), ch)))
    assert.same({ n = 2, 2, true }, pack(ebb.try_select(ch, ch:send_op("w"))))
    assert.equal("w", ch:recv())
    assert.same({ n = 4, 1, 1, nil, 3 }, pack(ebb.try_select(ebb.ready(1, nil, 3))))
  end)

  it_runs("sees a closed channel as ready", function()
    local ch = ebb.channel(1)
    ch:close()
    assert.same({ n = 3, 1, nil, "closed" }, pack(ebb.try_select(ch)))
    assert.same({ n = 3, 1, nil, "closed" }, pack(ebb.try_select(ch:send_op("v"))))
  end)

  it_runs("sees a task that has ended as ready", function()
    local good = ebb.spawn(function() return "result" end)
    local bad = ebb.spawn(function() error("bad", 0) end)
    helper.settle()
    assert.same({ n = 2, 1, "result" }, pack(ebb.try_select(good)))
    assert.same({ n = 3, 1, true, "result" }, pack(ebb.try_select(good:join_op())))
    assert.same({ n = 3, 1, false, "bad" }, pack(ebb.try_select(bad:join_op())))
    helper.throws("bad", ebb.try_select, bad)
  end)

  it_runs("sees a timer that has fired as ready", function()
    local timer = ebb.timer(1)
    assert.is_nil((ebb.try_select(timer)))
    ebb.sleep(2)
    assert.equal(1, (ebb.try_select(timer)))
    assert.equal(1, (ebb.try_select(timer)))
  end)

  it_runs("meets a task that waits on the other side", function()
    local ch = ebb.channel()
    local receiver = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    assert.same({ n = 2, 1, true }, pack(ebb.try_select(ch:send_op("v"))))
    assert.equal("v", receiver:await())
    local sender = ebb.spawn(function() return ch:send("w") end)
    helper.settle()
    assert.same({ n = 2, 2, "w" }, pack(ebb.try_select(ebb.never(), ch)))
    assert.is_true(sender:await())
  end)

  it_runs("R67 does not meet itself", function()
    local ch = ebb.channel()
    assert.is_nil((ebb.try_select(ch:send_op("v"), ch:recv_op())))
    assert.is_nil((ebb.try_select(ch:recv_op(), ch:send_op("v"))))
  end)

  it_runs("takes names and lists", function()
    local ch = ebb.channel(1)
    assert.is_nil((ebb.try_select { msg = ch, tick = ebb.after(1) }))
    ch:send("v")
    assert.same({ n = 2, "msg", "v" }, pack(ebb.try_select { msg = ch, tick = ebb.after(1) }))
    ch:send("w")
    assert.same({ n = 2, 2, "w" }, pack(ebb.try_select { false, ch }))
  end)

  it_runs("is fair among ready arms", function()
    local counts = { 0, 0 }
    for _ = 1, 2000 do
      local index = ebb.try_select(ebb.ready(), ebb.ready())
      counts[index] = counts[index] + 1
    end
    assert.is_true(counts[1] > 800 and counts[1] < 1200)
  end)

  it_runs("with nothing to select throws EBB061", function()
    helper.throws("EBB061", ebb.try_select)
    helper.throws("EBB061", ebb.try_select, {})
    helper.throws("EBB061", ebb.try_select, false)
    helper.throws("EBB061", ebb.try_select, { a = false })
  end)

  it_runs("never switches tasks", function()
    local ran = false
    ebb.spawn(function() ran = true end)
    for _ = 1, 1000 do ebb.try_select(ebb.ready(), ebb.never()) end
    for _ = 1, 1000 do ebb.try_select(ebb.never()) end
    assert.is_false(ran)
    helper.settle()
    assert.is_true(ran)
  end)

  it_runs("never throws a cancel", function()
    local task
    task = ebb.spawn(function()
      task:cancel()
      local ch = ebb.channel(1)
      ch:try_send("v")
      assert.is_nil((ebb.try_select(ebb.never())))
      assert.same({ n = 2, 1, "v" }, pack(ebb.try_select(ch)))
      return "done"
    end)
    assert.equal("done", task:await())
  end)

  it("works outside of a task", function()
    local ch = ebb.channel(1)
    assert.is_nil((ebb.try_select(ch)))
    ch:try_send("v")
    assert.same({ n = 2, 1, "v" }, pack(ebb.try_select(ch)))
  end)
end)
