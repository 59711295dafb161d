-- Near the limits of Lua's stacks: calls nested so deeply in C functions that there is hardly a level left (200 in stock
-- Lua), and a stack with hardly a slot left (10^6). What ebb does there works, or throws, and everything works afterwards.
local ebb = require "ebb"
local helper = require "spec.helper"
local awaits = require "spec.op.awaits"

--- fn(...) within n calls of pcall.
local function nested(n, fn, ...)
  if n == 0 then return fn(...) end
  return select(2, pcall(nested, n - 1, fn, ...))
end

--- How many there may be here.
local function limit()
  local deepest = 0
  local function probe(n)
    deepest = n
    pcall(probe, n + 1)
  end
  probe(0)
  return deepest
end

local function is_overflow(err)
  err = tostring(err)
  return err:find("overflow", 1, true) ~= nil or err:find("error in error handling", 1, true) ~= nil
end

local function canary()
  helper.run(function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ebb.timeout(5, ch.recv, ch) end)
    ebb.scope(function(s) s:spawn(ch.send, ch, "fine") end)
    assert(task:await() == "fine")
  end)
end

-- Beside what awaits.
local calls = {
  ["spawn, cancel and join"] = function()
    local began, ran = false, false
    local task = ebb.spawn(function()
      began = true
      local _ <close> = setmetatable({}, { __close = function() ran = true end })
      ebb.sleep(1)
    end)
    ebb.yield()
    task:cancel "deep"
    local ok = task:join()
    assert(ok == false and (ran or not began or not task:finished()))
  end,
  ["a scope whose child fails"] = function()
    local ok, err = pcall(ebb.scope, function(s)
      s:spawn(error, "deep", 0)
      ebb.sleep(1)
    end)
    assert(not ok and (err == "deep" or is_overflow(err)), err)
  end,
  ["a token's run"] = function()
    local token = ebb.token()
    ebb.go(token.cancel, token, "deep")
    local _, why = token:run(ebb.sleep, 1)
    assert(why == "cancelled", why)
  end,
  ["a guard with everything"] = function()
    local n = 0
    do
      local guard <close> = ebb.guard()
      guard:defer(function() n = n + 1 end)
      guard:own(ebb.channel())
      guard:buffer():put "x"
      guard:guard():bytes(3)
    end
    assert(n == 1)
  end,
  ["groups"] = function()
    local a, b = ebb.join(function() return 1 end, function() return 2 end)
    assert(a == 1 and b == 2)
    assert(ebb.race(function() return 3 end, ebb.never()) ~= nil)
  end,
  ["ebb.coroutine"] = function()
    local co = ebb.coroutine.wrap(function(v)
      local w = ebb.coroutine.yield(v + 1)
      ebb.sleep(0.1)
      return w + 1
    end)
    assert(co(1) == 2)
    assert(co(2) == 3)
  end,
  ["combinators"] = function()
    local op = ebb.map_op(ebb.ready(1), function(v) return v + 1 end):and_then(function(v) return ebb.ready(v + 1) end)
    assert(op:await() == 3)
    assert(ebb.defer_op(function() return ebb.ready "d" end):await() == "d")
  end,
  ["a failure that nobody takes"] = function() ebb.go(error, "deep") ebb.yield() end,
  ["a runtime within"] = function()
    local rt = ebb.runtime { clock = "virtual" }
    assert(tostring(rt):find("ebb.runtime", 1, true))
  end,
}

for name, row in pairs(awaits) do
  calls[name] = calls[name] or not row.is_own and function()
    local object = row.make and row.make()
    if row.wake then
      ebb.go(function()
        ebb.sleep(1)
        row.wake(object)
      end)
    end
    local results = table.pack(row.wait(object))
    for i, v in ipairs(row.expected or {}) do assert(results[i] == v) end
  end or nil
end

-- Each is run 25 times: once is enough.
if os.getenv "EBB_SPEC_TORTURE" then return end

describe("at the end of the C stack #fifo", function()
  for name, call in pairs(calls) do
    it(name .. " works or throws (R55)", function()
      local n_fine, n_thrown = 0, 0
      for left = 0, 24 do
        local rt = helper.runtime()
        rt:run(function()
          local ok, err = true, nil
          nested(limit() - left, function() ok, err = pcall(call) end)
          if ok then
            n_fine = n_fine + 1
          else
            n_thrown = n_thrown + 1
            assert.is_true(is_overflow(err), err)
          end
        end)
        assert.equal(0, rt:metrics().alive)
        rt:close()
      end
      assert.is_true(n_fine > 0)
      assert.is_true(n_thrown > 0 or n_fine == 25)
      canary()
    end)
  end
end)

describe("tasks in the background #fifo", function()
  it("are run from however deep, and live on (R55)", function()
    local rt, errors = helper.runtime()
    local outer = ebb.use(rt)
    local n, n_fine = 0, 0
    rt:spawn(function()
      while true do
        ebb.timeout(5, ebb.yield) -- ready at any time
        n = n + 1
      end
    end)
    local deepest = limit()
    for left = 24, 0, -1 do
      if nested(deepest - left, pcall, ebb.yield) == true then n_fine = n_fine + 1 end
    end
    assert.is_true(n_fine > 0)
    local before = n
    for _ = 1, 5 do ebb.yield() end
    assert.is_true(n > before)
    ebb.use(outer)
    rt:close()
    assert.equal(0, #errors)
  end)
end)
