-- ebb.choice: several ops as one, reusable and nestable.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a choice", function()
  it_runs("awaited gives what select gives", function()
    local ch = ebb.channel(1)
    ch:send("v")
    local choice = ebb.choice(ebb.never(), ch)
    assert.same({ n = 2, 2, "v" }, pack(ebb.await(choice)))
    assert.same({ n = 5, 1, "a", nil, "c", nil },
      pack(ebb.choice(ebb.ready("a", nil, "c", nil)):await()))
  end)

  it_runs("does nothing by being made", function()
    local ch = ebb.channel(1)
    ch:send("v")
    local choice = ebb.choice(ch, ch:send_op("w"), ebb.after(1))
    ebb.sleep(2)
    assert.equal(1, #ch)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.same({ n = 2, 1, "v" }, pack(choice:await()))
  end)

  it_runs("SE12 may be used in a loop", function()
    local ch, quit = ebb.channel(), ebb.token()
    local choice = ebb.choice(ch, quit, ebb.after(10))
    ebb.spawn(function()
      for i = 1, 100 do ch:send(i) end
      ebb.sleep(11)
      quit:cancel("enough")
    end)
    local sum, timeouts = 0, 0
    while true do
      local index, v = ebb.await(choice)
      if index == 1 then
        sum = sum + v
      elseif index == 2 then
        break
      else
        timeouts = timeouts + 1
      end
    end
    assert.equal(5050, sum)
    assert.equal(1, timeouts)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("its after() counts anew each time", function()
    local choice = ebb.choice(ebb.never(), ebb.after(1))
    local start = ebb.now()
    for i = 1, 5 do
      assert.equal(2, (choice:await()))
      support.near(i, ebb.now() - start)
    end
  end)

  it_runs("may be waited for by two tasks at the same time", function()
    local a, b = ebb.channel(), ebb.channel()
    local choice = ebb.choice(a, b)
    local one = ebb.spawn(ebb.await, choice)
    helper.settle()
    local two = ebb.spawn(ebb.await, choice)
    helper.settle()
    assert.same({ n = 2, 2, 0 }, pack(a:waiters()))
    assert.is_true(b:try_send("b"))
    assert.same({ n = 2, 1, 0 }, pack(a:waiters()))
    assert.is_true(a:try_send("a"))
    assert.same({ n = 2, nil, "full" }, pack(a:try_send("c")))
    assert.same({ n = 2, 2, "b" }, pack(one:await()))
    assert.same({ n = 2, 1, "a" }, pack(two:await()))
  end)

  it_runs("may be waited for by many tasks in a loop at the same time", function()
    local a, b, c = ebb.channel(), ebb.channel(2), ebb.channel(math.huge)
    local choice = ebb.choice(a, b, c)
    local seen, tasks, n = {}, {}, 0
    for i = 1, 10 do
      tasks[i] = ebb.spawn(function()
        while true do
          local index, v = ebb.await(choice)
          if v == nil then return index end
          assert(not seen[v])
          seen[v] = index
          n = n + 1
        end
      end)
    end
    for i = 1, 300 do ({ a, b, c })[i % 3 + 1]:send(i) end
    support.settle()
    a:close()
    for i = 1, 10 do assert.equal(1, tasks[i]:await()) end
    assert.equal(300, n + #b + #c)
    for i = 1, 300 do
      if seen[i] then assert.equal(i % 3 + 1, seen[i]) end
    end
  end)

  it_runs("cancelled in one task goes on in the other", function()
    local ch = ebb.channel()
    local choice = ebb.choice(ch, ebb.never())
    local one = ebb.spawn(ebb.await, choice)
    local two = ebb.spawn(ebb.await, choice)
    helper.settle()
    one:cancel()
    assert.is_true(ch:try_send("v"))
    assert.same({ n = 2, 1, "v" }, pack(two:await()))
    assert.is_false((one:join()))
  end)

  it_runs("SE2 is fair", function()
    local choice = ebb.choice(ebb.ready(), ebb.ready())
    local counts = { 0, 0 }
    for _ = 1, 4000 do
      local index = choice:await()
      counts[index] = counts[index] + 1
    end
    assert.is_true(counts[1] > 1600 and counts[1] < 2400)
  end)

  it_runs("may be timed out and loses nothing", function()
    local a, b = ebb.channel(1), ebb.channel()
    local choice = ebb.choice(a, b:send_op("v"))
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, choice)))
    assert.same({ n = 2, 0, 0 }, pack(a:waiters()))
    assert.same({ n = 2, 0, 0 }, pack(b:waiters()))
    assert.is_true(a:try_send("kept"))
    assert.same({ n = 2, 1, "kept" }, pack(ebb.timeout(1, choice)))
  end)

  it_runs("SE16 whose arm fails throws", function()
    local task = ebb.spawn(function() error("bad", 0) end)
    local choice = ebb.choice(ebb.never(), task)
    helper.throws("bad", ebb.await, choice)
    local safe = ebb.choice(ebb.never(), task:join_op())
    assert.same({ n = 3, 2, false, "bad" }, pack(ebb.await(safe)))
  end)

  it_runs("keeps its ops alive", function()
    local choice = ebb.choice(ebb.channel(), ebb.after(1):map(function() return { "mapped" } end))
    collectgarbage()
    collectgarbage()
    local task = ebb.spawn(ebb.await, choice)
    choice = nil
    ebb.yield()
    collectgarbage()
    collectgarbage()
    local index, v = task:await()
    assert.equal(2, index)
    assert.same({ "mapped" }, v)
    assert.is_nil(choice)
  end)

  it_runs("refuses what is no op", function()
    helper.throws(nil, ebb.choice, ebb.ready(), 42)
    helper.throws(nil, ebb.choice, "x")
  end)

  it_runs("is an op: it has map and says what it is", function()
    local choice = ebb.choice(ebb.ready("a"), ebb.never())
    assert.same({ n = 1, "1a" }, pack(choice:map(function(i, v) return i .. v end):await()))
    assert.truthy(tostring(choice):find("^ebb%."))
  end)
end)
