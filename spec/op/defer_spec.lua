-- ebb.defer_op: an op made anew each time it is performed.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("defer_op", function()
  it_runs("calls fn each time it is performed, not before", function()
    local calls = 0
    local op = ebb.defer_op(function()
      calls = calls + 1
      return ebb.ready(calls)
    end)
    assert.equal(0, calls)
    for i = 1, 5 do assert.same({ n = 1, i }, pack(ebb.await(op))) end
    assert.equal(5, calls)
    assert.same({ n = 2, 1, 6 }, pack(ebb.select(op, ebb.never())))
  end)

  it_runs("may give any op: a channel, a task, a choice", function()
    local ch = ebb.channel(1)
    ch:send("v")
    assert.equal("v", ebb.await(ebb.defer_op(function() return ch end)))
    local task = ebb.spawn(function() return "result" end)
    assert.equal("result", ebb.await(ebb.defer_op(function() return task end)))
    local op = ebb.defer_op(function() return ebb.choice(ebb.never(), ebb.ready("c")) end)
    assert.same({ n = 3, 1, 2, "c" }, pack(ebb.select(op, ebb.never())))
  end)

  it_runs("in a select waits like any other arm", function()
    local ch = ebb.channel()
    local op = ebb.defer_op(function() return ch:recv_op() end)
    assert.equal(2, (ebb.select(op, ebb.after(1))))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    local task = ebb.spawn(ebb.select, ebb.never(), op)
    helper.settle()
    assert.is_true(ch:try_send("v"))
    assert.same({ n = 2, 2, "v" }, pack(task:await()))
  end)

  it_runs("sees the state of the moment: a send of the newest value", function()
    local ch, newest = ebb.channel(math.huge), 0
    local op = ebb.defer_op(function() return ch:send_op(newest) end)
    for i = 1, 5 do
      newest = i * 10
      assert.is_true(ebb.await(op))
    end
    assert.same({ 10, 20, 30, 40, 50 }, ch:recv_many(10))
  end)

  it_runs("in a choice is made anew for every round", function()
    local calls = 0
    local choice = ebb.choice(ebb.never(), ebb.defer_op(function()
      calls = calls + 1
      return ebb.after(1)
    end))
    local start = ebb.now()
    for i = 1, 4 do
      assert.equal(2, (ebb.await(choice)))
      support.near(i, ebb.now() - start)
      assert.equal(i, calls)
    end
  end)

  it_runs("may be mapped, and nested", function()
    local op = ebb.defer_op(function()
      return ebb.defer_op(function() return ebb.ready(20) end)
    end):map(function(v) return v + 1 end)
    assert.equal(21, ebb.await(op))
  end)

  it_runs("whose fn throws throws at the await, the other arms are withdrawn", function()
    local ch = ebb.channel()
    local op = ebb.defer_op(function() error("bad", 0) end)
    helper.throws("bad", ebb.await, op)
    helper.throws("bad", ebb.select, ch, op)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("whose fn gives no op throws", function()
    for _, bad in ipairs { 42, "x", true, {} } do
      helper.throws(nil, ebb.await, ebb.defer_op(function() return bad end))
    end
    helper.throws(nil, ebb.await, ebb.defer_op(function() end))
  end)

  it_runs("is performed by two tasks at the same time, each with its own op", function()
    local calls = 0
    local op = ebb.defer_op(function()
      calls = calls + 1
      local mine = calls
      return ebb.after(mine):map(function() return mine end)
    end)
    local start = ebb.now()
    local one = ebb.spawn(ebb.await, op)
    helper.settle()
    local two = ebb.spawn(ebb.await, op)
    assert.equal(1, one:await())
    assert.equal(2, two:await())
    support.near(2, ebb.now() - start)
    assert.equal(2, calls)
  end)

  it_runs("in try_select", function()
    local ch = ebb.channel(1)
    local op = ebb.defer_op(function() return ch:recv_op() end)
    assert.is_nil((ebb.try_select(op)))
    ch:send("v")
    assert.same({ n = 2, 1, "v" }, pack(ebb.try_select(op)))
  end)

  it_runs("refuses what is no function", function()
    helper.throws("bad argument #1", ebb.defer_op, 42)
    helper.throws("bad argument #1", ebb.defer_op)
  end)
end)
