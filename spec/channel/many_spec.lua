-- recv_many and send_many: several values in one call.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("recv_many", function()
  it_runs("MP17 takes what is there, up to max", function()
    local ch = ebb.channel(10)
    for i = 1, 7 do ch:send(i) end
    assert.same({ 1, 2, 3 }, ch:recv_many(3))
    assert.equal(4, #ch)
    assert.same({ 4, 5, 6, 7 }, ch:recv_many(10))
    assert.equal(0, #ch)
  end)

  it_runs("MP17 waits for the first value and for no more", function()
    local ch = ebb.channel(10)
    local task = ebb.spawn(function() return ch:recv_many(5) end)
    ebb.sleep(1)
    assert.equal("waiting", task:status())
    ch:send("a")
    local list = task:await()
    assert.equal("a", list[1])
    assert.equal(1, #list)
  end)

  it_runs("MP17 gives the rest after close, then nil and closed", function()
    local ch = ebb.channel(10)
    for i = 1, 3 do ch:send(i) end
    ch:close()
    assert.same({ 1, 2 }, ch:recv_many(2))
    assert.same({ 3 }, ch:recv_many(2))
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv_many(2)))
  end)

  it_runs("lets waiting senders in", function()
    local ch = ebb.channel(2)
    local task = ebb.spawn(function()
      for i = 1, 6 do ch:send(i) end
    end)
    local got = {}
    ebb.sleep(1)
    while #got < 6 do
      local list = ch:recv_many(4)
      assert.is_true(#list >= 1 and #list <= 4)
      table.move(list, 1, #list, #got + 1, got)
      ebb.sleep(1)
    end
    task:await()
    assert.same({ 1, 2, 3, 4, 5, 6 }, got)
  end)

  it_runs("works on a rendezvous channel", function()
    local ch = ebb.channel()
    for i = 1, 3 do
      ebb.spawn(ch.send, ch, i)
      ebb.sleep(1)
    end
    local got = {}
    while #got < 3 do
      local list = ch:recv_many(2)
      assert.is_true(#list >= 1 and #list <= 2)
      table.move(list, 1, #list, #got + 1, got)
    end
    assert.same({ 1, 2, 3 }, got)
  end)

  it_runs("MP25 cancelled while it waits takes nothing", function()
    local ch = ebb.channel(4)
    local task = ebb.spawn(function() ch:recv_many(4) end)
    ebb.sleep(1)
    task:cancel()
    ch:send("v")
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal("v", ch:try_recv())
  end)

  it_runs("refuses a max that is no whole number", function()
    local ch = ebb.channel(1)
    ch:send(1)
    for _, bad in ipairs { 1.5, 0 / 0, -1, "x", {} } do
      helper.throws("bad argument #1 to 'recv_many'", function() ch:recv_many(bad) end)
    end
    assert.equal(1, #ch)
  end)

  it_runs("may be given a huge max", function()
    local ch = ebb.channel(3)
    ch:send("a")
    assert.same({ "a" }, ch:recv_many(2 ^ 53))
    ch:send("b")
    assert.same({ "b" }, ch:recv_many(math.maxinteger))
  end)

  it_runs("takes 10^5 values at once", function()
    local ch = ebb.channel(math.huge)
    for i = 1, 100000 do ch:send(i) end
    local list = ch:recv_many(100000)
    assert.equal(100000, #list)
    for i = 1, 100000 do
      if list[i] ~= i then error("out of order at " .. i) end
    end
  end)
end)

describe("send_many", function()
  it_runs("sends in order and returns how many", function()
    local ch = ebb.channel(5)
    assert.same({ n = 1, 3 }, pack(ch:send_many({ "a", "b", "c" })))
    assert.equal(3, #ch)
    assert.equal("a", ch:recv())
    assert.equal("b", ch:recv())
    assert.equal("c", ch:recv())
  end)

  it_runs("refuses a list with holes whole, and one that gets a hole while it waits there", function()
    local ch = ebb.channel(10)
    local err = helper.throws("item 2 is nil", function() ch:send_many { 1, nil, 3 } end)
    assert.truthy(err:find("bad argument #1 to 'send_many'", 1, true), err)
    assert.equal(0, #ch)
    helper.throws("list of values expected", function() ch:send_many "abc" end)
    ch = ebb.channel()
    local list = { 1, 2, 3, 4 }
    local task = ebb.spawn(function() return ch:send_many(list) end)
    helper.settle()
    list[2] = nil
    assert.equal(1, ch:recv())
    local ok, why = task:join()
    assert.is_false(ok)
    assert.truthy(tostring(why):find("item 2 is nil", 1, true), why)
    -- one that is cut short: what has been sent is counted
    list = { 1, 2, 3 }
    task = ebb.spawn(function() return ch:send_many(list) end)
    helper.settle()
    list[2], list[3] = nil, nil
    assert.equal(1, ch:recv())
    assert.equal(1, task:await())
  end)

  it_runs("sends nothing of an empty list", function()
    local ch = ebb.channel()
    assert.same({ n = 1, 0 }, pack(ch:send_many({})))
  end)

  it_runs("waits as needed", function()
    for _, capacity in ipairs { 0, 1, 2 } do
      local ch = ebb.channel(capacity)
      local task = ebb.spawn(function() return ch:send_many({ 1, 2, 3, 4, 5 }) end)
      ebb.sleep(1)
      assert.equal("waiting", task:status())
      assert.equal(capacity, #ch)
      for i = 1, 5 do assert.equal(i, ch:recv()) end
      assert.same({ n = 1, 5 }, pack(task:await()))
    end
  end)

  it_runs("tells how many were sent when the channel is closed meanwhile", function()
    local ch = ebb.channel(2)
    local task = ebb.spawn(function() return ch:send_many({ 1, 2, 3, 4 }) end)
    ebb.sleep(1)
    assert.equal(1, ch:recv())
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 2, 3, "closed" }, pack(task:await()))
    assert.equal(2, ch:recv())
    assert.equal(3, ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("sends none on a closed channel", function()
    local ch = ebb.channel(2)
    ch:close()
    assert.same({ n = 2, 0, "closed" }, pack(ch:send_many({ 1 })))
  end)

  it_runs("cancelled while it waits has sent what was taken and no more", function()
    local ch = ebb.channel(2)
    local task = ebb.spawn(function() ch:send_many({ 1, 2, 3, 4 }) end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal(2, #ch)
    assert.equal(1, ch:recv())
    assert.equal(2, ch:recv())
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
  end)

  it_runs("refuses what is no table", function()
    local ch = ebb.channel(2)
    for _, bad in ipairs { 1, "x", true, print } do
      helper.throws("bad argument #1 to 'send_many'", function() ch:send_many(bad) end)
    end
    helper.throws("bad argument #1 to 'send_many'", function() ch:send_many() end)
    assert.equal(0, #ch)
  end)

  it_runs("does not mix with another one's values out of order", function()
    local ch = ebb.channel(3)
    local a, b = {}, {}
    for i = 1, 100 do a[i], b[i] = { "a", i }, { "b", i } end
    local tasks = { ebb.spawn(ch.send_many, ch, a), ebb.spawn(ch.send_many, ch, b) }
    local last = { a = 0, b = 0 }
    for _ = 1, 200 do
      local v = ch:recv()
      assert.equal(last[v[1]] + 1, v[2])
      last[v[1]] = v[2]
    end
    assert.equal(100, tasks[1]:await())
    assert.equal(100, tasks[2]:await())
  end)
end)
