-- Choices inside choices, selects inside arms.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a choice in a select", function()
  it_runs("gives the index of the choice, then what the choice gives", function()
    local inner = ebb.choice(ebb.never(), ebb.ready("v", "w"))
    assert.same({ n = 4, 1, 2, "v", "w" }, pack(ebb.select(inner, ebb.never())))
    assert.same({ n = 4, 2, 2, "v", "w" }, pack(ebb.select(ebb.never(), inner)))
    assert.same({ n = 4, "in", 2, "v", "w" }, pack(ebb.select { ["in"] = inner }))
  end)

  it_runs("gives one index for every level", function()
    local op = ebb.ready("v")
    for _ = 1, 5 do op = ebb.choice(ebb.never(), op, ebb.never()) end
    assert.same({ n = 7, 1, 2, 2, 2, 2, 2, "v" }, pack(ebb.select(op)))
  end)

  it_runs("waits at all levels at the same time", function()
    local a, b, c, d = ebb.channel(), ebb.channel(), ebb.channel(), ebb.channel()
    local inner = ebb.choice(a, b)
    local outer = ebb.choice(inner, ebb.choice(c, d))
    local expected = {
      { a, 1, 1 }, { b, 1, 2 }, { c, 2, 1 }, { d, 2, 2 },
    }
    for _, case in ipairs(expected) do
      local task = ebb.spawn(ebb.select, ebb.never(), outer)
      helper.settle()
      assert.is_true(case[1]:try_send("v"))
      assert.same({ n = 4, 2, case[2], case[3], "v" }, pack(task:await()))
      for _, ch in ipairs { a, b, c, d } do assert.same({ n = 2, 0, 0 }, pack(ch:waiters())) end
    end
  end)

  it_runs("loses nothing at any level", function()
    local list = {}
    for i = 1, 4 do
      list[i] = ebb.channel(1)
      list[i]:send(i)
    end
    local op = ebb.choice(ebb.choice(list[1], list[2]), ebb.choice(list[3], list[4]))
    local seen = {}
    for round = 1, 4 do
      local i, k, v = ebb.await(op)
      assert.equal((i - 1) * 2 + k, v)
      assert.is_nil(seen[v])
      seen[v] = true
      local left = 0
      for _, ch in ipairs(list) do left = left + #ch end
      assert.equal(4 - round, left)
    end
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, op)))
  end)

  it_runs("is fair: every arm of every level is chosen", function()
    local op = ebb.choice(ebb.choice(ebb.ready(), ebb.ready()), ebb.ready())
    local counts = { [11] = 0, [12] = 0, [2] = 0 }
    for _ = 1, 3000 do
      local i, k = ebb.await(op)
      local which = k and i * 10 + k or i
      counts[which] = counts[which] + 1
    end
    assert.equal(3000, counts[11] + counts[12] + counts[2])
    for _, n in pairs(counts) do assert.is_true(n > 450) end
  end)

  it_runs("may stand twice in one select", function()
    local ch = ebb.channel(1)
    local choice = ebb.choice(ebb.never(), ch)
    ch:send("v")
    local i, k, v = ebb.select(choice, choice)
    assert.is_true(i == 1 or i == 2)
    assert.equal(2, k)
    assert.equal("v", v)
    local task = ebb.spawn(ebb.select, choice, choice)
    ebb.yield()
    assert.is_true(ch:try_send("w"))
    i, k, v = task:await()
    assert.is_true(i == 1 or i == 2)
    assert.equal(2, k)
    assert.equal("w", v)
    assert.equal(0, #ch)
  end)

  it_runs("with a mapped choice: the fn sees the inner index", function()
    local inner = ebb.choice(ebb.never(), ebb.ready("v")):map(function(i, v) return v .. i end)
    assert.same({ n = 2, 1, "v2" }, pack(ebb.select(inner, ebb.never())))
  end)

  it_runs("in select_first: the first arm of the first choice", function()
    local op = ebb.choice(ebb.never(), ebb.never())
    for _ = 1, 50 do
      assert.same({ n = 2, 2, "v" }, pack(ebb.select_first(op, ebb.ready("v"), ebb.ready("w"))))
    end
  end)

  it_runs("in try_select", function()
    local ch = ebb.channel(1)
    local op = ebb.choice(ebb.never(), ebb.choice(ch))
    assert.is_nil((ebb.try_select(op)))
    ch:send("v")
    assert.same({ n = 4, 1, 2, 1, "v" }, pack(ebb.try_select(op)))
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("50 levels deep with 3 arms each", function()
    local channels = {}
    local op
    for level = 1, 50 do
      channels[level] = ebb.channel()
      op = op and ebb.choice(ebb.never(), channels[level], op) or ebb.choice(channels[level])
    end
    local task = ebb.spawn(ebb.await, op)
    helper.settle()
    assert.is_true(channels[1]:try_send("deep"))
    local results = pack(task:await())
    assert.equal(51, results.n)
    for i = 1, 49 do assert.equal(3, results[i]) end
    assert.equal(1, results[50])
    assert.equal("deep", results[51])
  end)
end)

describe("a select inside an arm", function()
  it_runs("SE14 in a map runs after the arm has happened", function()
    local a, b = ebb.channel(1), ebb.channel(1)
    a:send("a")
    local op = ebb.map_op(a, function(v)
      local _, w = ebb.select(b, ebb.after(5))
      return v, w
    end)
    ebb.spawn(function()
      ebb.sleep(1)
      b:send("b")
    end)
    local start = ebb.now()
    assert.same({ n = 3, 1, "a", "b" }, pack(ebb.select(op, ebb.after(0.5))))
    support.near(1, ebb.now() - start)
  end)

  it_runs("SE14 in a task that another select waits for", function()
    local ch = ebb.channel()
    local inner = ebb.spawn(function() return ebb.select(ch, ebb.after(10)) end)
    ebb.spawn(function()
      ebb.sleep(1)
      ch:send("v")
    end)
    assert.same({ n = 3, 2, 1, "v" }, pack(ebb.select(ebb.after(5), inner)))
  end)
end)
