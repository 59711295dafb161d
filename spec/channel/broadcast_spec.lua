-- ebb.broadcast: everybody gets everything, or is told how much was missed.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

-- Everything that can be received now: values, or "-n" for n missed.
local function drain(sub)
  local got = {}
  while true do
    local v, why, missed = sub:try_recv()
    if v ~= nil then got[#got + 1] = v
    elseif why == "lagged" then got[#got + 1] = "-" .. missed
    else return table.concat(got, " "), why end
  end
end

describe("a broadcast", function()
  it_runs("BC1 gives every subscriber every later value, in order", function()
    local b = ebb.broadcast(10)
    local first = b:subscribe()
    b:send(1)
    local second = b:subscribe()
    b:send(2)
    b:send(false)
    assert.equal(1, first:recv())
    assert.equal(2, first:recv())
    assert.equal(2, second:recv())
    assert.is_false(first:recv())
    assert.is_false(second:recv())
    assert.same({ n = 2, nil, "empty" }, pack(first:try_recv()))
  end)

  it_runs("BC2 R92 has exactly its capacity, 1 or more", function()
    for _, bad in ipairs { 0, -1, 1.5, 0 / 0, math.huge, "x" } do
      assert.is_false(pcall(ebb.broadcast, bad))
    end
    for capacity = 1, 9 do
      local b = ebb.broadcast(capacity)
      local sub = b:subscribe()
      for i = 1, capacity do b:send(i) end
      assert.is_nil(drain(sub):find("-", 1, true))
      for i = 1, capacity + 1 do b:send(i) end
      assert.equal("-1", drain(sub):match "^%S+")
      assert.equal(capacity, b:capacity())
    end
  end)

  it_runs("BC3 send never waits and says how many it reaches", function()
    local b = ebb.broadcast(1)
    assert.equal(0, b:send("lost"))
    local sub = b:subscribe()
    assert.equal(1, b:send(1))
    local _ = b:subscribe()
    assert.equal(2, b:send(2))
    assert.equal("-1 2", drain(sub))
    helper.throws("nil cannot be sent", b.send, b, nil)
  end)

  it_runs("BC4 BC5 BC13 R93 lag is told once, with the count, each time anew", function()
    local b = ebb.broadcast(2)
    local slow, fast = b:subscribe(), b:subscribe()
    for i = 1, 5 do
      b:send(i)
      assert.equal(i, fast:recv())
    end
    assert.equal(5, #slow)
    assert.same({ n = 3, nil, "lagged", 3 }, pack(slow:recv()))
    assert.equal(2, #slow)
    assert.equal(4, slow:recv())
    for i = 6, 9 do b:send(i) end
    assert.same({ n = 3, nil, "lagged", 3 }, pack(slow:try_recv()))
    assert.equal("8 9", drain(slow))
    assert.equal("-2 8 9", drain(fast))
    local one = ebb.broadcast(1)
    local sub = one:subscribe()
    one:send(1)
    one:send(2)
    assert.equal("-1 2", drain(sub))
  end)

  it_runs("BC6 BC10 R94 closed: what is kept is received first, lag included", function()
    for capacity = 1, 4 do
      local b = ebb.broadcast(capacity)
      local sub, lagging = b:subscribe(), b:subscribe()
      for i = 1, capacity + 2 do
        b:send(i)
        if i <= 2 then sub:recv() end
      end
      b:close()
      b:close()
      assert.same({ n = 2, nil, "closed" }, pack(b:send(1)))
      local got, why = drain(sub)
      assert.equal(capacity, select(2, got:gsub("%d+", "")))
      assert.equal("closed", why)
      assert.same({ n = 3, nil, "lagged", 2 }, pack(lagging:recv()))
      assert.same({ n = 2, nil, "closed" }, pack(b:subscribe():recv()))
    end
  end)

  it_runs("BC6 close wakes who waits", function()
    local b = ebb.broadcast(1)
    local sub = b:subscribe()
    local task = ebb.spawn(sub.recv, sub)
    settle()
    b:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.is_true(b:is_closed())
  end)

  it_runs("BC8 BC9 keeps a value until the slowest has it, or is closed or collected", function()
    local weak = setmetatable({}, { __mode = "v" })
    local b = ebb.broadcast(5)
    local fast, slow = b:subscribe(), b:subscribe()
    for i = 1, 3 do
      weak[i] = {}
      b:send(weak[i])
      fast:recv()
    end
    assert.equal(3, #b)
    slow:recv()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_truthy(weak[2])
    slow:close()
    slow:close()
    assert.equal(0, #b)
    collectgarbage()
    assert.is_nil(weak[3])
    assert.same({ n = 2, nil, "closed" }, pack(slow:recv()))
    b:subscribe()
    b:send(1)
    collectgarbage()
    collectgarbage()
    assert.equal(1, #b)
    fast:recv()
    assert.equal(0, #b)
    assert.equal(1, b:send(2))
  end)

  it_runs("BC12 is an op; select takes from the chosen subscription only", function()
    local b, c = ebb.broadcast(2), ebb.broadcast(2)
    local x, y = b:subscribe(), c:subscribe()
    local task = ebb.spawn(ebb.select, x, y:recv_op())
    settle()
    c:send("c")
    b:send("b")
    assert.same({ n = 2, 2, "c" }, pack(task:await()))
    assert.equal("b", x:recv_op():await())
    b:send(1)
    b:send(2)
    b:send(3)
    assert.same({ n = 4, 1, nil, "lagged", 1 }, pack(ebb.select(x, y)))
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, y)))
  end)

  it_runs("two subscriptions in one select: the other one keeps its value", function()
    local b = ebb.broadcast(2)
    local x, y = b:subscribe(), b:subscribe()
    local task = ebb.spawn(ebb.select, x, y)
    settle()
    assert.equal(2, b:send("v"))
    local i, v = task:await()
    assert.equal("v", v)
    assert.same({ n = 2, nil, "empty" }, pack((i == 1 and x or y):try_recv()))
    assert.equal("v", (i == 1 and y or x):try_recv())
  end)

  it_runs("several tasks may wait with one subscription: each value goes to one", function()
    local b, log = ebb.broadcast(4), helper.log()
    local sub = b:subscribe()
    for i = 1, 3 do
      ebb.go(function() log(i, sub:recv()) end)
      settle()
    end
    b:send("a")
    b:send("b")
    b:send("c")
    settle()
    table.sort(log)
    assert.equal("1:a 2:b 3:c", log:text())
  end)

  it_runs("is iterated over; a lag comes with the value after it", function()
    local b, log = ebb.broadcast(2), helper.log()
    local sub = b:subscribe()
    for i = 1, 5 do b:send(i) end
    local task = ebb.spawn(function()
      for v, missed in sub do log(v, missed or "-") end
    end)
    settle()
    b:send(6)
    settle()
    b:close()
    task:await()
    assert.equal("4:3 5:- 6:-", log:text())
  end)

  it_runs("to many subscribers loses nothing while they keep up", function()
    local b, sums = ebb.broadcast(3), {}
    for i = 1, 100 do
      local sub = b:subscribe()
      ebb.go(function()
        local sum = 0
        for v, missed in sub do
          assert.is_nil(missed)
          sum = sum + v
          if (v + i) % 7 == 0 then ebb.yield() end
        end
        sums[i] = sum
      end)
    end
    for v = 1, 200 do
      assert.equal(100, b:send(v))
      helper.settle()
    end
    b:close()
    settle()
    settle()
    for i = 1, 100 do assert.equal(20100, sums[i]) end
    assert.equal(0, #b)
  end)

  it_runs("says what it is", function()
    local b = ebb.broadcast(2)
    local sub = b:subscribe()
    b:send(1)
    assert.equal("ebb.broadcast: 1 receivers", tostring(b))
    assert.equal("ebb.broadcastsub: 1 to receive", tostring(sub))
    sub:close()
    b:close()
    assert.equal("ebb.broadcastsub: closed", tostring(sub))
    assert.equal("ebb.broadcast: 0 receivers, closed", tostring(b))
  end)
end)

describe("a cancelled broadcast recv", function()
  it_runs("BC12 before its start takes nothing", function()
    local b = ebb.broadcast(2)
    local sub = b:subscribe()
    b:send(1)
    local task = ebb.spawn(sub.recv, sub)
    task:cancel()
    task:join()
    assert.equal(1, sub:recv())
  end)

  it_runs("BC12 while waiting leaves the values where they are", function()
    local b = ebb.broadcast(2)
    local sub = b:subscribe()
    local task = ebb.spawn(sub.recv, sub)
    settle()
    task:cancel()
    task:cancel()
    b:send(1)
    task:join()
    assert.equal(1, sub:recv())
  end)

  it_runs("BC12 R69 in the turn of the send has the value", function()
    local b, got = ebb.broadcast(2), nil
    local sub = b:subscribe()
    local task = ebb.spawn(function()
      got = sub:recv()
      helper.settle()
      got = "never"
    end)
    settle()
    b:send(1)
    task:cancel()
    task:cancel()
    task:join()
    assert.equal(1, got)
    assert.same({ n = 2, nil, "empty" }, pack(sub:try_recv()))
  end)

  it_runs("a closed subscription wakes who waits with it", function()
    local b = ebb.broadcast(2)
    local sub, other = b:subscribe(), b:subscribe()
    local task, rest = ebb.spawn(sub.recv, sub), ebb.spawn(other.recv, other)
    settle()
    sub:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    b:send(1)
    assert.equal(1, rest:await())
  end)
end)
