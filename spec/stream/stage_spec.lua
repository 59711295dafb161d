-- Stages that look at one item at a time.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, items, failure = ebb.stream, support.joined, support.items, task_support.failure

local function even(v) return v % 2 == 0 end
local function below(limit) return function(v) return v < limit end end

describe("map, inspect, enumerate", function()
  it_runs("SA1 map calls fn once per item, when it is pulled", function()
    local calls = 0
    local s = stream.range(1, 3):map(function(v) calls = calls + 1 return v * v end)
    assert.equal(0, calls)
    assert.equal(1, s:next())
    assert.equal(1, calls)
    assert.equal("4 9", joined(s))
    assert.equal(3, calls)
  end)

  it_runs("SA1 fn may await; items come one after the other", function()
    local gauge = support.gauge()
    local took = task_support.elapsed(function()
      stream.range(1, 3):map(function(v)
        gauge.enter()
        ebb.sleep(2)
        gauge.leave()
        return v
      end):collect()
    end)
    task_support.near(6, took)
    assert.equal(1, gauge.most)
  end)

  it_runs("functions get all values of an item, and their number", function()
    local got
    stream.once(1):map(function(v) return v, nil, nil end):map(function(...)
      got = select("#", ...)
      return ...
    end):filter(function(...) return select("#", ...) == 3 end):for_each(function(...)
      assert.equal(3, select("#", ...))
    end)
    assert.equal(3, got)
  end)

  it_runs("inspect sees the items and changes nothing", function()
    local log = helper.log()
    assert.equal("1,a 2,b", joined(stream.iter { "a", "b" }:enumerate():inspect(log)))
    assert.equal("1:a 2:b", log:text())
  end)

  it_runs("SA1 enumerate counts from 1 and keeps all values", function()
    assert.equal("1,1,a 2,2,b", joined(stream.iter { "a", "b" }:enumerate():enumerate()))
  end)

  it_runs("map that gives nil for an item says so", function()
    helper.throws("the function of 'map' gave nil", function()
      stream.range(1, 2):map(function() end):collect()
    end)
  end)
end)

describe("filter, filter_map", function()
  it_runs("SA2 filter pulls on until an item passes", function()
    local probe = support.source(6)
    local s = probe.stream:filter(even)
    assert.equal(2, s:next())
    assert.equal(2, probe.pulls)
    assert.equal("4 6", joined(s))
  end)

  it_runs("SA2 filter does not deepen the stack", function()
    assert.equal(1000, stream.range(1, 100000):filter(function(v) return v % 100 == 0 end):count())
    assert.equal(1000, stream.range(1, 100000):filter_map(function(v)
      return v % 100 == 0 and v or nil
    end):count())
  end)

  it_runs("SA2 filter_map leaves out what fn gives nil for; false is an item", function()
    assert.equal("20 40 false", joined(stream.range(1, 5):filter_map(function(v)
      if v == 5 then return false end
      return even(v) and v * 10 or nil
    end)))
  end)
end)

describe("take, skip, step_by", function()
  it_runs("SA2 take ends after n, without pulling one more", function()
    local probe = support.source()
    assert.equal("1 2 3", joined(probe.stream:take(3)))
    assert.equal(3, probe.pulls)
    assert.equal(1, probe.closed)
  end)

  it_runs("SA2 take(0) pulls nothing", function()
    local probe = support.source()
    assert.equal("", joined(probe.stream:take(0)))
    assert.equal(0, probe.pulls)
    assert.equal(1, probe.closed)
  end)

  it_runs("take of more than there is gives what there is", function()
    assert.equal("1 2", joined(stream.range(1, 2):take(5)))
    assert.equal("1 2", joined(stream.range(1, 2):take(math.huge)))
  end)

  it_runs("SA2 skip", function()
    assert.equal("4 5", joined(stream.range(1, 5):skip(3)))
    assert.equal("", joined(stream.range(1, 5):skip(9)))
    assert.equal("1 2", joined(stream.range(1, 2):skip(0)))
  end)

  it_runs("SA2 step_by gives the first and every n-th after it, and pulls no further", function()
    local probe = support.source()
    assert.equal("1 4 7", joined(probe.stream:step_by(3):take(3)))
    assert.equal(7, probe.pulls)
    assert.equal("1 2 3", joined(stream.range(1, 3):step_by(1)))
  end)

  it_runs("count items that failed too", function()
    local s = items { 1, { err = "e" }, 3 }:take(2)
    assert.equal(1, s:next())
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.is_nil(s:next())
    assert.equal("3", joined(items { 1, { err = "e" }, 3 }:skip(2)))
  end)
end)

