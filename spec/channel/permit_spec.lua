-- Permits: a slot held now for a value that comes later.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("a permit", function()
  it_runs("sends once: a second one throws and sends nothing", function()
    local ch = ebb.channel(3)
    local permit = ch:reserve()
    permit:send("v")
    helper.throws(nil, permit.send, permit, "w")
    assert.equal(1, #ch)
    assert.equal("v", ch:recv())
  end)

  it_runs("cannot send after it was closed", function()
    local ch = ebb.channel(1)
    local permit = ch:reserve()
    permit:close()
    helper.throws(nil, permit.send, permit, "w")
    assert.equal(0, #ch)
  end)

  it_runs("cannot send nil", function()
    local ch = ebb.channel(1)
    local permit <close> = ch:reserve()
    helper.throws("bad argument #1 to 'send'", function() permit:send(nil) end)
    assert.equal(0, #ch)
  end)

  it_runs("may be closed twice, or after its send, and gives back one slot at most", function()
    local ch = ebb.channel(2)
    local one, two = ch:reserve(), ch:reserve()
    one:close()
    one:close()
    assert.is_true(ch:try_send("a"))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("b")))
    two:send("c")
    two:close()
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("b")))
    assert.equal("a", ch:recv())
    assert.equal("c", ch:recv())
  end)

  it_runs("MP11 gives its slot back at the end of its block", function()
    local ch = ebb.channel(1)
    do
      local _ <close> = ch:reserve()
      assert.same({ n = 2, nil, "full" }, pack(ch:try_send("a")))
    end
    assert.is_true(ch:try_send("a"))
    assert.equal("a", ch:recv())
    pcall(function()
      local _ <close> = ch:reserve()
      error("x")
    end)
    assert.is_true(ch:try_send("b"))
  end)

  it_runs("gives its slot back when it is collected", function()
    local ch = ebb.channel(1)
    local function lose() return ch:reserve() and nil end
    lose()
    local task = ebb.spawn(function() return ch:send("v") end)
    ebb.yield()
    collectgarbage()
    collectgarbage()
    assert.is_true(task:await())
    assert.equal("v", ch:recv())
  end)

  it_runs("is named by tostring", function()
    local ch = ebb.channel(1)
    local permit <close> = ch:reserve()
    assert.truthy(tostring(permit):find("^ebb%."))
  end)
end)

describe("a permit of a closed channel", function()
  it_runs("MP8 can still send", function()
    local ch = ebb.channel(2)
    ch:send("a")
    local permit = ch:reserve()
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(ch:try_send("b")))
    permit:send("p")
    assert.equal("a", ch:recv())
    assert.equal("p", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MP8 is waited for by receivers", function()
    local ch = ebb.channel(1)
    local permit = ch:reserve()
    ch:close()
    local task = ebb.spawn(function() return ch:recv() end)
    ebb.sleep(1)
    assert.equal("waiting", task:status())
    permit:send("p")
    assert.same({ n = 1, "p" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MP10 leaves try_recv empty, not closed, while it is out", function()
    local ch = ebb.channel(1)
    local permit = ch:reserve()
    ch:close()
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    permit:close()
    assert.same({ n = 2, nil, "closed" }, pack(ch:try_recv()))
  end)

  it_runs("MP13 MP14 given back, wakes the receivers with the end", function()
    local ch, tasks = ebb.channel(2), {}
    local one, two = ch:reserve(), ch:reserve()
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return ch:recv() end) end
    ebb.sleep(1)
    ch:close()
    ebb.sleep(1)
    one:close()
    ebb.sleep(1)
    for i = 1, 3 do assert.equal("waiting", tasks[i]:status()) end
    two:close()
    for i = 1, 3 do assert.same({ n = 2, nil, "closed" }, pack(tasks[i]:await())) end
  end)

  it_runs("MP13 the last one used wakes one receiver with the value, the others with the end",
    function()
      local ch, tasks = ebb.channel(1), {}
      local permit = ch:reserve()
      for i = 1, 3 do
        tasks[i] = ebb.spawn(function() return ch:recv() end)
        ebb.sleep(1)
      end
      ch:close()
      permit:send("p")
      assert.same({ n = 1, "p" }, pack(tasks[1]:await()))
      assert.same({ n = 2, nil, "closed" }, pack(tasks[2]:await()))
      assert.same({ n = 2, nil, "closed" }, pack(tasks[3]:await()))
    end)
end)
