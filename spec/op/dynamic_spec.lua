-- Sets of arms built at run time, of any size.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a set built at run time", function()
  it_runs("SE13 may have any size", function()
    for _, n in ipairs { 1, 2, 3, 8, 9, 64, 65, 300, 1000 } do
      local list = {}
      for i = 1, n do list[i] = ebb.channel(1) end
      local k = (n * 7 + 3) % n + 1
      list[k]:send(k)
      assert.same({ n = 2, k, k }, pack(ebb.select(list)))
      local task = ebb.spawn(ebb.select, list)
      ebb.yield()
      assert.is_true(list[k]:try_send("v"))
      assert.same({ n = 2, k, "v" }, pack(task:await()))
      for i = 1, n do assert.same({ n = 2, 0, 0 }, pack(list[i]:waiters())) end
    end
  end)

  it_runs("SE13 may be a long list of arguments", function()
    local list = {}
    for i = 1, 200 do list[i] = ebb.never() end
    list[150] = ebb.ready("v")
    assert.same({ n = 2, 150, "v" }, pack(ebb.select(table.unpack(list))))
  end)

  it_runs("SE13 10000 arms, one of which happens after a while", function()
    local list = {}
    for i = 1, 10000 do list[i] = ebb.channel() end
    local task = ebb.spawn(ebb.select, list)
    ebb.sleep(1)
    assert.is_true(list[9999]:try_send("v"))
    assert.same({ n = 2, 9999, "v" }, pack(task:await()))
  end)

  it_runs("of tasks: each result is taken once, in the order of their ends", function()
    local set, n = {}, 0
    for i = 1, 20 do
      set[i] = ebb.spawn(function()
        ebb.sleep((i * 7) % 20 + 1)
        return i
      end)
      n = n + 1
    end
    local last = -1
    while n > 0 do
      local index, i = ebb.select(set)
      assert.equal(index, i)
      assert.is_true((i * 7) % 20 > last)
      last = (i * 7) % 20
      set[index] = false
      n = n - 1
    end
    helper.throws("EBB061", ebb.select, set)
  end)

  it_runs("may grow from round to round", function()
    local list, seen = {}, {}
    for round = 1, 10 do
      local ch = ebb.channel(1)
      ch:send(round)
      list[round] = ch
      local index, v = ebb.select(list)
      assert.equal(round, index)
      seen[round] = v
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, seen)
  end)

  it_runs("changed while the select waits does not change the select", function()
    local a, b = ebb.channel(), ebb.channel()
    local set = { a, b }
    local task = ebb.spawn(ebb.select, set)
    helper.settle()
    set[1], set[2] = ebb.ready("other"), nil
    collectgarbage()
    assert.is_true(b:try_send("v"))
    assert.same({ n = 2, 2, "v" }, pack(task:await()))
  end)

  it_runs("keeps its arms alive while it waits", function()
    local task = ebb.spawn(function()
      return ebb.select { ebb.channel(), ebb.after(2), ebb.timer(1), ebb.defer_op(ebb.never) }
    end)
    ebb.yield()
    collectgarbage()
    collectgarbage()
    assert.equal(3, (task:await()))
  end)

  it_runs("1000 tasks that select over the same channels: every value comes once", function()
    local list = {}
    for i = 1, 4 do list[i] = ebb.channel() end
    local seen, tasks = {}, {}
    for i = 1, 1000 do
      tasks[i] = ebb.spawn(function()
        local index, v = ebb.select(list)
        assert(v % 4 + 1 == index and not seen[v])
        seen[v] = true
      end)
    end
    for v = 0, 999 do list[v % 4 + 1]:send(v) end
    ebb.join_all(tasks)
    for v = 0, 999 do assert.is_true(seen[v]) end
    for i = 1, 4 do assert.same({ n = 2, 0, 0 }, pack(list[i]:waiters())) end
  end)

  it_runs("a random loop over many sources loses and doubles nothing", function()
    for _ = 1, 20 do
      local sources, open, got = {}, 5, {}
      for s = 1, 5 do
        local ch = ebb.channel(s - 1)
        sources[s], got[s] = ch, 0
        ebb.spawn(function()
          for i = 1, 30 do
            ch:send(i)
            if i % s == 0 then ebb.sleep(0.1) end
          end
          ch:close()
        end)
      end
      local ticks = 0
      sources[6] = ebb.interval(0.25)
      while open > 0 do
        local s, v = ebb.select(sources)
        if s == 6 then
          ticks = ticks + 1
        elseif v then
          assert.equal(got[s] + 1, v)
          got[s] = v
        else
          sources[s] = false
          open = open - 1
        end
      end
      sources[6]:close()
      assert.same({ 30, 30, 30, 30, 30 }, got)
      assert.is_true(ticks >= 11)
    end
  end)

  it_runs("an empty place in the middle ends the list or is refused, never a fault", function()
    local list = { ebb.ready("a"), nil, ebb.ready("c") }
    local ok, index = pcall(ebb.select, list)
    if ok then assert.is_true(index == 1 or index == 3) end
  end)

  it_runs("repeated 10000 times leaves no memory behind", function()
    local set = {}
    for i = 1, 8 do set[i] = ebb.channel() end
    set[9] = ebb.ready()
    local function rounds(n)
      for _ = 1, n do ebb.select(set) end
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    local before = rounds(100)
    assert.is_true(rounds(10000) - before < 16)
    support.settle()
  end)
end)
