-- Channels of a fixed capacity: buffering, backpressure, order.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("the capacity of a channel", function()
  it_runs("R92 is kept as given", function()
    for _, capacity in ipairs { 0, 1, 2, 7, 1000 } do
      assert.equal(capacity, ebb.channel(capacity):capacity())
    end
    assert.equal(math.huge, ebb.channel(math.huge):capacity())
    assert.equal(3, ebb.channel(3.0):capacity())
  end)

  it_runs("R92 is no negative number, fraction, NaN or other type", function()
    for _, bad in ipairs { -1, 1.5, 0 / 0, -math.huge, "x", {}, true, print } do
      helper.throws("bad argument #1", ebb.channel, bad)
    end
  end)

  it_runs("R92 may be far more than memory could hold", function()
    for _, capacity in ipairs { 2 ^ 31, 2 ^ 40, 2 ^ 53 } do
      local ch = ebb.channel(capacity)
      assert.equal(capacity, ch:capacity())
      for i = 1, 100 do assert.is_true(ch:send(i)) end
      for i = 1, 100 do assert.equal(i, ch:recv()) end
    end
  end)

  it_runs("MP15 does not change with what is in the channel", function()
    local ch = ebb.channel(3)
    ch:send(1)
    ch:send(2)
    assert.equal(3, ch:capacity())
    ch:close()
    assert.equal(3, ch:capacity())
  end)
end)

