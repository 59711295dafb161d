-- zip, chain, concat, merge, split, partition: several streams in one, one in several.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, failure = ebb.stream, support.joined, task_support.failure
local near, elapsed = task_support.near, task_support.elapsed

describe("zip", function()
  it_runs("SA6 gives tuples, and ends with the shorter", function()
    assert.equal("1,a 2,b", joined(stream.zip { { 1, 2, 3 }, { "a", "b" } }))
    assert.equal("1,a,x", joined(stream.range(1, 9):zip({ "a", "b" }, { "x" })))
    assert.equal("", joined(stream.zip {}))
  end)

  it_runs("SA6 one item of the longer is lost; what comes after the shorter is not asked", function()
    local a, b, c = support.source(), support.source(2), support.source()
    assert.equal("1,1,1 2,2,2", joined(stream.zip { a.stream, b.stream, c.stream }))
    assert.equal(3, a.pulls)
    assert.equal(3, b.pulls)
    assert.equal(2, c.pulls)
    assert.equal("1 1 1", ("%d %d %d"):format(a.closed, b.closed, c.closed))
  end)

  it_runs("a pull that is cancelled keeps what the first stream gave", function()
    local s = stream.range(1, 3):zip(stream.interval(2))
    assert.is_nil(ebb.timeout(1, s.next, s))
    assert.equal(1, (s:next()))
    assert.equal(2, (s:next()))
    s:close()
  end)
end)

describe("chain, concat", function()
  it_runs("SA6 the second is not touched until the first has ended, which is closed then", function()
    local a, b = support.source(2), support.source(2)
    local s = a.stream:chain(b.stream)
    s:next()
    s:next()
    assert.equal(0, b.pulls)
    assert.equal(0, a.closed)
    assert.equal(1, s:next())
    assert.equal(1, a.closed)
    assert.equal(0, b.closed)
    s:close()
    assert.equal(1, b.closed)
  end)

  it_runs("concat takes a list of anything", function()
    assert.equal("1 2 a 3 4", joined(stream.concat { { 1, 2 }, {}, ("a"):gmatch ".", stream.range(3, 4) }))
    assert.equal("", joined(stream.concat {}))
  end)
end)