describe("take_while, skip_while", function()
  it_runs("SA2 the first item that fails take_while is lost", function()
    local probe = support.source()
    assert.equal("1 2", joined(probe.stream:take_while(below(3))))
    assert.equal(3, probe.pulls)
  end)

  it_runs("SA2 skip_while does not ask again after the first false", function()
    local calls = 0
    local s = stream.iter { 1, 2, 9, 1, 2 }:skip_while(function(v)
      calls = calls + 1
      return v < 5
    end)
    assert.equal("9 1 2", joined(s))
    assert.equal(3, calls)
  end)
end)

describe("scan", function()
  it_runs("SA4 yields each new state", function()
    assert.equal("1 3 6 10", joined(stream.range(1, 4):scan(0, function(a, v) return a + v end)))
  end)

  it_runs("SA4 ends at nil", function()
    local probe = support.source()
    assert.equal("1 3", joined(probe.stream:scan(0, function(a, v)
      if a + v < 5 then return a + v end
    end)))
    assert.equal(3, probe.pulls)
  end)
end)

describe("flat_map, flatten", function()
  it_runs("SA7 give the inner streams one after another", function()
    assert.equal("1 1 2 1 2 3", joined(stream.range(1, 3):flat_map(function(v)
      return stream.range(1, v)
    end)))
    assert.equal("1 2 3", joined(stream.iter { { 1 }, {}, { 2, 3 } }:flatten()))
  end)

  it_runs("SA7 inner streams may be lists, channels and iterators", function()
    local ch = ebb.channel(1)
    ch:send "c"
    ch:close()
    assert.equal("a c x y", joined(stream.iter { { "a" }, ch, ("xy"):gmatch "." }:flatten()))
  end)

  it_runs("an inner stream is closed when it ends, and when the loop is left", function()
    local log = helper.log()
    local function inner(v)
      return stream.from(function(_, last) if last < 2 then return last + 1 end end, nil, 0,
        task_support.closer(function() log("closed", v) end))
    end
    for _, v in stream.range(1, 3):flat_map(inner):enumerate():each() do
      log(v)
      if #log == 4 then break end
    end
    assert.equal("1 2 closed:1 1 closed:2", log:text())
  end)

  it_runs("many empty inner streams do not deepen the stack", function()
    assert.equal(0, stream.range(1, 100000):flat_map(function() return {} end):count())
  end)

  it_runs("what is no stream is named", function()
    helper.throws("an item of 'flatten' is no stream", function() stream.iter { 1 }:flatten():collect() end)
    helper.throws("the function of 'flat_map' gave is no stream", function()
      stream.iter { 1 }:flat_map(function() end):collect()
    end)
  end)
end)

describe("chunks", function()
  it_runs("SA5 gives full lists, then a shorter one, never an empty one", function()
    assert.same({ { 1, 2 }, { 3, 4 }, { 5 } }, stream.range(1, 5):chunks(2):collect())
    assert.same({ { 1, 2 }, { 3, 4 } }, stream.range(1, 4):chunks(2):collect())
    assert.same({}, stream.empty():chunks(2):collect())
    assert.same({ { 1 } }, stream.once(1):chunks(math.huge):collect())
  end)

  it_runs("SA5 an item that failed comes after the list of what was before it", function()
    local s = items { 1, 2, 3, { err = "e" }, 4 }:chunks(2)
    assert.same({ 1, 2 }, s:next())
    assert.same({ 3 }, s:next())
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.same({ 4 }, s:next())
    assert.is_nil(s:next())
  end)

  it_runs("a list that is being filled survives a cancelled pull", function()
    local s = support.slow(4, 1):chunks(2)
    assert.same({ n = 3, nil, "timeout", 1.5 }, table.pack(ebb.timeout(1.5, function() return s:next() end)))
    local batch = s:next()
    assert.equal(1, batch[1]) -- 2 was cancelled in its function, and lost
    assert.same({ 1, 3 }, batch)
  end)
end)

