-- ebb.oneshot: one message, once.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

describe("a oneshot", function()
  it_runs("OS1 R96 is sent to once", function()
    local o = ebb.oneshot()
    assert.is_true(o:send("v"))
    assert.same({ n = 2, nil, "closed" }, pack(o:send("w")))
    assert.same({ n = 2, nil, "closed" }, pack(o:fail("w")))
    assert.equal("v", o:recv())
    assert.same({ n = 2, nil, "closed" }, pack(o:send("w")))
  end)

  it_runs("OS2 R89 carries any values, to who waits and to who comes later", function()
    for _, waiting in ipairs { true, false } do
      for _, values in ipairs { pack(), pack(nil), pack(false), pack(1, nil, nil), pack("a", {}, nil, 4) } do
        local o, task = ebb.oneshot(), nil
        if waiting then
          task = ebb.spawn(function() return pack(o:recv()) end)
          settle()
        end
        o:send(table.unpack(values, 1, values.n))
        assert.same(values, task and task:await() or pack(o:recv()))
        assert.same({ n = 2, nil, "closed" }, pack(o:recv()))
      end
    end
  end)

  it_runs("of very many values is whole", function()
    local values = table.pack(table.unpack({}, 1, 5000))
    for i = 1, 5000 do values[i] = i end
    for _, waiting in ipairs { true, false } do
      local o = ebb.oneshot()
      local task = ebb.spawn(function() return select("#", o:recv()) end)
      if waiting then settle() end
      o:send(table.unpack(values, 1, 5000))
      assert.equal(5000, task:await())
    end
  end)

  it_runs("fails: recv throws the error, once", function()
    for _, waiting in ipairs { true, false } do
      local o, e = ebb.oneshot(), {}
      local task = ebb.spawn(function() return pcall(o.recv, o) end)
      if waiting then settle() end
      assert.is_true(o:fail(e))
      local ok, err = task:await()
      assert.is_false(ok)
      assert.equal(e, err)
      assert.same({ n = 2, nil, "closed" }, pack(o:recv()))
    end
    local o = ebb.oneshot()
    o:fail("broken")
    helper.throws("broken", o.try_recv, o)
    local p = ebb.oneshot()
    p:fail("broken")
    helper.throws("broken", ebb.select, ebb.never(), p)
  end)

  it_runs("OS3 OS4 closed, takes no more, but what was sent can be received", function()
    local o = ebb.oneshot()
    o:send("v")
    assert.is_false(o:is_closed())
    o:close()
    o:close()
    assert.is_true(o:is_closed())
    assert.equal("v", o:try_recv())
    assert.same({ n = 2, nil, "closed" }, pack(o:recv()))
    local p = ebb.oneshot()
    local task = ebb.spawn(p.recv, p)
    settle()
    p:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(p:send(1)))
    do local q <close> = p assert.is_truthy(q) end
  end)

  it_runs("OS5 OS9 try_recv says empty, then the values, then closed", function()
    local o = ebb.oneshot()
    assert.same({ n = 2, nil, "empty" }, pack(o:try_recv()))
    o:send(1, 2)
    assert.same({ n = 2, 1, 2 }, pack(o:try_recv()))
    assert.same({ n = 2, nil, "closed" }, pack(o:try_recv()))
    assert.is_true(o:is_closed())
  end)

  it_runs("of several who wait the first gets the message", function()
    local o, tasks = ebb.oneshot(), {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(o.recv, o)
      settle()
    end
    o:send("v")
    assert.equal("v", tasks[1]:await())
    assert.same({ n = 2, nil, "closed" }, pack(tasks[2]:await()))
    assert.same({ n = 2, nil, "closed" }, pack(tasks[3]:await()))
  end)

  it_runs("OS7 in a select loop stays what it is", function()
    local o, ticks = ebb.oneshot(), 0
    ebb.go(function()
      ebb.sleep(3.5)
      o:send("done", 2)
    end)
    while true do
      local i, v, w = ebb.select(o, ebb.after(1))
      if i == 1 then
        assert.equal("done", v)
        assert.equal(2, w)
        break
      end
      ticks = ticks + 1
    end
    assert.equal(3, ticks)
  end)

  it_runs("OS10 lets its value go when it is received or collected", function()
    local weak = setmetatable({}, { __mode = "v" })
    local o = ebb.oneshot()
    weak[1] = {}
    o:send(weak[1])
    o:recv()
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  it_runs("says what it is", function()
    local o = ebb.oneshot()
    assert.equal("ebb.oneshot: empty", tostring(o))
    o:send()
    assert.equal("ebb.oneshot: sent", tostring(o))
    o:recv()
    o:close()
    assert.equal("ebb.oneshot: received, closed", tostring(o))
  end)
end)

describe("a cancelled oneshot recv", function()
  it_runs("before its start takes nothing", function()
    local o = ebb.oneshot()
    o:send("v")
    local task = ebb.spawn(o.recv, o)
    task:cancel()
    task:join()
    assert.equal("v", o:recv())
  end)

  it_runs("while waiting leaves the message to the next", function()
    local o = ebb.oneshot()
    local first, second = ebb.spawn(o.recv, o), ebb.spawn(o.recv, o)
    settle()
    first:cancel()
    first:cancel()
    o:send("v")
    assert.equal("v", second:await())
    first:join()
    local p = ebb.oneshot()
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, p)))
    p:send("w")
    assert.equal("w", p:recv())
  end)

  it_runs("R69 in the turn of the send has the message", function()
    local o, got = ebb.oneshot(), nil
    local task = ebb.spawn(function()
      got = o:recv()
      helper.settle()
      got = "never"
    end)
    settle()
    o:send("v")
    task:cancel()
    task:cancel()
    task:join()
    assert.equal("v", got)
    assert.equal("cancelled", task:status())
  end)
end)