describe("a bounded channel", function()
  it_runs("MP3 takes as many values as its capacity without making the sender wait", function()
    local ch = ebb.channel(3)
    local log = helper.log()
    local task = ebb.spawn(function()
      for i = 1, 5 do
        ch:send(i)
        log(i)
      end
    end)
    ebb.sleep(1)
    assert.equal("1 2 3", log:text())
    assert.equal(3, #ch)
    assert.same({ n = 2, 0, 1 }, pack(ch:waiters()))
    assert.equal(1, ch:recv())
    ebb.sleep(1)
    assert.equal("1 2 3 4", log:text())
    assert.equal(3, #ch)
    for i = 2, 5 do assert.equal(i, ch:recv()) end
    task:await()
    assert.equal("1 2 3 4 5", log:text())
    assert.equal(0, #ch)
  end)

  it_runs("MP15 counts what it holds", function()
    local ch = ebb.channel(5)
    for i = 1, 5 do
      ch:send(i)
      assert.equal(i, #ch)
    end
    for i = 4, 0, -1 do
      ch:recv()
      assert.equal(i, #ch)
    end
  end)

  it_runs("MP9 try_send is full exactly when send would wait", function()
    local ch = ebb.channel(2)
    assert.same({ n = 1, true }, pack(ch:try_send("a")))
    assert.same({ n = 1, true }, pack(ch:try_send("b")))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("c")))
    assert.equal(2, #ch)
    assert.equal("a", ch:recv())
    assert.same({ n = 1, true }, pack(ch:try_send("d")))
    assert.equal("b", ch:recv())
    assert.equal("d", ch:recv())
  end)

  it_runs("MP10 try_recv is empty exactly when recv would wait", function()
    local ch = ebb.channel(2)
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    ch:send("a")
    assert.same({ n = 1, "a" }, pack(ch:try_recv()))
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
  end)

  it_runs("MP1 keeps the order of one producer, the ring going round many times", function()
    local ch = ebb.channel(7)
    local task = ebb.spawn(function()
      for i = 1, 10000 do ch:send(i) end
    end)
    for i = 1, 10000 do
      if ch:recv() ~= i then error("out of order at " .. i) end
    end
    task:await()
    assert.equal(0, #ch)
  end)

  it_runs("MP3 lets waiting senders in one by one, first come first served", function()
    local ch = ebb.channel(1)
    ch:send(0)
    local log = helper.log()
    for i = 1, 4 do
      ebb.spawn(function()
        ch:send(i)
        log(i)
      end)
      ebb.sleep(1)
    end
    for i = 0, 4 do
      assert.equal(i, #log)
      assert.equal(i, ch:recv())
      ebb.sleep(1)
    end
    assert.equal("1 2 3 4", log:text())
  end)

  it_runs("MP3 a try_send does not overtake waiting senders", function()
    local ch = ebb.channel(1)
    ch:send("first")
    local task = ebb.spawn(ch.send, ch, "second")
    helper.settle()
    assert.equal("first", ch:try_recv())
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("third")))
    assert.equal("second", ch:recv())
    task:await()
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
  end)

  it_runs("R63 never holds a value beside a waiting receiver", function()
    local ch = ebb.channel(2)
    local task = ebb.spawn(function() return ch:recv() end)
    helper.settle()
    assert.is_true(ch:try_send("a"))
    assert.equal(0, #ch)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    assert.is_true(ch:try_send("b"))
    assert.equal(1, #ch)
    assert.equal("a", task:await())
    assert.equal("b", ch:recv())
  end)

  it_runs("holds a fast producer back: never more than its capacity ahead", function()
    local ch = ebb.channel(4)
    local sent = 0
    local task = ebb.spawn(function()
      for i = 1, 500 do
        ch:send(i)
        sent = i
      end
      ch:close()
    end)
    local received = 0
    for v in ch do
      received = v
      ebb.sleep(0.01)
      assert.equal(math.min(500, received + 4), sent)
    end
    task:await()
    assert.equal(500, received)
  end)

  it_runs("YC3 a producer that never has to wait still gives way", function()
    local ch, others = ebb.channel(100000), 0
    ebb.spawn(function()
      for _ = 1, 10 do
        others = others + 1
        ebb.yield()
      end
    end)
    for i = 1, 100000 do ch:send(i) end
    assert.equal(10, others)
    assert.equal(100000, #ch)
  end)

  it_runs("YC3 a consumer that never has to wait still gives way", function()
    local ch, others = ebb.channel(5000), 0
    for i = 1, 5000 do ch:try_send(i) end
    ebb.spawn(function() others = others + 1 end)
    for _ = 1, 5000 do ch:recv() end
    assert.equal(1, others)
  end)
end)

describe("many producers and consumers", function()
  it_runs("MC1 every item goes to exactly one of 4 workers, which end at close", function()
    local ch, seen, count = ebb.channel(8), {}, 0
    local workers = {}
    for w = 1, 4 do
      workers[w] = ebb.spawn(function()
        local mine = 0
        for v in ch do
          seen[v] = (seen[v] or 0) + 1
          count = count + 1
          mine = mine + 1
          ebb.sleep(0.001)
        end
        return mine
      end)
    end
    for i = 1, 1000 do ch:send(i) end
    ch:close()
    local total = 0
    for w = 1, 4 do
      local mine = workers[w]:await()
      assert.is_true(mine > 0)
      total = total + mine
    end
    assert.equal(1000, total)
    assert.equal(1000, count)
    for i = 1, 1000 do assert.equal(1, seen[i]) end
  end)

  it_runs("MP1 the values of each producer come in its order", function()
    for _, capacity in ipairs { 0, 1, 3, math.huge } do
      local ch, producers = ebb.channel(capacity), {}
      for p = 1, 5 do
        producers[p] = ebb.spawn(function()
          for i = 1, 50 do
            ch:send({ p, i })
            if i % (p + 1) == 0 then ebb.yield() end
          end
        end)
      end
      local last = { 0, 0, 0, 0, 0 }
      for _ = 1, 250 do
        local v = ch:recv()
        assert.equal(last[v[1]] + 1, v[2])
        last[v[1]] = v[2]
      end
      ebb.join_all(producers)
      assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    end
  end)
end)

describe("a channel outside of a task", function()
  it("try_send, try_recv, close and the counts work", function()
    local ch = ebb.channel(1)
    assert.is_true(ch:try_send("a"))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("b")))
    assert.equal(1, #ch)
    ch:close()
    assert.is_true(ch:is_closed())
    assert.equal("a", ch:try_recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:try_recv()))
  end)

  it("belongs to no runtime: what one puts in another may take", function()
    local ch = ebb.channel(2)
    helper.run(function() ch:send("a") end)
    helper.run(function() ch:send("b") end)
    helper.run(function()
      assert.equal("a", ch:recv())
      assert.equal("b", ch:recv())
      assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    end)
  end)

  it("may be shared by the tasks of two runtimes that are stepped in turn", function()
    local ch = ebb.channel()
    local one, two = helper.runtime(), helper.runtime()
    local got, sent = {}, 0
    one:spawn(function()
      for i = 1, 20 do
        ch:send(i)
        sent = i
      end
      ch:close()
    end)
    two:spawn(function()
      for v in ch do got[#got + 1] = v end
      got.ended = true
    end)
    for _ = 1, 200 do
      one:step(1)
      two:step(1)
    end
    assert.equal(20, sent)
    assert.equal(20, #got)
    for i = 1, 20 do assert.equal(i, got[i]) end
    assert.is_true(got.ended)
    assert.equal(0, one:metrics().alive)
    assert.equal(0, two:metrics().alive)
    one:close()
    two:close()
  end)
end)