describe("fuse, dedup, cycle", function()
  it_runs("SA8 fuse: nil for ever after the end", function()
    local s = stream.range(1, 1):fuse()
    assert.equal(1, s:next())
    for _ = 1, 3 do assert.is_nil(s:next()) end
  end)

  it_runs("dedup leaves out repetitions of an item", function()
    assert.equal("1 2 1 3", joined(stream.iter { 1, 1, 2, 2, 2, 1, 3, 3 }:dedup()))
    assert.equal("1,a 1,b", joined(stream.iter { "a", "a", "b" }:map(function(v)
      return 1, v
    end):dedup()))
  end)

  it_runs("SA6 cycle begins again; of nothing it is nothing", function()
    local probe = support.source(3)
    assert.equal("1 2 3 1 2 3 1", joined(probe.stream:cycle():take(7)))
    assert.equal(4, probe.pulls)
    assert.equal("", joined(stream.empty():cycle()))
    assert.equal("1,a 2,b 1,a", joined(stream.iter { "a", "b" }:enumerate():cycle():take(3)))
  end)
end)

describe("peekable", function()
  it_runs("SA8 peek does not consume, and gives the same again", function()
    local probe = support.source(2)
    local s = probe.stream:peekable()
    assert.equal(1, s:peek())
    assert.equal(1, s:peek())
    assert.equal(1, probe.pulls)
    assert.equal(1, s:next())
    assert.equal(2, s:peek())
    assert.equal("2", joined(s))
    assert.is_nil(s:peek())
  end)

  it_runs("SA8 peek at the end is nil, and so is next", function()
    local s = stream.empty():peekable()
    assert.is_nil(s:peek())
    assert.is_nil(s:next())
    assert.is_nil(s:peek())
  end)

  it_runs("peek of an item that failed", function()
    local s = items { { err = "e" }, 2 }:peekable()
    assert.same({ n = 2, nil, "e" }, table.pack(s:peek()))
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.equal(2, s:peek())
    s:close()
  end)

  it_runs("peek of another stream says what to do", function()
    helper.throws("use s:peekable()", function() stream.empty():peek() end)
  end)
end)

describe("an item that failed", function()
  local function failing() return items { 1, { err = "e" }, 3 } end
  local function never(v) assert.is_not_nil(v) return v end

  for name, stage in pairs {
    map = function(s) return s:map(never) end,
    filter = function(s) return s:filter(never) end,
    filter_map = function(s) return s:filter_map(never) end,
    inspect = function(s) return s:inspect(never) end,
    take_while = function(s) return s:take_while(never) end,
    skip_while = function(s) return s:skip_while(function(v) assert.is_not_nil(v) return false end) end,
    scan = function(s) return s:scan(0, function(_, v) return never(v) end) end,
    flat_map = function(s) return s:flat_map(function(v) return { never(v) } end) end,
    dedup = function(s) return s:dedup() end,
    fuse = function(s) return s:fuse() end,
    peekable = function(s) return s:peekable() end,
    step_by = function(s) return s:step_by(1) end,
    chain = function(s) return s:chain {} end,
    merge = function(s) return s:merge {} end,
    buffered = function(s) return s:buffered(1, never) end,
    buffer_unordered = function(s) return s:buffer_unordered(1, never) end,
    timeout = function(s) return s:timeout(1) end,
    throttle = function(s) return s:throttle(1) end,
    take_until = function(s) return s:take_until(ebb.never()) end,
    split = function(s) return (s:split(1)) end,
  } do
    it_runs("passes by the functions of " .. name .. ", and the stream goes on", function()
      local s <close> = stage(failing())
      assert.equal(1, (s:next()))
      assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
      assert.equal(3, (s:next()))
      assert.is_nil(s:next())
    end)
  end

  it_runs("is thrown by a loop, which closes the stream", function()
    local seen = {}
    local s = failing()
    assert.equal("e", failure(function() for v in s:each() do seen[#seen + 1] = v end end))
    assert.same({ 1 }, seen)
    assert.is_nil(s:next())
  end)

  it_runs("enumerate counts it, zip fails the whole tuple", function()
    local s = failing():enumerate()
    assert.equal(1, s:next())
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.same({ n = 2, 3, 3 }, table.pack(s:next()))
    s = failing():zip { "a", "b", "c" }
    assert.same({ n = 2, 1, "a" }, table.pack(s:next()))
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.same({ n = 2, 3, "c" }, table.pack(s:next()))
  end)
end)
