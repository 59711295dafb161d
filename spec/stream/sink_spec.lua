-- What consumes streams.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, items, failure = ebb.stream, support.joined, support.items, task_support.failure
local pack = table.pack

local function sum(a, b) return a + b end

describe("collect", function()
  it_runs("SK1 gives a list; an item of several values is a table", function()
    assert.same({ 1, 2, 3 }, stream.range(1, 3):collect())
    assert.same({}, stream.empty():collect())
    assert.same({ { 1, "a", n = 2 }, { 2, "b", n = 2 } }, stream.iter { "a", "b" }:enumerate():collect())
  end)
end)

describe("fold, reduce, count", function()
  it_runs("SA4 fold goes from init on", function()
    assert.equal(16, stream.range(1, 5):fold(1, sum))
    assert.equal("x", stream.empty():fold("x", error))
    assert.equal("1a2b", stream.iter { "a", "b" }:enumerate():fold("", function(acc, i, v) return acc .. i .. v end))
    assert.is_nil(stream.range(1, 2):fold(0, function() end))
  end)

  it_runs("SA4 reduce goes from the first item on", function()
    assert.equal(15, stream.range(1, 5):reduce(sum))
    assert.equal(7, stream.once(7):reduce(error))
    assert.is_nil(stream.empty():reduce(error))
  end)

  it_runs("SK1 count", function()
    assert.equal(1000, stream.range(1, 1000):count())
    assert.equal(0, stream.empty():count())
  end)
end)

describe("any, all, find", function()
  local function is(n) return function(v) return v == n end end

  it_runs("SK1 stop at the answer and close the stream", function()
    for name, expected in pairs { any = { true, 3 }, find = { 3, 3 } } do
      local probe = support.source()
      assert.equal(expected[1], probe.stream[name](probe.stream, is(3)))
      assert.equal(expected[2], probe.pulls)
      assert.equal(1, probe.closed)
    end
    local probe = support.source()
    assert.is_false(probe.stream:all(function(v) return v < 3 end))
    assert.equal(3, probe.pulls)
    assert.equal(1, probe.closed)
  end)

  it_runs("SK1 of nothing any is false, all true, find nil", function()
    assert.is_false(stream.empty():any(error))
    assert.is_true(stream.empty():all(error))
    assert.is_nil(stream.empty():find(error))
    assert.is_false(stream.range(1, 3):any(is(4)))
    assert.is_true(stream.range(1, 3):all(is(1)) == false)
  end)

  it_runs("find gives all values", function()
    assert.same({ n = 2, 2, "b" }, pack(stream.iter { "a", "b" }:enumerate():find(function(_, v)
      return v == "b"
    end)))
  end)
end)

describe("for_each", function()
  it_runs("SA12 calls fn one item after the other", function()
    local log = helper.log()
    stream.iter { "a", "b" }:enumerate():for_each(function(...)
      ebb.sleep(1)
      log(...)
    end)
    assert.equal("1:a 2:b", log:text())
  end)
end)

describe("next", function()
  it_runs("SK1 gives items, then nil for ever", function()
    local probe = support.source(2)
    local s = probe.stream
    assert.equal(1, s:next())
    assert.equal(2, s:next())
    assert.is_nil(s:next())
    assert.equal(1, probe.closed)
    assert.is_nil(s:next())
    assert.equal(3, probe.pulls)
  end)

  it_runs("SK1 cancelled, loses nothing and leaves the stream as it was", function()
    local ch = ebb.channel(1)
    local s = stream.from(ch):map(function(v) return v end)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, s.next, s)))
    ch:send "v"
    assert.equal("v", s:next())
    s:close()
  end)

  it_runs("SK6 an error closes the stream; afterwards it is at its end", function()
    local probe = support.source()
    local s = probe.stream:map(function(v) return v == 2 and error("x", 0) or v end)
    assert.equal(1, s:next())
    assert.equal("x", failure(s.next, s))
    assert.equal(1, probe.closed)
    assert.is_nil(s:next())
  end)

  it_runs("mixes with a loop", function()
    local pairs_seen = {}
    local s = stream.range(1, 4)
    for v in s:each() do pairs_seen[#pairs_seen + 1] = v .. "-" .. s:next() end
    assert.same({ "1-2", "3-4" }, pairs_seen)
  end)
end)

