-- What streams give after their end, and when something below them has been closed or has failed.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local stream = ebb.stream
local pack = table.pack

local function double(v) return v * 2 end
local function yes() return true end

describe("after its end a stream still gives nil (ST1):", function()
  local made = {
    iter = function() return stream.iter { 1, 2 } end,
    range = function() return stream.range(1, 2) end,
    ["range of nothing"] = function() return stream.range(2, 1) end,
    ["range of nothing downwards"] = function() return stream.range(1, 2, -1) end,
    ["range of floats"] = function() return stream.range(1.0, 2.0) end,
    unfold = function() return stream.unfold(1, function(n) if n < 3 then return n, n + 1 end end) end,
    ["from an iterator"] = function() return stream.from(pairs { 1, 2 }) end,
    ["from a channel"] = function()
      local ch = ebb.channel(2)
      ch:send_many { 1, 2 }
      ch:close()
      return stream.from(ch)
    end,
    ["from a stream"] = function() return stream.from(stream.iter { 1, 2 }) end,
    ["from a task"] = function() return stream.from(ebb.spawn(function() return 1 end)) end,
    take_while = function() return stream.iter({ 1, 2, 3, 4 }):take_while(function(v) return v < 3 end) end,
    skip_while = function() return stream.iter({ 1, 2, 3, 4 }):skip_while(function(v) return v < 3 end) end,
    scan = function()
      return stream.iter({ 1, 2, 3 }):scan(0, function(s, v) if v < 3 then return s + v end end)
    end,
    fuse = function() return stream.iter({ 1, 2 }):fuse() end,
    dedup = function() return stream.iter({ 1, 1, 2 }):dedup() end,
    ["cycle of nothing"] = function() return stream.iter({}):cycle() end,
    take_until = function() return stream.iter({ 1, 2 }):take_until(ebb.never()) end,
    ["take_until at once"] = function() return stream.iter({ 1, 2 }):take_until(ebb.ready()) end,
    debounce = function() return stream.iter({ 1, 2 }):debounce(1) end,
    merge = function() return stream.merge { { 1 }, { 2 } } end,
    zip = function() return stream.zip { { 1, 3 }, { 2, 4 } } end,
    concat = function() return stream.concat { { 1 }, { 2 } } end,
    map = function() return stream.iter({ 1, 2 }):map(double) end,
    filter = function() return stream.iter({ 1, 2 }):filter(yes) end,
    chunks = function() return stream.iter({ 1, 2, 3 }):chunks(2) end,
    peekable = function() return stream.iter({ 1, 2 }):peekable() end,
  }
  for name, make in pairs(made) do
    it_runs(name, function()
      local s = make()
      local n = 0
      while s:next() ~= nil do n = n + 1 end
      assert.is_true(n <= 4)
      for _ = 1, 3 do assert.is_nil((s:next())) end
      s:close()
      assert.is_nil((s:next()))
    end)

    it_runs(name .. ", closed in the middle, and twice", function()
      local s = make()
      s:next()
      s:close()
      s:close()
      for _ = 1, 3 do assert.is_nil((s:next())) end
    end)

    it_runs(name .. ", below a stage that asks once more", function()
      local s = make():chunks(100)
      local n = 0
      while s:next() ~= nil do n = n + 1 end
      assert.is_true(n <= 1)
      local inner, seen = make(), 0
      s = inner:chain { "more" }:chunks(100)
      while s:next() ~= nil do seen = seen + 1 end
      assert.equal(1, seen)
    end)

    it_runs(name .. ", closed while a stage above it decides", function()
      local s = make():filter(function()
        ebb.sleep(1)
        return false
      end)
      local task = ebb.spawn(s.next, s)
      ebb.sleep(0.5)
      pcall(s.close, s)
      local ok, v = task:join()
      assert.is_true(not ok or v == nil)
      s:close()
      assert.is_nil((s:next()))
    end)

    it_runs(name .. ", closed before it began", function()
      local s = make()
      s:close()
      assert.is_nil((s:next()))
    end)
  end
end)

