-- Where Lua code may await, and what happens where it cannot.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- An await with a result.
local function slow(value)
  ebb.sleep(1)
  return value
end

describe("await works inside", function()
  it_runs("R33 pcall and xpcall, errors and values pass through", function()
    assert.same({ n = 3, true, 1, nil }, table.pack(pcall(function() return slow(1), nil end)))
    assert.same({ n = 2, false, "e" }, table.pack(pcall(function() error(slow("e"), 0) end)))
    local function handler(message) return message .. "!" end
    assert.same({ n = 2, true, 2 }, table.pack(xpcall(slow, handler, 2)))
    assert.same({ n = 2, false, "e!" },
      table.pack(xpcall(function() error(slow("e"), 0) end, handler)))
  end)

  it_runs("R34 metamethods", function()
    local mt = {}
    local function second(_, b) return slow(b) end
    mt.__index, mt.__call, mt.__concat, mt.__add, mt.__unm = second, second, second, second, second
    mt.__lt = function() return slow(true) end
    mt.__le, mt.__eq, mt.__len = mt.__lt, mt.__lt, function() return slow(9) end
    local stored
    mt.__newindex = function(_, k, v) stored = slow(k .. v) end
    local a, b = setmetatable({}, mt), setmetatable({}, mt)
    assert.equal("key", a.key)
    assert.equal(7, a(7))
    assert.equal("tail", a .. "tail")
    assert.equal(3, a + 3)
    assert.is_true(rawequal(a, -a))
    assert.is_true(a < b)
    assert.is_true(a <= b)
    assert.is_true(a == b)
    assert.equal(9, #a)
    a.x = "y"
    assert.equal("xy", stored)
  end)

  it_runs("R37 generic for iterators", function()
    local got = {}
    local function upto(last, i) if i < last then return slow(i + 1) end end
    for i in upto, 3, 0 do got[#got + 1] = i end
    assert.same({ 1, 2, 3 }, got)
  end)

  it_runs("R60 varargs, tail calls and loops, with the results they have without", function()
    local function sum(first, ...)
      if first == nil then return 0 end
      ebb.yield()
      return first + sum(...)
    end
    local function count(n) ebb.yield() if n == 0 then return "end" end return count(n - 1) end
    assert.equal(55, sum(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    assert.equal("end", count(300))
    local i = 0
    ::again::
    i = i + slow(1)
    if i < 3 then goto again end
    assert.equal(3, i)
  end)

  it_runs("R61 a task, where coroutine functions answer as usual", function()
    local task = ebb.spawn(function()
      local thread, main = coroutine.running()
      return type(thread), main, coroutine.isyieldable(), coroutine.status(thread)
    end)
    assert.same({ n = 4, "thread", false, true, "running" }, table.pack(task:await()))
  end)
end)

describe("await is refused with EBB051", function()
  local cases = {
    { "R35 in a table.sort comparator", "inside table.sort's comparator (a C function)", function(await)
      table.sort({ 3, 2, 1 }, function(a, b) await() return a < b end)
    end },
    { "R35 in a gsub callback", "inside string.gsub's callback (a C function)", function(await)
      return (string.gsub("abc", "b", function() await() return "x" end))
    end },
    { "R35 in tostring", "tostring", function(await)
      return (tostring(setmetatable({}, { __tostring = function() await() return "x" end })))
    end },
    { "in a plain coroutine.wrap", nil, function(await)
      local step = coroutine.wrap(function() await() end)
      step()
    end },
  }
  for _, case in ipairs(cases) do
    it_runs(case[1] .. "; nothing is registered, the task goes on", function(_, rt)
      local ch = ebb.channel()
      local armed = rt:metrics().timers
      for _, await in ipairs {
        function() ebb.sleep(1) end, function() ch:recv() end, function() ch:send(1) end,
        function() ebb.yield() end, function() ebb.select(ch, ebb.after(1)) end,
      } do
        local err = support.failure(case[3], await)
        assert.truthy(tostring(err):find("EBB051", 1, true))
        assert.truthy(tostring(err):find("place_spec.lua:", 1, true))
        if case[2] then assert.truthy(tostring(err):find(case[2], 1, true)) end
      end
      assert.same({ 0, 0 }, { ch:waiters() })
      assert.equal(armed, rt:metrics().timers)
      ebb.sleep(1)
      assert.equal("alive", slow("alive"))
    end)
  end

  it_runs("R35 in a required chunk", function()
    package.preload["spec.awaiting"] = function() ebb.sleep(1) end
    local err = support.failure(require, "spec.awaiting")
    package.preload["spec.awaiting"] = nil
    assert.truthy(tostring(err):find("EBB051", 1, true))
    assert.truthy(tostring(err):find("require", 1, true))
  end)

  it_runs("R36 in a reader of load, as load's own result", function(_, rt)
    local armed = rt:metrics().timers
    local chunk, message = load(function() ebb.sleep(1) return nil end)
    assert.is_nil(chunk)
    assert.truthy(tostring(message):find("EBB051", 1, true))
    assert.equal(armed, rt:metrics().timers)
  end)

  it_runs("R38 in a finaliser, which registers nothing", function(_, rt)
    local armed = rt:metrics().timers
    local seen
    setmetatable({}, { __gc = function()
      local ok, err = pcall(ebb.sleep, 1)
      seen = not ok and tostring(err)
    end })
    collectgarbage()
    collectgarbage()
    assert.equal("string", type(seen))
    assert.equal(armed, rt:metrics().timers)
    ebb.sleep(1)
  end)
end)

describe("a task's own thread", function()
  it_runs("R50 a raw coroutine.yield throws EBB054, the runtime goes on", function()
    local task = ebb.spawn(function()
      coroutine.yield("foreign")
      return "never"
    end)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.truthy(tostring(err):find("EBB054", 1, true))
    assert.equal("fine", ebb.spawn(slow, "fine"):await())
  end)

  it_runs("R49 resumed by the user is an error or harmless, never a second resume", function()
    local thread
    local passes = 0
    local task = ebb.spawn(function()
      thread = coroutine.running()
      ebb.sleep(1)
      passes = passes + 1
      return "result"
    end)
    ebb.yield()
    pcall(coroutine.resume, thread, "foreign")
    local ok = task:join()
    assert.is_true(passes <= 1)
    assert.equal(ok and 1 or 0, passes)
    assert.equal("fine", slow("fine"))
  end)

  it_runs("R51 closed by the user does not hang the joiner", function(errors)
    local thread
    local ch = ebb.channel()
    local task = ebb.spawn(function()
      thread = coroutine.running()
      ch:recv()
    end)
    ebb.yield()
    local closed = pcall(coroutine.close, thread)
    if closed then
      ch:try_send(1)
    else
      ch:send(1)
    end
    task:join()
    assert.is_true(task:finished())
    assert.same({ 0, 0 }, { ch:waiters() })
    assert.equal("fine", slow("fine"))
    support.take(errors)
  end)

  it_runs("R55 nested resumes up to the C limit leave the runtime usable", function()
    local function nest(n)
      return ebb.coroutine.wrap(function() return nest(n + 1) end)()
    end
    local err = support.failure(nest, 1)
    assert.truthy(tostring(err):find("overflow", 1, true))
    assert.equal("fine", slow("fine"))
  end)

  it_runs("R56 an error in a message handler is no loop", function()
    local task = ebb.spawn(function()
      return xpcall(function() ebb.yield() error("a") end, function() error("b") end)
    end)
    assert.is_false((task:await()))
    assert.equal("fine", slow("fine"))
  end)

  it_runs("R57 a count hook of the user's does no harm", function()
    local count = 0
    local task = ebb.spawn(function()
      debug.sethook(function() count = count + 1 end, "", 100)
      for _ = 1, 100 do ebb.yield() for _ = 1, 100 do math.sqrt(2) end end
      debug.sethook()
      return "result"
    end)
    assert.equal("result", task:await())
    assert.is_true(count > 0)
  end)
end)