describe("to_channel", function()
  it_runs("SK2 sends all, closes the channel and gives the number", function()
    local ch = ebb.channel(10)
    assert.same({ n = 1, 3 }, pack(stream.range(1, 3):to_channel(ch)))
    assert.is_true(ch:is_closed())
    assert.equal("1 2 3", joined(stream.from(ch)))
  end)

  it_runs("keep_open leaves it open", function()
    local ch = ebb.channel(10)
    stream.range(1, 3):to_channel(ch, true)
    assert.is_false(ch:is_closed())
    assert.equal(3, #ch)
  end)

  it_runs("SK3 waits while the channel is full", function()
    local ch = ebb.channel(2)
    local probe = support.source()
    local task = ebb.spawn(function() return probe.stream:to_channel(ch) end)
    ebb.sleep(1)
    assert.equal(3, probe.pulls)
    for i = 1, 5 do assert.equal(i, ch:recv()) end
    ebb.sleep(1)
    assert.equal(8, probe.pulls)
    ch:close()
    assert.same({ n = 2, 7, "closed" }, pack(task:await()))
    assert.equal(1, probe.closed)
  end)

  it_runs("SK2 closes it also when the source fails, then throws", function()
    local ch = ebb.channel(10)
    assert.equal("e", failure(function() items { 1, { err = "e" } }:to_channel(ch) end))
    assert.is_true(ch:is_closed())
    ch = ebb.channel(10)
    assert.equal("x", failure(function() stream.once(1):map(function() error("x", 0) end):to_channel(ch) end))
    assert.is_true(ch:is_closed())
  end)
end)

describe("sinks", function()
  local function noop() end
  local sinks = {
    collect = function(s) return s:collect() end,
    fold = function(s) return s:fold(0, noop) end,
    reduce = function(s) return s:reduce(sum) end,
    count = function(s) return s:count() end,
    any = function(s) return s:any(noop) end,
    all = function(s) return s:all(function() return true end) end,
    find = function(s) return s:find(noop) end,
    for_each = function(s) return s:for_each(noop) end,
    for_each_concurrent = function(s) return s:for_each_concurrent(2, noop) end,
    to_channel = function(s) return s:to_channel(ebb.channel(100)) end,
    try_collect = function(s) return s:try_collect() end,
    try_for_each = function(s) return s:try_for_each(noop) end,
    try_fold = function(s) return s:try_fold(0, sum) end,
  }
  for name, sink in pairs(sinks) do
    it_runs("SK6 " .. name .. ": an error of the stream is thrown, and it has been closed", function()
      local probe, value = support.source(), {}
      assert.is_true(rawequal(value, failure(function()
        sink(probe.stream:map(function(v) return v == 3 and error(value) or v end))
      end)))
      assert.equal(1, probe.closed)
      assert.equal(3, probe.pulls)
    end)

    it_runs(name .. " " .. (name:find "^try_" and "gives" or "throws") .. " an item that failed", function()
      local probe, value = support.source(), {}
      local s = probe.stream:map(function(v)
        if v == 3 then return nil, value end
        return v
      end)
      if name:find "^try_" then
        local first, err = sink(s)
        assert.is_nil(first)
        assert.is_true(rawequal(value, err))
      else
        assert.is_true(rawequal(value, failure(sink, s)))
      end
      assert.equal(1, probe.closed)
    end)

    it_runs("SK4 " .. name .. ": a cancel closes the stream before it goes on", function()
      local probe, value = support.source(), false
      local s = probe.stream:buffered(3, function(v)
        local _ <close> = task_support.closer(function() ebb.sleep(1) value = true end)
        ebb.sleep(v < 3 and 0 or 1000)
        return v
      end)
      assert.same({ n = 3, nil, "timeout", 5 }, pack(ebb.timeout(5, sink, s)))
      assert.is_true(value)
      assert.equal(1, probe.closed)
    end)

    it_runs(name .. " of a stream that another task consumes is refused", function()
      local s = stream.from(ebb.channel())
      local task = ebb.spawn(sink, s)
      ebb.sleep(1)
      helper.throws(name == "for_each_concurrent" and "has taken over" or "pulls from this stream", s.next, s)
      task:cancel()
      task:join()
    end)
  end
end)

describe("try_ sinks", function()
  it_runs("SK1 try_collect gives the list, when nothing failed", function()
    assert.same({ 1, 2 }, stream.range(1, 2):try_collect())
  end)

  it_runs("SA4 try_fold ends when fn gives nil, err", function()
    local probe = support.source()
    assert.same({ n = 2, nil, "big" }, pack(probe.stream:try_fold(0, function(acc, v)
      if acc + v > 5 then return nil, "big" end
      return acc + v
    end)))
    assert.equal(3, probe.pulls)
    assert.equal(6, stream.range(1, 3):try_fold(0, sum))
    assert.equal("x", stream.empty():try_fold("x", error))
  end)

  it_runs("SA12 try_for_each ends when fn gives nil, err", function()
    local probe = support.source()
    assert.same({ n = 2, nil, "two" }, pack(probe.stream:try_for_each(function(v)
      if v == 2 then return nil, "two" end
    end)))
    assert.equal(2, probe.pulls)
    assert.is_true(stream.range(1, 3):try_for_each(function() end))
    assert.is_true(stream.empty():try_for_each(error))
  end)
end)

describe("SK7 memory stays flat over 10^6 items:", function()
  local N = 1000000
  local function id(v) return v end
  for name, build in pairs {
    ["a chain of stages"] = function()
      return stream.range(1, N):map(id):filter(id):enumerate():skip(1):take(N):dedup():step_by(2)
    end,
    ["chunks"] = function() return stream.range(1, N):chunks(100):flatten() end,
    ["buffered"] = function() return stream.range(1, N / 10):buffered(8, id) end,
    ["buffer_unordered"] = function() return stream.range(1, N / 10):buffer_unordered(8, id) end,
    ["merge"] = function() return stream.range(1, N / 10):merge(stream.range(1, N / 10)) end,
    ["split"] = function()
      local a, b = stream.range(1, N / 10):split(2)
      return a:zip(b)
    end,
  } do
    it_runs(name, function()
      local most, i = 0, 0
      collectgarbage()
      collectgarbage()
      local base = collectgarbage "count"
      for _ in build():each() do
        i = i + 1
        if i % 20000 == 0 then
          collectgarbage()
          most = math.max(most, collectgarbage "count" - base)
        end
      end
      assert.is_true(most < 64, most .. " KiB")
    end)
  end
end)