describe("an error that is an item", function()
  local function failing()
    local n = 0
    return function()
      n = n + 1
      if n == 2 then return nil, "broken", 7 end
      if n <= 3 then return n end
    end
  end

  local stages = {
    skip_while = function(s) return s:skip_while(function() return false end) end,
    take_while = function(s) return s:take_while(yes) end,
    scan = function(s) return s:scan(0, function(a, v) return a + v end) end,
    fuse = function(s) return s:fuse() end,
    dedup = function(s) return s:dedup() end,
    map = function(s) return s:map(double) end,
    take_until = function(s) return s:take_until(ebb.never()) end,
  }
  for name, stage in pairs(stages) do
    it_runs("passes through " .. name .. ", which goes on (ST2)", function()
      local s = stage(stream.from(failing()))
      assert.is_truthy((s:next()))
      local got = pack(s:next())
      assert.is_nil(got[1])
      assert.equal("broken", got[2])
      assert.is_truthy((s:next()))
      assert.is_nil((s:next()))
    end)
  end

  it_runs("of cycle's first round is passed on, and not kept (ST2)", function()
    local s = stream.from(failing()):cycle()
    local seen = helper.log()
    for _ = 1, 6 do
      local v, why = s:next()
      seen(v or why)
    end
    assert.equal("1 broken 3 1 3 1", seen:text())
  end)

  it_runs("there is none of unfold: a nil item ends it, also with a next state (SR1)", function()
    local calls = 0
    local s = stream.unfold(3, function(n)
      calls = calls + 1
      return n > 0 and n or nil, n - 1
    end)
    assert.same({ 3, 2, 1 }, s:collect())
    assert.equal(4, calls)
  end)
end)

describe("a range at the ends of the integers", function()
  it("counts what the language counts", function()
    for _, of in ipairs {
      { math.maxinteger - 2, math.maxinteger, 1 }, { math.mininteger, math.mininteger + 2, 1 },
      { math.mininteger, math.maxinteger, math.maxinteger }, { math.maxinteger, math.mininteger, math.mininteger },
      { math.maxinteger, math.mininteger, -math.maxinteger }, { math.mininteger, math.maxinteger, 1 << 62 },
      { math.mininteger, math.maxinteger, (1 << 62) - 1 }, { 0, math.mininteger, math.mininteger },
      { -1, math.mininteger, math.mininteger }, { 1, math.huge, 1 << 62 }, { -1, -math.huge, -(1 << 62) },
      { 1, 2.5, 1 }, { 1, -2.5, -1 }, { 5, 5, 3 }, { 5, 5, -3 },
    } do
      local expected, got = {}
      for i = of[1], of[2], of[3] do expected[#expected + 1] = i end
      got = stream.range(of[1], of[2], of[3]):collect()
      assert.same(expected, got)
    end
  end)
end)

describe("a task below a stream that fails", function()
  it_runs("is reported when the stream is closed before anybody saw it: take_until (ST5)", function(errors)
    local s = stream.iter({ 1, 2, 3 }):take_until(ebb.after(1):map(function() error("in the op", 0) end))
    assert.equal(1, (s:next()))
    ebb.sleep(2)
    s:close()
    helper.settle()
    assert.equal(1, #errors)
    assert.equal("in the op", errors[1].err)
    errors[1] = nil
  end)

  it_runs("is reported: debounce, merge (ST5)", function(errors)
    for _, make in ipairs {
      function(origin) return stream.from(origin):debounce(0.5) end,
      function(origin) return stream.merge { stream.from(origin), stream.from(ebb.never()) } end,
    } do
      local n = 0
      local s = make(function()
        n = n + 1
        if n == 1 then return n end
        ebb.sleep(1)
        error("in the source", 0)
      end)
      assert.equal(1, (s:next()))
      assert.equal("timeout", (select(2, ebb.timeout(0.5, s.next, s))))
      ebb.sleep(2)
      s:close()
      helper.settle()
      assert.equal(1, #errors)
      assert.equal("in the source", errors[1].err)
      errors[1] = nil
    end
  end)

  it_runs("debounce keeps all values of an item", function()
    local s = stream.from(function(_, i)
      i = (i or 0) + 1
      if i <= 2 then return i, "second", nil end
    end):debounce(1)
    assert.same({ 2, "second", nil, n = 3 }, pack(s:next()))
    assert.is_nil((s:next()))
  end)
end)
