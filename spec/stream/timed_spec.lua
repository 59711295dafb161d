-- Stages that look at the clock, or wait for something besides the item.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, failure = ebb.stream, support.joined, task_support.failure
local near, elapsed = task_support.near, task_support.elapsed

-- Items at these times from the first pull on.
local function at(times)
  local start
  return stream.iter(times):inspect(function(t)
    start = start or ebb.now()
    ebb.sleep_until(start + t)
  end)
end

-- "item@time …", times from the first pull on.
local function timeline(s)
  local start, parts = ebb.now(), {}
  for v in s:each() do
    local text = type(v) == "table" and "{" .. table.concat(v, ",") .. "}" or tostring(v)
    parts[#parts + 1] = ("%s@%.4g"):format(text, ebb.now() - start)
  end
  return table.concat(parts, " ")
end

describe("take_until", function()
  it_runs("SA3 ends when the op happens, and cancels the pull that waits", function()
    local ch = ebb.channel()
    near(3.5, elapsed(function()
      assert.equal(3, stream.interval(1):take_until(ebb.after(3.5)):count())
    end))
    near(2, elapsed(function()
      assert.equal(0, stream.from(ch):take_until(ebb.after(2)):count())
    end))
    assert.equal(0, (ch:waiters()))
  end)

  it_runs("SA3 looks at the op first, also when items are ready", function()
    local token = ebb.token()
    local probe = support.source()
    local seen = 0
    for v in probe.stream:take_until(token):each() do
      seen = v
      if v == 3 then token:cancel() end
    end
    assert.equal(3, seen)
    assert.equal(3, probe.pulls)
    assert.equal(1, probe.closed)
    probe = support.source()
    assert.equal(0, probe.stream:take_until(ebb.ready(1)):count())
    assert.equal(0, probe.pulls)
  end)

  it_runs("SA3 loses no item of a channel", function()
    local items, stop = ebb.channel(1), ebb.channel(1)
    ebb.go(function() ebb.sleep(1) stop:send(true) ebb.sleep(0.1) items:send "kept" end)
    assert.equal(0, stream.from(items):take_until(stop):count())
    ebb.sleep(1)
    assert.equal("kept", items:recv())
  end)

  it_runs("an op that fails throws", function()
    local task = ebb.spawn(function() ebb.sleep(1) error("x", 0) end)
    assert.equal("x", failure(function() stream.interval(0.3):take_until(task):count() end))
  end)

  it_runs("the stream may end first", function()
    assert.equal("1 2", joined(stream.range(1, 2):take_until(ebb.never())))
  end)
end)

describe("timeout", function()
  it_runs("SA13 a late item is nil, \"timeout\", once; then it is waited for", function()
    local s = at { 0.5, 5, 5.5 }:timeout(1)
    local start = ebb.now()
    assert.equal(0.5, s:next())
    assert.same({ n = 2, nil, "timeout" }, table.pack(s:next()))
    near(1.5, ebb.now() - start)
    assert.equal(5, s:next())
    near(5, ebb.now() - start)
    assert.equal(5.5, s:next())
    assert.is_nil(s:next())
  end)

  it_runs("SA13 the item is not cancelled: nothing is done twice", function()
    local calls = 0
    local s = stream.range(1, 2):map(function(v)
      calls = calls + 1
      ebb.sleep(3)
      return v
    end):timeout(1)
    local got = {}
    for _ = 1, 4 do got[#got + 1] = tostring((s:next())) end
    assert.equal("nil 1 nil 2", table.concat(got, " "))
    assert.equal(2, calls)
    assert.is_nil(s:next())
  end)

  it_runs("counts from the pull", function()
    local s = stream.range(1, 3):timeout(1)
    for _ in s:each() do ebb.sleep(5) end
  end)

  it_runs("a loop throws it, and all has been closed", function()
    local probe = support.source()
    assert.equal("timeout", failure(function()
      for _ in probe.stream:map(function() ebb.sleep(9) return 1 end):timeout(2):each() do ebb.yield() end
    end))
    assert.equal(1, probe.closed)
  end)
end)

describe("chunks_timeout", function()
  it_runs("SA5 by size, by time since the first item of the list, or at the end", function()
    assert.equal("{1,2,2.9}@2.9 {4.5,5.5}@6.5 {9}@9",
      timeline(at { 1, 2, 2.9, 4.5, 5.5, 9 }:chunks_timeout(3, 2)))
  end)

  it_runs("SA5 never an empty one", function()
    assert.equal("{10}@11 {20,20.5}@20.5", timeline(at { 10, 20, 20.5 }:chunks_timeout(2, 1)))
    assert.equal("", timeline(stream.empty():chunks_timeout(2, 1)))
  end)

  it_runs("an item that failed comes after the list of what was before it", function()
    local s = support.items { 1, { err = "e" }, 2 }:chunks_timeout(5, 1)
    assert.same({ 1 }, s:next())
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.same({ 2 }, s:next())
    assert.is_nil(s:next())
  end)
end)

describe("throttle", function()
  it_runs("SA13 at least so long between two items, the first at once", function()
    assert.equal("1@0 2@2 3@4", timeline(stream.range(1, 3):throttle(2)))
    assert.equal("1@1 1.5@3 6@6 6.1@8", timeline(at { 1, 1.5, 6, 6.1 }:throttle(2)))
  end)

  it_runs("a wait that is cancelled loses nothing", function()
    local s = stream.range(1, 2):throttle(2)
    s:next()
    assert.is_nil(ebb.timeout(1, s.next, s))
    assert.equal(2, s:next())
    assert.is_nil(s:next())
  end)
end)

describe("debounce", function()
  it_runs("SA13 gives an item when no other came for so long; the last at the end", function()
    assert.equal("1.5@2.5 4@5 6.5@6.5", timeline(at { 1, 1.5, 4, 6, 6.5 }:debounce(1)))
    assert.equal("", timeline(stream.empty():debounce(1)))
  end)

  it_runs("SA13 drops also while the consumer is busy", function()
    local s = at { 1, 3, 3.5, 9 }:debounce(0.5)
    assert.equal(1, s:next())
    ebb.sleep(5)
    assert.equal(3.5, s:next())
    assert.equal(9, s:next())
    assert.is_nil(s:next())
  end)

  it_runs("items that failed come at once", function()
    local s = support.items { 1, { err = "e" }, 2 }:debounce(1)
    assert.same({ n = 2, nil, "e" }, table.pack(s:next()))
    assert.equal(2, s:next())
    assert.is_nil(s:next())
  end)

  it_runs("the error of the source is thrown, after the last item", function()
    local s = stream.range(1, 2):map(function(v) return v == 2 and error("x", 0) or v end):debounce(1)
    assert.equal(1, s:next())
    assert.equal("x", failure(s.next, s))
  end)
end)
