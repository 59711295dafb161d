-- Selects over one channel in several arms, and the choice among arms that are ready.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("one channel in several arms", function()
  it_runs("R67 twice: one of them takes the value", function()
    local ch = ebb.channel(2)
    ch:send("a")
    ch:send("b")
    local index, v = ebb.select(ch, ch)
    assert.is_true(index == 1 or index == 2)
    assert.equal("a", v)
    assert.equal(1, #ch)
    assert.equal("b", ch:recv())
  end)

  it_runs("R67 twice, waiting: one of them takes the value", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.select(ch, ch:recv_op(), ch) end)
    helper.settle()
    assert.is_true(ch:try_send("v"))
    assert.same({ n = 2, nil, "full" }, pack(ch:try_send("w")))
    local index, v = task:await()
    assert.is_true(index >= 1 and index <= 3)
    assert.equal("v", v)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("R67 send and receive on a rendezvous channel do not meet themselves", function()
    local ch = ebb.channel()
    assert.equal(3, (ebb.select(ch:send_op("v"), ch:recv_op(), ebb.after(1))))
    assert.equal(3, (ebb.select(ch:recv_op(), ch:send_op("v"), ebb.after(1))))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("R67 send and receive on a rendezvous channel meet another task", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.select(ch:send_op("v"), ch:recv_op()) end)
    ebb.yield()
    assert.equal("v", ch:recv())
    assert.same({ n = 2, 1, true }, pack(task:await()))
    task = ebb.spawn(function() return ebb.select(ch:send_op("v"), ch:recv_op()) end)
    ebb.yield()
    assert.is_true(ch:send("w"))
    assert.same({ n = 2, 2, "w" }, pack(task:await()))
  end)

  it_runs("R67 two such selects meet each other, once", function()
    for _ = 1, 50 do
      local ch = ebb.channel()
      local function both(v) return ebb.select(ch:send_op(v), ch:recv_op()) end
      local one, two = ebb.spawn(both, "one"), ebb.spawn(both, "two")
      local i, v = one:await()
      local k, w = two:await()
      if i == 1 then
        assert.same({ true, 2, "one" }, { v, k, w })
      else
        assert.same({ 2, "two", 1, true }, { i, v, k, w })
      end
      assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    end
  end)

  it_runs("R67 send and receive on a buffered channel", function()
    local ch = ebb.channel(1)
    assert.same({ n = 2, 1, true }, pack(ebb.select(ch:send_op("v"), ch:recv_op())))
    assert.same({ n = 2, 2, "v" }, pack(ebb.select(ch:send_op("w"), ch:recv_op())))
    assert.equal(0, #ch)
  end)
end)

describe("the choice among ready arms", function()
  it_runs("SE2 R68 is fair: 40 to 60 % each for two", function()
    local counts = { 0, 0 }
    local a, b = ebb.ready("a"), ebb.ready("b")
    for _ = 1, 10000 do
      local index = ebb.select(a, b)
      counts[index] = counts[index] + 1
    end
    assert.equal(10000, counts[1] + counts[2])
    assert.is_true(counts[1] > 4000 and counts[1] < 6000)
  end)

  it_runs("SE2 R68 is fair among two channels that always have a value", function()
    local a, b = ebb.channel(math.huge), ebb.channel(math.huge)
    for _ = 1, 10000 do
      a:send(1)
      b:send(2)
    end
    local counts = { 0, 0 }
    for _ = 1, 10000 do
      local index, v = ebb.select(a, b)
      assert(index == v)
      counts[index] = counts[index] + 1
    end
    assert.is_true(counts[1] > 4000 and counts[1] < 6000)
    assert.equal(10000 - counts[1], #a)
    assert.equal(10000 - counts[2], #b)
  end)

  it_runs("SE2 is fair among eight", function()
    local arms, counts = {}, {}
    for i = 1, 8 do arms[i], counts[i] = ebb.ready(), 0 end
    for _ = 1, 8000 do
      local index = ebb.select(arms)
      counts[index] = counts[index] + 1
    end
    for i = 1, 8 do assert.is_true(counts[i] > 800 and counts[i] < 1200) end
  end)

  it_runs("SE2 is fair among the ready ones of many", function()
    local never = ebb.never()
    local counts = { 0, 0, 0, 0, 0, 0 }
    for _ = 1, 4000 do
      local index = ebb.select(never, ebb.ready(), never, never, never, ebb.ready())
      counts[index] = counts[index] + 1
    end
    assert.equal(4000, counts[2] + counts[6])
    assert.is_true(counts[2] > 1600 and counts[2] < 2400)
  end)

  it_runs("SE2 is fair among ready ones that stand side by side", function()
    local never, counts = ebb.never(), { 0, 0, 0, 0, 0, 0, 0, 0 }
    local set = { never, never, ebb.ready(), ebb.ready(), ebb.ready(), never, never, never }
    local choice = ebb.choice(table.unpack(set))
    for _, performs in ipairs {
      function() return ebb.select(set) end,
      function() return ebb.try_select(set) end,
      function() return ebb.await(choice) end,
    } do
      for i = 3, 5 do counts[i] = 0 end
      for _ = 1, 3000 do
        local index = performs()
        counts[index] = counts[index] + 1
      end
      for i = 3, 5 do assert.is_true(counts[i] > 750 and counts[i] < 1250) end
    end
  end)

  it("SE3 is the same for the same seed", function()
    local function trace(seed)
      return helper.run(function()
        local list = {}
        for i = 1, 200 do list[i] = ebb.select(ebb.ready(), ebb.ready(), ebb.ready()) end
        return table.concat(list)
      end, { seed = seed })
    end
    assert.equal(trace(7), trace(7))
    assert.not_equal(trace(7), trace(8))
  end)
end)
