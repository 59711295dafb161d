-- Channels of capacity math.huge: sending never waits.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("an unbounded channel", function()
  it_runs("MU1 never makes a sender wait", function()
    local ch = ebb.channel(math.huge)
    local start = ebb.now()
    for i = 1, 100000 do
      if ch:send(i) ~= true then error("not sent: " .. i) end
    end
    assert.equal(start, ebb.now())
    assert.equal(100000, #ch)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    for i = 1, 100000 do
      if ch:recv() ~= i then error("out of order at " .. i) end
    end
    assert.equal(0, #ch)
  end)

  it_runs("MU1 try_send is never full", function()
    local ch = ebb.channel(math.huge)
    for i = 1, 1000 do
      if ch:try_send(i) ~= true then error("not sent: " .. i) end
    end
    assert.equal(1000, #ch)
  end)

  it_runs("MU3 has a length that follows any mixture of sends and receives", function()
    local ch = ebb.channel(math.huge)
    local head, tail = 0, 0
    for round = 1, 300 do
      for _ = 1, round % 17 do
        tail = tail + 1
        ch:send(tail)
      end
      for _ = 1, round % 13 do
        if head < tail then
          head = head + 1
          assert.equal(head, ch:recv())
        end
      end
      assert.equal(tail - head, #ch)
    end
    for v = head + 1, tail do assert.equal(v, ch:recv()) end
  end)

  it_runs("MU2 receivers drain it after close, then see the end", function()
    local ch = ebb.channel(math.huge)
    for i = 1, 100 do ch:send(i) end
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(ch:send(101)))
    assert.same({ n = 2, nil, "closed" }, pack(ch:try_send(101)))
    for i = 1, 100 do assert.equal(i, ch:recv()) end
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MU2 a waiting receiver gets a value at once", function()
    local ch = ebb.channel(math.huge)
    local task = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    ch:send("v")
    assert.equal(0, #ch)
    assert.equal("v", task:await())
  end)

  it_runs("MU2 recv_many takes what is there", function()
    local ch = ebb.channel(math.huge)
    for i = 1, 10 do ch:send(i) end
    assert.same({ 1, 2, 3, 4 }, ch:recv_many(4))
    assert.same({ 5, 6, 7, 8, 9, 10 }, ch:recv_many(100))
  end)

  it_runs("MU2 send_many sends all without waiting", function()
    local ch = ebb.channel(math.huge)
    local list = {}
    for i = 1, 5000 do list[i] = i end
    assert.same({ n = 1, 5000 }, pack(ch:send_many(list)))
    assert.equal(5000, #ch)
    assert.same(list, ch:recv_many(5000))
  end)

  it_runs("MU2 reserve never waits", function()
    local ch = ebb.channel(math.huge)
    local permits = {}
    for i = 1, 100 do permits[i] = ch:reserve() end
    for i = 100, 1, -1 do permits[i]:send(i) end
    for i = 100, 1, -1 do assert.equal(i, ch:recv()) end
  end)

  it_runs("MP27 gives the memory of a burst back", function(_, rt)
    local ch = ebb.channel(math.huge)
    local function used()
      collectgarbage()
      collectgarbage()
      return collectgarbage("count") * 1024 + rt:metrics().alloc_bytes
    end
    for i = 1, 100 do ch:send(i) end
    for _ = 1, 100 do ch:recv() end
    local before = used()
    for i = 1, 200000 do ch:send(i) end
    local peak = used()
    for _ = 1, 200000 do ch:recv() end
    for i = 1, 100 do ch:send(i) end
    for _ = 1, 100 do ch:recv() end
    local after = used()
    assert.is_true(peak - before > 200000 * 8)
    assert.is_true(after - before < (peak - before) / 4)
  end)
end)
