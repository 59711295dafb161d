-- Closing a channel: who is woken with what, what can still be received.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("close", function()
  it_runs("MP8 lets receivers drain first, then tells them for ever", function()
    local ch = ebb.channel(3)
    for i = 1, 3 do ch:send(i) end
    ch:close()
    assert.is_true(ch:is_closed())
    assert.equal(3, #ch)
    for i = 1, 3 do assert.same({ n = 1, i }, pack(ch:recv())) end
    for _ = 1, 3 do
      assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
      assert.same({ n = 2, nil, "closed" }, pack(ch:try_recv()))
    end
  end)

  it_runs("MP4 R87 fails every later send", function()
    for _, capacity in ipairs { 0, 1, math.huge } do
      local ch = ebb.channel(capacity)
      ch:close()
      assert.same({ n = 2, nil, "closed" }, pack(ch:send("v")))
      assert.same({ n = 2, nil, "closed" }, pack(ch:try_send("v")))
      assert.same({ n = 2, nil, "closed" }, pack(ch:reserve()))
      assert.same({ n = 2, nil, "closed" }, pack(ebb.await(ch:send_op("v"))))
      assert.equal(0, #ch)
    end
  end)

  it_runs("MP5 R86 wakes waiting senders, whose values were not sent", function()
    local ch = ebb.channel(1)
    ch:send("in")
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return ch:send("out" .. i) end) end
    ebb.sleep(1)
    assert.same({ n = 2, 0, 3 }, pack(ch:waiters()))
    ch:close()
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    for i = 1, 3 do assert.same({ n = 2, nil, "closed" }, pack(tasks[i]:await())) end
    assert.equal("in", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MP5 wakes the waiting senders of a rendezvous channel", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ch:send("v") end)
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MC1 wakes all waiting receivers", function()
    for _, capacity in ipairs { 0, 2, math.huge } do
      local ch, tasks = ebb.channel(capacity), {}
      for i = 1, 4 do tasks[i] = ebb.spawn(function() return ch:recv() end) end
      ebb.sleep(1)
      ch:close()
      for i = 1, 4 do assert.same({ n = 2, nil, "closed" }, pack(tasks[i]:await())) end
    end
  end)

  it_runs("wakes a waiting reserve", function()
    local ch = ebb.channel(1)
    ch:send("v")
    local task = ebb.spawn(function() return ch:reserve() end)
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
  end)

  it_runs("wakes waiting recv_many", function()
    local ch = ebb.channel(1)
    local many = ebb.spawn(function() return ch:recv_many(5) end)
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(many:await()))
  end)

  it_runs("comes as a value of the arm in a select", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.select(ebb.after(50), ch) end)
    local sender = ebb.spawn(function() return ebb.select(ch:send_op("v"), ebb.after(50)) end)
    ebb.sleep(1)
    -- one of the two met the other: a rendezvous by two selects
    assert.same({ n = 2, 2, "v" }, pack(task:await()))
    assert.same({ n = 2, 1, true }, pack(sender:await()))
    task = ebb.spawn(function() return ebb.select(ebb.after(50), ch) end)
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 3, 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 3, 1, nil, "closed" }, pack(ebb.select(ch:send_op("v"), ebb.never())))
  end)

  it_runs("twice is once", function()
    local ch = ebb.channel(1)
    ch:send("v")
    ch:close()
    ch:close()
    assert.is_true(ch:is_closed())
    assert.equal("v", ch:recv())
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("does not switch tasks", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function()
      ch:recv()
      log("receiver")
    end)
    ebb.yield()
    ch:close()
    log("closed")
    task:await()
    assert.equal("closed receiver", log:text())
  end)

  it_runs("R88 is told apart from every value", function()
    local ch = ebb.channel(2)
    ch:send(false)
    ch:send("closed")
    ch:close()
    assert.same({ n = 1, false }, pack(ch:recv()))
    assert.same({ n = 1, "closed" }, pack(ch:recv()))
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("R69 does not take back a value that was handed over before", function()
    local ch = ebb.channel()
    local one = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    local two = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    ch:try_send("v")
    ch:close()
    assert.same({ n = 1, "v" }, pack(one:await()))
    assert.same({ n = 2, nil, "closed" }, pack(two:await()))
  end)

  it_runs("R69 does not undo a send that had been let in before", function()
    local ch = ebb.channel(1)
    ch:send("a")
    local task = ebb.spawn(function() return ch:send("b") end)
    helper.settle()
    assert.equal("a", ch:try_recv())
    ch:close()
    assert.same({ n = 1, true }, pack(task:await()))
    assert.equal("b", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("by one of the receivers ends the others", function()
    local ch, ended = ebb.channel(10), 0
    for i = 1, 10 do ch:send(i) end
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        for v in ch do
          if v == 5 then ch:close() end
          ebb.yield()
        end
        ended = ended + 1
      end)
    end
    ebb.join_all(tasks)
    assert.equal(3, ended)
    assert.equal(0, #ch)
  end)

  it_runs("is shown by tostring and is_closed", function()
    local ch = ebb.channel(1)
    local open = tostring(ch)
    ch:close()
    assert.truthy(tostring(ch):find("closed", 1, true))
    assert.is_nil(open:find("closed", 1, true))
  end)
end)
