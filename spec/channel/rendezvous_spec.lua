-- Channels of capacity 0: a send and a receive happen together.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a rendezvous channel", function()
  it_runs("MP2 is what ebb.channel() makes", function()
    for _, ch in ipairs { ebb.channel(), ebb.channel(0) } do
      assert.equal(0, ch:capacity())
      assert.equal(0, #ch)
      assert.is_false(ch:is_closed())
      assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
      assert.truthy(tostring(ch):find("ebb.channel", 1, true))
    end
  end)

  it_runs("makes the sender wait until the value is taken", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function()
      log("send")
      log("sent", ch:send("v"))
    end)
    ebb.sleep(1)
    assert.equal("send", log:text())
    assert.equal("waiting", task:status())
    assert.same({ n = 2, 0, 1 }, pack(ch:waiters()))
    assert.equal(0, #ch)
    assert.equal("v", ch:recv())
    task:await()
    assert.equal("send sent:true", log:text())
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("MP7 makes the receiver wait until there is a value", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function() log("got", ch:recv()) end)
    ebb.sleep(1)
    assert.equal("", log:text())
    assert.same({ n = 2, 1, 0 }, pack(ch:waiters()))
    assert.is_true(ch:send("v"))
    task:await()
    assert.equal("got:v", log:text())
  end)

  it_runs("gives exactly one value from recv and one from send", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ch:send(7) end)
    assert.same({ n = 1, 7 }, pack(ch:recv()))
    assert.same({ n = 1, true }, pack(task:await()))
  end)

  it_runs("MP3 serves waiting senders in the order they came", function()
    local ch = ebb.channel()
    for i = 1, 5 do
      ebb.spawn(ch.send, ch, i)
      ebb.sleep(1)
    end
    assert.same({ n = 2, 0, 5 }, pack(ch:waiters()))
    for i = 1, 5 do assert.equal(i, ch:recv()) end
  end)

  it_runs("MC1 serves waiting receivers in the order they came", function()
    local ch, got = ebb.channel(), {}
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = ebb.spawn(function() got[i] = ch:recv() end)
      ebb.sleep(1)
    end
    assert.same({ n = 2, 5, 0 }, pack(ch:waiters()))
    for i = 1, 5 do assert.is_true(ch:send(i * 10)) end
    ebb.join_all(tasks)
    assert.same({ 10, 20, 30, 40, 50 }, got)
  end)

  it_runs("passes 1000 values back and forth", function()
    local ping, pong = ebb.channel(), ebb.channel()
    local task = ebb.spawn(function()
      for v in ping do pong:send(v + 1) end
      return "end"
    end)
    local v = 0
    for _ = 1, 1000 do
      ping:send(v)
      v = pong:recv()
    end
    assert.equal(1000, v)
    ping:close()
    assert.equal("end", task:await())
  end)
end)

describe("try_send and try_recv on a rendezvous channel", function()
  it_runs("MP9 are full and empty when nobody is on the other side", function()
    local ch = ebb.channel()
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("v")))
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    assert.equal(0, #ch)
  end)

  it_runs("MP9 hand over to a waiting receiver", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    assert.same({ n = 1, true }, pack(ch:try_send("v")))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("w")))
    assert.equal("v", task:await())
  end)

  it_runs("MP10 take from a waiting sender", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ch:send("v") end)
    helper.settle()
    assert.same({ n = 1, "v" }, pack(ch:try_recv()))
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    assert.is_true(task:await())
  end)

  it_runs("never switch to another task", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function() log("received", ch:recv()) end)
    helper.settle()
    ebb.spawn(function() log("other") end)
    ch:try_send("v")
    ch:try_recv()
    ch:try_send("w")
    log("main")
    task:await()
    helper.settle()
    assert.equal("main", log[1])
    assert.equal(3, #log)
  end)
end)

describe("what a channel carries", function()
  it_runs("R89 arrives unchanged, whatever its type", function()
    local ch = ebb.channel()
    local values = { false, true, 0, -0.5, 2 ^ 53, math.mininteger, math.huge, "", "a\0b",
      {}, print, coroutine.create(print), io.stdout, ch, ("x"):rep(100000) }
    local task = ebb.spawn(function()
      for _, v in ipairs(values) do ch:send(v) end
    end)
    for _, v in ipairs(values) do assert.is_true(rawequal(v, (ch:recv()))) end
    task:await()
    local nan_task = ebb.spawn(ch.send, ch, 0 / 0)
    local nan = ch:recv()
    assert.is_true(nan ~= nan)
    nan_task:await()
  end)

  it_runs("R89 keeps integers and floats apart", function()
    local ch = ebb.channel(2)
    ch:send(1)
    ch:send(1.0)
    assert.equal("integer", math.type(ch:recv()))
    assert.equal("float", math.type(ch:recv()))
  end)

  it_runs("MP21 is never nil: sending nil throws and sends nothing", function()
    for _, capacity in ipairs { 0, 1, math.huge } do
      local ch = ebb.channel(capacity)
      helper.throws("bad argument #1 to 'send'", function() ch:send(nil) end)
      helper.throws("bad argument #1 to 'send'", function() ch:send() end)
      helper.throws("bad argument #1 to 'try_send'", function() ch:try_send(nil) end)
      helper.throws("bad argument #1 to 'send_op'", function() ch:send_op(nil) end)
      assert.equal(0, #ch)
      assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    end
  end)

  it_runs("MP21 throws for nil on a closed channel too", function()
    local ch = ebb.channel(1)
    ch:close()
    helper.throws("bad argument #1 to 'send'", function() ch:send(nil) end)
  end)

  it_runs("MP22 is one value: further arguments are not sent", function()
    local ch = ebb.channel(1)
    ch:send("a", "b")
    assert.same({ n = 1, "a" }, pack(ch:recv()))
    assert.equal(0, #ch)
  end)

  it_runs("methods refuse a self that is no channel", function()
    local ch = ebb.channel(1)
    for _, name in ipairs { "send", "recv", "try_send", "try_recv", "close", "capacity" } do
      helper.throws("ebb.channel", ch[name], {}, 1)
      helper.throws("ebb.channel", ch[name], nil, 1)
      helper.throws("ebb.channel", ch[name], io.stdout, 1)
    end
  end)

  it_runs("is not held alive by the channel once received", function()
    local ch = ebb.channel(4)
    local weak = setmetatable({}, { __mode = "v" })
    for i = 1, 4 do
      weak[i] = { i }
      ch:send(weak[i])
    end
    for _ = 1, 4 do ch:recv() end
    support.settle()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)

  it_runs("is held alive by the channel until then", function()
    local ch = ebb.channel(4)
    for i = 1, 4 do ch:send({ i }) end
    local task = ebb.spawn(function() return ch:send({ 5 }) end)
    ebb.yield()
    collectgarbage()
    collectgarbage()
    for i = 1, 5 do assert.same({ i }, ch:recv()) end
    task:await()
  end)
end)
