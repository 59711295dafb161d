-- The stream as an object: loops, closing, who may consume it, what it says, wrong arguments.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, failure = ebb.stream, task_support.failure

describe("each", function()
  it_runs("SR4 gives four values, of which the last closes the stream", function()
    local s = stream.range(1, 3)
    local values = table.pack(s:each())
    assert.equal(4, values.n)
    assert.equal("function", type(values[1]))
    assert.is_true(rawequal(s, values[4]))
    s:close()
  end)

  it_runs("a loop gets all values of an item", function()
    local parts = {}
    for a, b, c in stream.zip { { 1, 2 }, { "x", "y" }, { true, false } }:each() do
      parts[#parts + 1] = ("%s%s%s"):format(a, b, c)
    end
    assert.equal("1xtrue 2yfalse", table.concat(parts, " "))
  end)

  it_runs("false is an item", function()
    local n = 0
    for v in stream.iter { false, false }:each() do
      assert.is_false(v)
      n = n + 1
    end
    assert.equal(2, n)
  end)

  it_runs("SK6 an error of a function carries where it failed", function()
    local trace
    xpcall(function()
      for _ in stream.range(1, 3):map(function(v) return v + nil end):each() do ebb.yield() end
    end, function(err)
      trace = debug.traceback(err)
    end)
    local _, lines = trace:gsub("object_spec%.lua:%d+", "")
    assert.is_true(lines >= 2, trace)
    assert.is_truthy(trace:find("attempt to perform arithmetic on a nil value", 1, true))
  end)
end)

describe("closing", function()
  it_runs("goes from the last stage to the source, children first", function()
    local log = helper.log()
    local s = stream.from(function(_, last) return (last or 0) + 1 end, nil, nil,
      task_support.closer(function() log "source" end))
    s = s:buffered(2, function(v)
      local _ <close> = task_support.closer(function() log "inner" end)
      ebb.sleep(v <= 2 and 1 or 100)
      return v
    end)
    s = s:buffered(2, function()
      local _ <close> = task_support.closer(function() ebb.sleep(1) log "outer" end)
      ebb.sleep(100)
    end)
    ebb.timeout(1.5, s.next, s)
    local before = #log
    s:close()
    local text = table.concat(log, " ", before + 1)
    assert.is_truthy(text:match "^outer[outer ]* inner[inner ]* source$", text)
  end)

  it_runs("closes all, also when one closer fails", function()
    local a, c = support.source(), support.source()
    local b = stream.from(function() return 1 end, nil, nil, task_support.closer(function() error("x", 0) end))
    local s = stream.zip { a.stream, b, c.stream }
    s:next()
    assert.equal("x", failure(s.close, s))
    assert.equal("1 1", a.closed .. " " .. c.closed)
    s:close()
    assert.is_nil(s:next())
  end)

  it_runs("of any stream of a chain closes the whole chain", function()
    local probe = support.source()
    local s = probe.stream:map(function(v) return v end):buffered(2, function(v) return v end)
    s:next()
    probe.stream:close()
    assert.equal(1, probe.closed)
    assert.is_nil(s:next())
  end)

  it_runs("from another task ends the loop after the item it waits for", function()
    local s = stream.interval(1):map(function(v) return v end)
    local seen = 0
    local task = ebb.spawn(function() for _ in s:each() do seen = seen + 1 end end)
    ebb.sleep(2.5)
    s:close()
    ebb.sleep(2)
    assert.equal("done", task:status())
    assert.is_true(seen <= 3)
  end)

  it_runs("local s <close>", function()
    local probe = support.source()
    do
      local s <close> = probe.stream:take(5)
      s:next()
    end
    assert.equal(1, probe.closed)
  end)

  it_runs("JO9 a cancel that arrives while it closes waits for the children's cleanups", function()
    local cleaned = 0
    local task = ebb.spawn(function()
      for _ in stream.range(1, 5):buffered(2, function(v)
        local _ <close> = task_support.closer(function() ebb.sleep(v > 1 and 2 or 0) cleaned = cleaned + 1 end)
        ebb.sleep(v > 1 and 100 or 0.5)
        return v
      end):each() do
        if cleaned > 0 then break end
      end
    end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.is_true(cleaned >= 2)
    task_support.near(2.5, ebb.now())
  end)
end)

describe("a stream has one consumer:", function()
  it_runs("what a stage took cannot be consumed", function()
    local s = stream.range(1, 3)
    local t = s:map(function(v) return v end)
    for _, use in ipairs { s.next, s.each, s.collect, s.count, s.enumerate, s.flatten, s.split } do
      helper.throws("on a stream that 'map' has taken over; split gives every item to several", use, s, 2)
    end
    assert.equal(3, t:count())
  end)

  it_runs("two tasks cannot pull at once, nor can a stage's function", function()
    local s = stream.from(ebb.channel())
    local task = ebb.spawn(s.next, s)
    ebb.sleep(1)
    helper.throws("'next' while another task or function pulls from this stream", s.next, s)
    helper.throws("'each' while another task or function pulls from this stream", s:each())
    helper.throws("'count' while another task or function pulls from this stream", s.count, s)
    task:cancel()
    task:join()
    s:close()
    local t
    t = stream.range(1, 3):map(function() return t:next() end)
    helper.throws("'next' while another task or function pulls", t.next, t)
  end)

  it_runs("the same stream cannot be given twice", function()
    local s = stream.range(1, 3)
    helper.throws("the same stream twice", stream.zip, { s, s })
    helper.throws("the same stream twice", s.merge, s, s)
    helper.throws("the same stream twice", s.chain, s, { 1 }, s)
    s:close()
  end)
end)

describe("tostring of a stream", function()
  it_runs("says where it comes from, and its state", function()
    local s = stream.range(1, 3):map(function(v) return v end)
    assert.equal("ebb.stream: range > map, open", tostring(s))
    local t = s:take(1)
    assert.equal("ebb.stream: range > map, taken by take", tostring(s))
    t:count()
    assert.equal("ebb.stream: range > map > take, closed", tostring(t))
    t = stream.merge { { 1 }, stream.once(2) }
    assert.equal("ebb.stream: merge(iter, once), open", tostring(t))
    t:close()
    assert.equal("ebb.stream: merge(iter, once), closed", tostring(t))
    local a, b = stream.empty():split(2)
    assert.equal("ebb.stream: empty > split, open", tostring(a))
    a:close()
    b:close()
    local waiting = stream.from(ebb.channel())
    local task = ebb.spawn(waiting.next, waiting)
    ebb.sleep(1)
    assert.equal("ebb.stream: from, being read", tostring(waiting))
    task:cancel()
    task:join()
  end)

  it_runs("its metatable is named and protected", function()
    assert.equal("ebb.stream", getmetatable(stream.empty()))
    assert.is_false(pcall(setmetatable, stream.empty(), {}))
  end)
end)

describe("wrong arguments", function()
  local s
  local cases = {
    { "bad argument #1 to 'iter' (list expected, got nil)", function() stream.iter() end },
    { "bad argument #1 to 'range' (number expected, got nil)", function() stream.range() end },
    { "bad argument #2 to 'range' (number expected, got nil)", function() stream.range(1) end },
    { "bad argument #3 to 'range' (step is zero)", function() stream.range(1, 2, 0) end },
    { "bad argument #1 to 'range' (number expected, got NaN)", function() stream.range(0 / 0, 2) end },
    { "bad argument #2 to 'unfold' (function expected, got nil)", function() stream.unfold(1) end },
    { "bad argument #1 to 'from' (operation, channel or iterator expected, got number)",
      function() stream.from(1) end },
    { "bad argument #1 to 'interval' (more than 0 seconds expected, got 0)", function() stream.interval(0) end },
    { "bad argument #1 to 'interval' (number of seconds expected, got NaN)",
      function() stream.interval(0 / 0) end },
    { "bad argument #1 to 'once' (value expected, got nil)", function() stream.once() end },
    { "bad argument #1 to 'repeat_' (value expected, got nil)", function() stream.repeat_() end },
    { "bad argument #1 to 'zip' (list of streams expected, got ebb.stream)", function() stream.zip(s) end },
    { "bad argument #1[2] to 'merge' (stream, list, operation or iterator expected, got number)",
      function() stream.merge { {}, 5 } end },
    { "bad argument #1[1] to 'concat' (stream, list, operation or iterator expected, got string)",
      function() stream.concat { "x" } end },
    { "bad argument #1 to 'map' (function expected, got nil)", function() s:map() end },
    { "bad argument #1 to 'filter' (function expected, got table)", function() s:filter {} end },
    { "bad argument #1 to 'take' (whole number expected, got nil)", function() s:take() end },
    { "bad argument #1 to 'take' (whole number expected, got 1.5)", function() s:take(1.5) end },
    { "bad argument #1 to 'take' (at least 0 expected, got -1)", function() s:take(-1) end },
    { "SA5 bad argument #1 to 'chunks' (at least 1 expected, got 0)", function() s:chunks(0) end },
    { "bad argument #1 to 'step_by' (at least 1 expected, got 0)", function() s:step_by(0) end },
    { "bad argument #2 to 'scan' (function expected, got nil)", function() s:scan(0) end },
    { "bad argument #1 to 'take_until' (operation expected, got number)", function() s:take_until(5) end },
    { "bad argument #2 to 'chunks_timeout' (number of seconds expected, got nil)",
      function() s:chunks_timeout(2) end },
    { "bad argument #1 to 'timeout' (number of seconds expected, got string)", function() s:timeout "1" end },
    { "bad argument #1 to 'zip' (stream, list, operation or iterator expected, got nil)",
      function() s:zip() end },
    { "bad argument #2 to 'chain' (stream, list, operation or iterator expected, got number)",
      function() s:chain({}, 1) end },
    { "SA10 bad argument #1 to 'buffered' (at least 1 expected, got 0)", function() s:buffered(0) end },
    { "bad argument #2 to 'buffered' (function expected, got number)", function() s:buffered(1, 1) end },
    { "bad argument #1 to 'split' (whole number expected, got nil)", function() s:split() end },
    { "bad argument #2 to 'split' (at least 1 expected, got 0)", function() s:split(2, 0) end },
    { "bad argument #2 to 'fold' (function expected, got nil)", function() s:fold(0) end },
    { "bad argument #2 to 'for_each_concurrent' (function expected, got nil)",
      function() s:for_each_concurrent(2) end },
    { "bad argument #1 to 'to_channel' (channel expected, got table)", function() s:to_channel {} end },
    { "calling 'map' on bad self (ebb.stream expected, got number)", function() s.map(5, print) end },
    { "calling 'close' on bad self (ebb.stream expected, got nil)", function() s.close() end },
  }
  for _, case in ipairs(cases) do
    local text = case[1]:gsub("^S%u%d+ ", "")
    it_runs(case[1], function()
      s = stream.range(1, 3)
      local err = helper.throws(text, case[2])
      assert.is_truthy(tostring(err):find "object_spec%.lua:%d+: ", tostring(err))
      assert.equal(3, s:count()) -- nothing was taken
    end)
  end
end)

describe("an error in a task that only runs functions of ebb's", function()
  it_runs("tells no place, rather than one in ebb", function()
    local ok, err = pcall(function()
      return stream.range(1, 3):map(function() end):buffered(2, tostring):collect()
    end)
    assert.is_false(ok)
    assert.equal("the function of 'map' gave nil for an item (filter_map leaves items out)", err)
    ok, err = ebb.spawn(function() return ebb.map(1, print) end):join() -- a tail call
    assert.is_false(ok)
    assert.equal("bad argument #1 to 'map' (list expected, got number)", err)
  end)
end)

describe("the definitions for editors", function()
  it("name every method of a stream, and no other", function()
    local file <close> = assert(io.open "lua/ebb/_meta/stream.lua")
    local fields, inside = {}, false
    for line in file:lines() do
      if line:find "^%-%-%-@class" then inside = line:find "^%-%-%-@class ebb%.Stream$" ~= nil end
      local name = inside and line:match "^%-%-%-@field ([%w_]+)"
      if name then fields[name] = true end
      if line:find "^local" then inside = false end
    end
    local methods = debug.getmetatable(stream.empty()).__index
    for name in pairs(methods) do assert(fields[name], name .. " is not defined") end
    for name in pairs(fields) do assert(methods[name], "no method " .. name) end
  end)
end)
