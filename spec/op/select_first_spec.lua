-- ebb.select_first: the earliest ready arm in the list wins.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("select_first", function()
  it_runs("SE2 R68 always takes the earliest ready arm", function()
    for _ = 1, 1000 do
      assert(ebb.select_first(ebb.ready(), ebb.ready(), ebb.ready()) == 1)
      assert(ebb.select_first(ebb.never(), ebb.ready(), ebb.ready()) == 2)
    end
  end)

  it_runs("SE2 drains the first channel before it looks at the second", function()
    local a, b = ebb.channel(10), ebb.channel(10)
    for i = 1, 5 do
      a:send(i)
      b:send(i + 5)
    end
    local got = {}
    for i = 1, 10 do
      local index, v = ebb.select_first(a, b)
      assert.equal(i <= 5 and 1 or 2, index)
      got[i] = v
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, got)
  end)

  it_runs("gives index and values as select does", function()
    assert.same({ n = 4, 2, "a", nil, "c" },
      pack(ebb.select_first(ebb.never(), ebb.ready("a", nil, "c"))))
    assert.same({ n = 2, 2, "v" }, pack(ebb.select_first { false, ebb.ready("v") }))
  end)

  it_runs("waits when none is ready", function()
    local ch = ebb.channel()
    local start = ebb.now()
    assert.equal(3, (ebb.select_first(ch, ch:send_op(1), ebb.after(2))))
    support.near(2, ebb.now() - start)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("while it waits, the first to happen wins, wherever it stands", function()
    local a, b = ebb.channel(), ebb.channel()
    local task = ebb.spawn(function() return ebb.select_first(a, b) end)
    helper.settle()
    assert.is_true(b:try_send("b"))
    assert.same({ n = 2, nil, "full" }, pack(a:try_send("a")))
    assert.same({ n = 2, 2, "b" }, pack(task:await()))
  end)

  it_runs("takes a set with names, where the order is not told", function()
    local which, v = ebb.select_first { msg = ebb.ready("m"), quit = ebb.never() }
    assert.equal("msg", which)
    assert.equal("m", v)
  end)

  it_runs("with nothing to select throws EBB061", function()
    helper.throws("EBB061", ebb.select_first)
    helper.throws("EBB061", ebb.select_first, {})
    helper.throws("EBB061", ebb.select_first, false, false)
  end)

  it_runs("refuses what is no op", function()
    helper.throws(nil, ebb.select_first, ebb.ready(), 42)
  end)

  it_runs("SE15 R71 a loop over ready arms still lets timers fire", function()
    local fired
    ebb.spawn(function()
      ebb.sleep(0)
      fired = true
    end)
    local rounds = 0
    while not fired do
      rounds = rounds + 1
      assert(rounds < 10000)
      ebb.select_first(ebb.ready(), ebb.never())
    end
    assert.is_true(fired)
  end)

  it_runs("a quit token in front is seen before the messages", function()
    local ch, quit = ebb.channel(math.huge), ebb.token()
    for i = 1, 100 do ch:send(i) end
    local seen = 0
    while true do
      local index, v = ebb.select_first(quit, ch)
      if index == 1 then break end
      seen = v
      if v == 10 then quit:cancel() end
    end
    assert.equal(10, seen)
    assert.equal(90, #ch)
  end)
end)
