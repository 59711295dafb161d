-- Where streams come from.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, failure = ebb.stream, support.joined, task_support.failure

describe("iter", function()
  it_runs("gives the items of a list", function()
    assert.equal("a b c", joined(stream.iter { "a", "b", "c" }))
    assert.equal("", joined(stream.iter {}))
    assert.equal("false true", joined(stream.iter { false, true }))
  end)

  it_runs("ends at the first nil", function()
    assert.equal("1", joined(stream.iter { 1, nil, 3 }))
  end)

  it_runs("reads the list as it is when it is pulled", function()
    local list = { 1 }
    local s = stream.iter(list)
    list[2] = 2
    assert.equal("1 2", joined(s))
  end)
end)

describe("range", function()
  it_runs("counts as a for loop does", function()
    for _, r in ipairs { { 1, 5 }, { 5, 1 }, { 1, 10, 3 }, { 10, 1, -3 }, { 1, 1 }, { 0, 1, 0.25 },
      { 1.0, 3 }, { 1, 2.5 }, { 3, 0.5, -1 }, { math.maxinteger - 2, math.maxinteger },
      { math.maxinteger - 2, math.huge, 2 }, { math.mininteger + 1, math.mininteger, -1 },
      { math.mininteger, math.maxinteger, math.maxinteger }, { math.mininteger + 3, -math.huge, -2 } } do
      local expected = {}
      for i = r[1], r[2], r[3] or 1 do expected[#expected + 1] = i end
      local got = stream.range(r[1], r[2], r[3]):collect()
      assert.same(expected, got)
      for i = 1, #got do assert.equal(math.type(expected[i]), math.type(got[i])) end
    end
  end)

  it_runs("may have no end", function()
    assert.equal("1 2 3", joined(stream.range(1, math.huge):take(3)))
  end)
end)

describe("unfold", function()
  it_runs("SR1 gives items until nil, and never calls fn again", function()
    local calls = 0
    local s = stream.unfold(1, function(state)
      calls = calls + 1
      if state <= 3 then return state * 10, state + 1 end
    end)
    assert.equal(10, s:next())
    assert.equal(20, s:next())
    assert.equal(30, s:next())
    assert.is_nil(s:next())
    assert.is_nil(s:next())
    assert.equal(4, calls)
  end)
end)

describe("empty, once, repeat_", function()
  it_runs("give none, one, and the same for ever", function()
    assert.equal(0, stream.empty():count())
    assert.equal("x", joined(stream.once "x"))
    assert.equal("x x x", joined(stream.repeat_("x"):take(3)))
  end)

  it_runs("SR2 repeat_ never ends", function()
    local s = stream.repeat_(1)
    for _ = 1, 1000 do assert.equal(1, s:next()) end
    s:close()
    assert.is_nil(s:next())
  end)
end)

describe("from", function()
  it_runs("a channel receives until it is closed and drained", function()
    local ch = ebb.channel(3)
    ch:send(1) ch:send(2) ch:send(3)
    ch:close()
    assert.equal("1 2 3", joined(stream.from(ch)))
  end)

  it_runs("a channel loses nothing when the loop is left", function()
    local ch = ebb.channel(5)
    for i = 1, 5 do ch:send(i) end
    for v in stream.from(ch):each() do if v == 2 then break end end
    assert.equal(3, ch:recv())
    assert.is_false(ch:is_closed())
  end)

  it_runs("a task has one result", function()
    local task = ebb.spawn(function() ebb.sleep(1) return "r" end)
    assert.equal("r", joined(stream.from(task)))
    assert.equal("x", failure(function() stream.from(ebb.spawn(error, "x", 0)):collect() end))
  end)

  it_runs("a task's result is still there after a pull that was timed out", function()
    local s = stream.from(ebb.spawn(function() ebb.sleep(1) return "r" end))
    assert.same({ nil, "timeout", 0.5 }, { ebb.timeout(0.5, s.next, s) })
    assert.equal("r", s:next())
    assert.is_nil(s:next())
  end)

  it_runs("an op is performed for each item", function()
    local start = ebb.now()
    local s = stream.from(ebb.after(2)):enumerate():map(function(i) return i, ebb.now() - start end)
    for i, t in s:take(3):each() do task_support.near(2 * i, t) end
  end)

  it_runs("an op's nil, err is an item that failed, and it goes on", function()
    local results = { { nil, "lagged", 3 }, { 7 }, { nil, "closed" } }
    local i = 0
    local op = ebb.map_op(ebb.ready(), function()
      i = i + 1
      return table.unpack(results[i], 1, 3)
    end)
    local s = stream.from(op)
    assert.same({ n = 3, nil, "lagged", 3 }, table.pack(s:next()))
    assert.equal(7, s:next())
    assert.is_nil(s:next())
    assert.is_nil(s:next())
    assert.equal(3, i)
  end)

  it_runs("SR4 an iterator is read with its state, and its closing value is closed", function()
    local sum = 0
    for k, v in stream.from(pairs { a = 1, b = 2 }):each() do
      assert.is_string(k)
      sum = sum + v
    end
    assert.equal(3, sum)
    assert.equal("a b", joined(stream.from(("a b"):gmatch "%a")))
    local probe = support.source(3)
    assert.equal("1 2 3", joined(probe.stream))
    assert.equal(1, probe.closed)
    assert.equal(4, probe.pulls)
  end)

  for name, leave in pairs {
    ["break"] = function(s) for v in s:each() do if v then break end end end,
    ["return"] = function(s) (function() for v in s:each() do if v then return end end end)() end,
    ["error"] = function(s) pcall(function() for _ in s:each() do error "x" end end) end,
    ["goto"] = function(s) for v in s:each() do if v then goto out end end ::out:: end,
  } do
    it_runs("SR3 leaving the loop by " .. name .. " closes the source", function()
      local probe = support.source()
      leave(probe.stream:map(function(v) return v end):filter(function() return true end))
      assert.equal(1, probe.closed)
      assert.equal(1, probe.pulls)
    end)
  end

  it_runs("SR3 a source that was never pulled is closed too", function()
    local probe = support.source()
    probe.stream:close()
    probe.stream:close()
    assert.equal(1, probe.closed)
    assert.equal(0, probe.pulls)
  end)

  it_runs("an iterator that fails throws at the consumer", function()
    local value = {}
    assert.is_true(rawequal(value, failure(function()
      stream.from(function() error(value) end):collect()
    end)))
  end)
end)

describe("interval", function()
  it_runs("ticks from the first pull on, and does not drift", function()
    local s = stream.interval(2)
    ebb.sleep(5)
    local start = ebb.now()
    for i = 1, 4 do
      local due = s:next()
      task_support.near(start + 2 * i, due)
      task_support.near(due, ebb.now())
      ebb.sleep(0.5)
    end
    s:close()
    assert.is_nil(s:next())
  end)
end)