describe("merge", function()
  it_runs("SA9 gives items in order of arrival", function()
    local function ticks(name, period)
      return stream.interval(period):map(function() return name end)
    end
    assert.equal("b a b b a b", joined(stream.merge { ticks("a", 2.1), ticks("b", 1.2) }:take(6)))
  end)

  it_runs("SA9 ready streams take turns", function()
    local counts = { a = 0, b = 0 }
    local slack = support.is_fifo() and 1 or 100
    local function named(name)
      return stream.range(1, 100):map(function() return name end)
    end
    for v in named "a":merge(named "b"):each() do
      counts[v] = counts[v] + 1
      assert.is_true(math.abs(counts.a - counts.b) <= slack)
    end
    assert.same({ a = 100, b = 100 }, counts)
  end)

  it_runs("SA9 the others go on when one ends; it ends when all have; each is closed at its end", function()
    local a, b = support.source(1), support.source(4)
    local s = stream.merge { a.stream, b.stream:inspect(function() ebb.sleep(1) end) }
    local list = {}
    for v in s:each() do
      list[#list + 1] = v
      if #list == 4 then assert.equal("1 0", a.closed .. " " .. b.closed) end
    end
    assert.same({ 1, 1, 2, 3, 4 }, list)
    assert.equal("1 1", a.closed .. " " .. b.closed)
    assert.equal("", joined(stream.merge {}))
  end)

  it_runs("SA9 an item that failed is no end", function()
    local s = support.items { 1, { err = "e" }, 2 }:merge {}
    assert.equal(1, s:next())
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.equal("2", joined(s))
  end)

  it_runs("an error of one closes all and is thrown", function(errors)
    local a = support.source()
    local s = stream.merge { a.stream:map(function(v) ebb.sleep(1) return v end),
      stream.once(1):map(function() ebb.sleep(2.5) error("x", 0) end) }
    assert.equal("x", failure(function() for _ in s:each() do ebb.yield() end end))
    assert.equal(1, a.closed)
    assert.equal(0, #errors)
  end)

  it_runs("an error is not lost when the consumer is cancelled at the same moment #fifo", function()
    local s = stream.merge { stream.once(1):map(function()
      ebb.sleep(1)
      error("boom", 0)
    end) }
    local got
    local consumer = ebb.spawn(function() got = failure(function() s:next() end) end)
    ebb.sleep(0.5)
    ebb.sleep(0.5) -- armed after the other: it wakes as soon as that has failed
    consumer:cancel()
    consumer:join()
    assert.equal("boom", got)
  end)

  it_runs("SK4 leaving the loop cancels those that wait", function()
    local ch = ebb.channel()
    for v in stream.merge { stream.from(ch), stream.from(ch), { 1 } }:each() do
      if v then break end
    end
    assert.equal(0, (ch:waiters()))
  end)

  it_runs("pulls one item of each ahead, not more", function()
    local a, b = support.source(), support.source()
    local s = stream.merge { a.stream, b.stream }
    for _ = 1, 10 do s:next() ebb.sleep(1) end
    assert.equal(10, a.pulls + b.pulls - (a.pulls + b.pulls > 10 and 1 or 0))
    s:close()
  end)

  it_runs("keeps several values", function()
    assert.equal("1,x,y", joined(stream.once(1):map(function(v) return v, "x", "y" end):merge {}))
  end)
end)

describe("split", function()
  it_runs("SA14 each branch sees all items, with all values", function()
    local a, b, c = stream.iter { "x", "y" }:enumerate():split(3)
    assert.equal("1,x 2,y", joined(a))
    assert.equal("1,x 2,y", joined(b))
    assert.equal("1,x 2,y", joined(c))
  end)

  it_runs("SA14 the slowest holds the others back", function()
    local probe = support.source(50)
    local a, b = probe.stream:split(2, 4)
    local got = 0
    local fast = ebb.spawn(function() for _ in a:each() do got = got + 1 end end)
    ebb.sleep(1)
    assert.equal(4, got)
    assert.equal(4, probe.pulls)
    assert.equal(1, b:next())
    ebb.sleep(1)
    assert.equal(5, got)
    b:close()
    fast:join()
    assert.equal(50, got)
    assert.equal(1, probe.closed)
  end)

  it_runs("SA14 a branch that is closed, or dropped, holds nobody back", function()
    local a, b = support.source(100).stream:split(2)
    b:close()
    assert.equal(100, a:count())
    a, b = support.source(1000).stream:split(2)
    assert.equal(1, b:next())
    b = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(1000, a:count())
  end)

  it_runs("SA14 the source is closed with the last branch", function()
    local probe = support.source()
    local a, b = probe.stream:split(2)
    a:next()
    a:close()
    assert.equal(0, probe.closed)
    assert.equal(1, b:next())
    assert.equal(2, b:next())
    b:close()
    assert.equal(1, probe.closed)
  end)

  it_runs("branches in tasks of their own run side by side", function()
    local a, b = support.slow(5, 1):split(2)
    near(5, elapsed(function()
      local sums = ebb.join_all {
        function() return a:fold(0, function(s, v) return s + v end) end,
        function() return b:fold(1, function(p, v) return p * v end) end,
      }
      assert.same({ 15, 120 }, sums)
    end))
  end)

  it_runs("the turn to pull goes over when the task that pulls is cancelled", function()
    local ch = ebb.channel()
    local a, b = stream.from(ch):split(2)
    local first = ebb.spawn(function() return a:next() end)
    ebb.yield()
    local second = ebb.spawn(function() return b:next() end)
    ebb.yield()
    first:cancel()
    first:join()
    ch:send "v"
    assert.equal("v", second:await())
    assert.equal("v", a:next())
    a:close()
    b:close()
  end)

  it_runs("an error of the source is thrown at every branch, after what came before", function()
    local a, b = stream.range(1, 3):map(function(v)
      if v == 3 then error("x", 0) end
      return v
    end):split(2)
    for _, s in ipairs { a, b } do
      local seen = {}
      assert.equal("x", failure(function() for v in s:each() do seen[#seen + 1] = v end end))
      assert.same({ 1, 2 }, seen)
    end
  end)

  it_runs("one after the other in one task waits when the buffer is full", function()
    local a, b = stream.range(1, 65):split(2)
    assert.is_nil(ebb.timeout(1, a.count, a))
    b:close()
    a, b = stream.range(1, 63):split(2)
    assert.equal(63, a:count())
    assert.equal(63, b:count())
  end)
end)

describe("partition", function()
  it_runs("SA15 gives a stream of those for which pred is true, and one of the others", function()
    local even, odd = stream.range(1, 9):partition(function(v) return v % 2 == 0 end)
    assert.equal("2 4 6 8", joined(even))
    assert.equal("1 3 5 7 9", joined(odd))
  end)

  it_runs("SA15 pulls no more than it must", function()
    local probe = support.source()
    local even, odd = probe.stream:partition(function(v) return v % 2 == 0 end)
    assert.equal(2, even:next())
    assert.equal(2, probe.pulls)
    assert.equal(1, odd:next())
    assert.equal(2, probe.pulls)
    odd:close()
    assert.equal(4, even:next())
    even:close()
    assert.equal(1, probe.closed)
  end)
end)
