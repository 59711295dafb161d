-- Cancels and timeouts of sends and receives: the value was taken, or it is still there.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a cancelled send", function()
  it_runs("MP25 that was waiting did not send", function()
    for _, capacity in ipairs { 0, 1 } do
      local ch = ebb.channel(capacity)
      if capacity == 1 then ch:send("first") end
      local task = ebb.spawn(function() ch:send("never") end)
      ebb.sleep(1)
      task:cancel()
      assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
      task:join()
      assert.equal("cancelled", task:status())
      if capacity == 1 then assert.equal("first", ch:recv()) end
      assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    end
  end)

  it_runs("MP14 leaves the queue to those behind it, in order", function()
    local ch, tasks = ebb.channel(1), {}
    ch:send(0)
    for i = 1, 5 do
      tasks[i] = ebb.spawn(ch.send, ch, i)
      ebb.sleep(1)
    end
    tasks[1]:cancel()
    tasks[3]:cancel()
    tasks[5]:cancel()
    assert.equal(0, ch:recv())
    assert.equal(2, ch:recv())
    assert.equal(4, ch:recv())
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    for i = 1, 5 do tasks[i]:join() end
  end)

  it_runs("R69 whose value was taken before returns true and is struck later", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function()
      log("sent", ch:send("v"))
      helper.settle()
      log("never")
    end)
    helper.settle()
    assert.equal("v", ch:try_recv())
    task:cancel()
    task:join()
    assert.equal("sent:true", log:text())
    assert.equal("cancelled", task:status())
  end)
end)

describe("a cancelled recv", function()
  it_runs("MP14 leaves its place to the next receiver", function()
    local ch = ebb.channel()
    local first = ebb.spawn(function() return ch:recv() end)
    local second = ebb.spawn(function() return ch:recv() end)
    ebb.sleep(1)
    first:cancel()
    ch:send("v")
    assert.equal("v", second:await())
    first:join()
  end)

  it_runs("R69 keeps what was handed over before the cancel", function()
    local ch = ebb.channel(2)
    local got
    local task = ebb.spawn(function()
      got = ch:recv()
      helper.settle()
      got = "never"
    end)
    helper.settle()
    ch:try_send("v")
    task:cancel()
    ch:try_send("w")
    task:join()
    assert.equal("v", got)
    assert.equal("w", ch:try_recv())
  end)

  it_runs("in a loop loses nothing, whenever the cancel comes", function()
    for turns = 0, 40 do
      local ch, got = ebb.channel(3), {}
      local producer = ebb.spawn(function()
        for i = 1, 20 do ch:send(i) end
        ch:close()
      end)
      local consumer = ebb.spawn(function()
        for v in ch do
          got[#got + 1] = v
          if v % 3 == 0 then ebb.yield() end
        end
      end)
      for _ = 1, turns do ebb.yield() end
      consumer:cancel()
      consumer:join()
      for v in ch do got[#got + 1] = v end
      producer:await()
      assert.equal(20, #got)
      for i = 1, 20 do assert.equal(i, got[i]) end
    end
  end)
end)

describe("a timeout", function()
  it_runs("MP23 tells a send that timed out from one on a closed channel", function()
    local ch = ebb.channel()
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, ch.send, ch, "v")))
    ebb.spawn(function()
      ebb.sleep(1)
      ch:close()
    end)
    assert.same({ n = 2, nil, "closed" }, pack(ebb.timeout(5, ch.send, ch, "v")))
  end)

  it_runs("of a send leaves nothing behind", function()
    local ch = ebb.channel()
    ebb.timeout(1, ch.send, ch, "v")
    ebb.timeout(1, ch:send_op("v"))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
  end)

  it_runs("of a recv leaves nothing behind", function()
    local ch = ebb.channel()
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, ch)))
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, ch.recv, ch)))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("v")))
  end)

  it_runs("R70 that comes at the very time of the send loses no value", function()
    for round = 1, 20 do
      local ch = ebb.channel(1)
      local sent = {}
      local function producer()
        ebb.sleep(1)
        sent[1] = ch:try_send("v")
      end
      local task
      if round % 2 == 0 then task = ebb.spawn(producer) ebb.yield() end
      local start = ebb.now()
      if round % 2 == 1 then task = ebb.spawn(producer) end
      local v, why = ebb.timeout(1, ch)
      support.near(1, ebb.now() - start)
      task:await()
      assert.is_true(sent[1])
      if v == nil then
        assert.equal("timeout", why)
        assert.equal("v", ch:try_recv())
      else
        assert.equal("v", v)
        assert.equal(0, #ch)
      end
    end
  end)

  it_runs("R70 that comes at the very time of the recv sends or does not", function()
    for _ = 1, 20 do
      local ch, got = ebb.channel(), nil
      local task = ebb.spawn(function()
        ebb.sleep(1)
        got = ch:try_recv()
      end)
      local ok, why = ebb.timeout(1, ch.send, ch, "v")
      task:await()
      if ok then
        assert.is_true(ok)
        assert.equal("v", got)
      else
        assert.equal("timeout", why)
        assert.is_nil(got)
      end
    end
  end)
end)

describe("the end of the run", function()
  it("ends tasks that wait at a channel, which stays usable", function()
    local ch, full = ebb.channel(), ebb.channel(1)
    local closed = 0
    helper.run(function()
      full:send("v")
      ebb.spawn(function()
        local _ <close> = support.closer(function() closed = closed + 1 end)
        ch:recv()
      end)
      ebb.spawn(function()
        local _ <close> = support.closer(function() closed = closed + 1 end)
        full:send("w")
      end)
      ebb.sleep(1)
    end)
    assert.equal(2, closed)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.same({ n = 2, 0, 0 }, pack(full:waiters()))
    assert.equal("v", full:try_recv())
    assert.same({ n = 2, nil, "empty" }, pack(full:try_recv()))
  end)

  it("R84 names the channel in the report of a deadlock", function()
    local err = helper.throws("deadlock: all tasks are waiting", helper.run, function()
      ebb.channel():recv()
    end)
    assert.truthy(tostring(err):find("channel recv", 1, true))
  end)
end)
