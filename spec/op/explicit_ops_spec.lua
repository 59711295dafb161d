-- send_op, recv_op, reserve_op, join_op, after, at: ops made by name, reusable.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("an explicit op", function()
  it_runs("does nothing by being made", function()
    local ch = ebb.channel(1)
    local ops = { ch:send_op("v"), ch:recv_op(), ch:reserve_op(), ebb.after(1), ebb.at(1) }
    ebb.sleep(2)
    assert.equal(0, #ch)
    assert.is_true(ch:try_send("w"))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.equal(5, #ops)
    for _, op in ipairs(ops) do assert.truthy(tostring(op):find("^ebb%.")) end
  end)

  it_runs("recv_op may be performed many times", function()
    local ch = ebb.channel(math.huge)
    local op = ch:recv_op()
    for i = 1, 100 do ch:send(i) end
    for i = 1, 100 do assert.equal(i, i % 2 == 0 and ebb.await(op) or op:await()) end
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(op:await()))
  end)

  it_runs("send_op may be performed many times: the value each time", function()
    local ch = ebb.channel(math.huge)
    local value = {}
    local op = ch:send_op(value)
    for _ = 1, 10 do assert.same({ n = 1, true }, pack(ebb.await(op))) end
    assert.equal(10, #ch)
    for _ = 1, 10 do assert.is_true(rawequal(value, ch:recv())) end
  end)

  it_runs("reserve_op gives a new permit each time", function()
    local ch = ebb.channel(2)
    local op = ch:reserve_op()
    local one, two = ebb.await(op), ebb.await(op)
    assert.is_false(rawequal(one, two))
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, op)))
    two:send("two")
    one:send("one")
    assert.equal("two", ch:recv())
    assert.equal("one", ch:recv())
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(ebb.await(op)))
  end)

  it_runs("recv_op may be performed by several tasks at the same time", function()
    local ch, tasks = ebb.channel(), {}
    local op = ch:recv_op()
    for i = 1, 5 do
      tasks[i] = ebb.spawn(ebb.await, op)
      helper.settle()
    end
    assert.same({ n = 2, 5, 0 }, pack(ch:waiters()))
    for i = 1, 5 do ch:send(i) end
    for i = 1, 5 do assert.equal(i, tasks[i]:await()) end
  end)

  it_runs("send_op may be performed by several tasks at the same time", function()
    local ch, tasks = ebb.channel(), {}
    local op = ch:send_op("v")
    for i = 1, 5 do tasks[i] = ebb.spawn(ebb.await, op) end
    helper.settle()
    assert.same({ n = 2, 0, 5 }, pack(ch:waiters()))
    tasks[2]:cancel()
    for _ = 1, 4 do assert.equal("v", ch:recv()) end
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    for i = 1, 5 do assert.equal(i ~= 2, (tasks[i]:join())) end
  end)

  it_runs("keeps its channel alive", function()
    local op = ebb.channel(1):send_op({ "v" })
    local weak = setmetatable({ op }, { __mode = "v" })
    collectgarbage()
    collectgarbage()
    assert.is_true(ebb.await(op))
    assert.is_true(rawequal(op, weak[1]))
  end)

  it_runs("is told by its protected metatable", function()
    local ch = ebb.channel(1)
    for _, op in ipairs { ch:recv_op(), ebb.after(1), ebb.ready(), ebb.never(), ch } do
      assert.is_true(type(getmetatable(op)) ~= "table")
    end
  end)
end)

describe("join_op", function()
  it_runs("gives true and the results", function()
    local task = ebb.spawn(function()
      ebb.sleep(1)
      return "a", nil, "c", nil
    end)
    local op = task:join_op()
    assert.same({ n = 5, true, "a", nil, "c", nil }, pack(ebb.await(op)))
    assert.same({ n = 6, 1, true, "a", nil, "c", nil }, pack(ebb.select(op, ebb.never())))
  end)

  it_runs("gives false and the error, of any type, and throws nothing", function()
    for _, problem in ipairs { "text", 42, { "table" }, false, print } do
      local task = ebb.spawn(function()
        ebb.yield()
        error(problem, 0)
      end)
      local index, ok, err = ebb.select(ebb.after(5), task:join_op())
      assert.equal(2, index)
      assert.is_false(ok)
      assert.is_true(rawequal(problem, err))
    end
  end)

  it_runs("gives the error of a cancelled task", function()
    local task = ebb.spawn(ebb.sleep, 10)
    ebb.yield()
    task:cancel()
    local ok, err = ebb.await(task:join_op())
    assert.is_false(ok)
    assert.is_true(rawequal(task, err.cancelled_task))
  end)

  it_runs("is performed by many tasks, each of which gets the results", function()
    local task = ebb.spawn(function()
      ebb.sleep(1)
      return "v"
    end)
    local op, waiting = task:join_op(), {}
    for i = 1, 10 do waiting[i] = ebb.spawn(ebb.await, op) end
    for i = 1, 10 do assert.same({ n = 2, true, "v" }, pack(waiting[i]:await())) end
  end)

  it_runs("a task itself as an op gives its results, or throws", function()
    local good = ebb.spawn(function() return "a", 2 end)
    local bad = ebb.spawn(function() error("bad", 0) end)
    assert.same({ n = 2, "a", 2 }, pack(ebb.await(good)))
    helper.throws("bad", ebb.await, bad)
  end)
end)

describe("after and at", function()
  it_runs("after counts from each time it is performed", function()
    local op = ebb.after(2)
    ebb.sleep(5)
    local start = ebb.now()
    ebb.await(op)
    support.near(2, ebb.now() - start)
    ebb.await(op)
    support.near(4, ebb.now() - start)
  end)

  it_runs("after may be waited for by two tasks, each from its own start", function()
    local op = ebb.after(2)
    local start = ebb.now()
    local one = ebb.spawn(ebb.await, op)
    ebb.sleep(1)
    local two = ebb.spawn(ebb.await, op)
    one:await()
    support.near(2, ebb.now() - start)
    two:await()
    support.near(3, ebb.now() - start)
  end)

  it_runs("at happens at its time and is ready from then on", function()
    local start = ebb.now()
    local op = ebb.at(start + 2)
    assert.is_nil((ebb.try_select(op)))
    ebb.await(op)
    support.near(2, ebb.now() - start)
    ebb.await(op)
    support.near(2, ebb.now() - start)
    assert.equal(1, (ebb.select_first(op, ebb.ready())))
  end)

  it_runs("at a time in the past is ready at once", function()
    local start = ebb.now()
    ebb.await(ebb.at(start - 10))
    ebb.await(ebb.at(-math.huge))
    assert.equal(start, ebb.now())
  end)

  it_runs("R75 refuse NaN and other types", function()
    for _, bad in ipairs { 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1", ebb.after, bad)
      helper.throws("bad argument #1", ebb.at, bad)
    end
    helper.throws("bad argument #1", ebb.after)
    helper.throws("bad argument #1", ebb.at)
  end)
end)
