-- Selecting over a table: lists, names, arms that are switched off.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("select over names", function()
  it_runs("gives the name of the arm", function()
    local ch, quit = ebb.channel(1), ebb.token()
    local function round() return ebb.select { msg = ch, quit = quit, tick = ebb.after(1) } end
    assert.equal("tick", (round()))
    ch:send("v")
    assert.same({ n = 2, "msg", "v" }, pack(round()))
    quit:cancel("why")
    assert.same({ n = 3, "quit", true, "why" }, pack(round()))
  end)

  it_runs("gives several values after the name", function()
    assert.same({ n = 5, "x", 1, nil, 3, nil }, pack(ebb.select { x = ebb.ready(1, nil, 3, nil) }))
  end)

  it_runs("takes keys of any type", function()
    local key = {}
    assert.same({ n = 2, key, "v" }, pack(ebb.select { [key] = ebb.ready("v") }))
    assert.same({ n = 2, true, "v" }, pack(ebb.select { [true] = ebb.ready("v") }))
    assert.same({ n = 2, 2.5, "v" }, pack(ebb.select { [2.5] = ebb.ready("v") }))
    assert.same({ n = 2, ebb.select, "v" }, pack(ebb.select { [ebb.select] = ebb.ready("v") }))
  end)

  it_runs("SE4 skips an arm set to false", function()
    local ch = ebb.channel(1)
    ch:send("v")
    assert.equal("tick", (ebb.select { msg = false, tick = ebb.after(1) }))
    assert.equal(1, #ch)
    for _ = 1, 20 do
      assert.equal("b", (ebb.select { a = false, b = ebb.ready(), c = false }))
    end
  end)

  it_runs("SE4 an arm is switched on again in the next round", function()
    local ch, log = ebb.channel(10), helper.log()
    for i = 1, 4 do ch:send(i) end
    for round = 1, 4 do
      local which, v = ebb.select { msg = round % 2 == 0 and ch, tick = ebb.after(1) }
      log(which, which == "msg" and v or "")
    end
    assert.equal("tick: msg:1 tick: msg:2", log:text())
  end)

  it_runs("SE2 is fair among names", function()
    local counts = { a = 0, b = 0 }
    for _ = 1, 4000 do
      local which = ebb.select { a = ebb.ready(), b = ebb.ready() }
      counts[which] = counts[which] + 1
    end
    assert.is_true(counts.a > 1600 and counts.a < 2400)
  end)

  it_runs("leaves the table as it was", function()
    local ch = ebb.channel(1)
    ch:send("v")
    local set = { msg = ch, off = false }
    ebb.select(set)
    assert.is_true(rawequal(ch, set.msg))
    assert.is_false(set.off)
    assert.is_nil(getmetatable(set))
    set.msg, set.off = nil, nil
    assert.is_nil(next(set))
  end)

  it_runs("SE14 a loop that drops arms as they end drains all channels", function()
    local set, sum = {}, 0
    for _, name in ipairs { "a", "b", "c" } do
      local ch = ebb.channel(1)
      set[name] = ch
      ebb.spawn(function()
        for i = 1, 10 do ch:send(i) end
        ch:close()
      end)
    end
    local ended = {}
    while next(set) do
      local which, v = ebb.select(set)
      if v == nil then
        set[which] = nil
        ended[#ended + 1] = which
      else
        sum = sum + v
      end
    end
    assert.equal(165, sum)
    table.sort(ended)
    assert.same({ "a", "b", "c" }, ended)
  end)
end)

describe("select over a list", function()
  it_runs("gives the index in the list", function()
    assert.same({ n = 2, 3, "v" }, pack(ebb.select { ebb.never(), ebb.never(), ebb.ready("v") }))
  end)

  it_runs("SE4 counts the arms that are switched off", function()
    assert.same({ n = 2, 3, "v" }, pack(ebb.select { false, false, ebb.ready("v"), false }))
    assert.same({ n = 2, 3, "v" }, pack(ebb.select(false, false, ebb.ready("v"), false)))
    local start = ebb.now()
    assert.equal(2, (ebb.select(false, ebb.after(1), false, ebb.after(2))))
    support.near(1, ebb.now() - start)
  end)

  it_runs("SE6 with every arm switched off throws EBB061", function()
    helper.throws("EBB061", ebb.select, { false })
    helper.throws("EBB061", ebb.select, false, false, false)
  end)
end)
