-- What a task leaves behind when it has ended: nothing. Its coroutine is used again, so what lay on it must be gone, and
-- so must what the runtime kept for it.
local ebb = require "ebb"
local helper = require "spec.helper"

--- Values that are kept by nothing but what is under test.
local function watched()
  return setmetatable({}, { __mode = "v" })
end

describe("a task that has ended keeps nothing alive:", function()
  local kinds = {
    ["an argument"] = function(value) ebb.go(function() ebb.yield() end, value) end,
    ["several arguments"] = function(value) ebb.go(function() ebb.yield() end, 1, value, 2, value, 3, value) end,
    ["more arguments than slots"] = function(value)
      ebb.go(function() ebb.yield() end, 1, 2, 3, 4, 5, 6, 7, 8, 9, value)
    end,
    ["a result"] = function(value) ebb.go(function() return value end) end,
    ["several results"] = function(value) ebb.go(function() return value, value, value end) end,
    ["a result with a handle that is dropped"] = function(value) ebb.spawn(function() return 1, value end) end,
    ["a result that was taken"] = function(value) ebb.spawn(function() return value end):await() end,
    ["what it received"] = function(value)
      local ch = ebb.channel()
      ebb.go(function() ch:recv() end)
      ch:send(value)
    end,
    ["what it was cancelled with"] = function(value)
      local task = ebb.spawn(ebb.sleep, 1)
      ebb.yield()
      task:cancel(value)
      task:join()
    end,
    ["a cancel before its first run"] = function(value) ebb.spawn(function() return value end, value):cancel(value) end,
    ["its locals"] = function(value)
      local key = ebb.task_local()
      ebb.go(function()
        key:set(value)
        ebb.yield()
      end)
    end,
    ["what its guard owned"] = function(value)
      ebb.go(function() ebb.task_guard():defer(function() return value end) end)
    end,
    ["its error"] = function(value) ebb.spawn(error, value):join() end,
  }
  for what, fn in pairs(kinds) do
    helper.it(what, function(errors)
      local seen = watched()
      ebb.spawn(function()
        local value = {}
        seen[1] = value
        fn(value)
      end):await()
      helper.settle()
      for i = #errors, 1, -1 do errors[i] = nil end
      -- no further task: it would clear the coroutine that it is given
      collectgarbage()
      collectgarbage()
      assert.is_nil(seen[1])
    end)
  end
end)

describe("tasks that come and go", function()
  local kinds = {
    ["without a handle"] = function() ebb.go(ebb.yield) end,
    ["with a handle"] = function() ebb.spawn(ebb.yield):await() end,
    ["with arguments and results"] = function()
      ebb.spawn(function(...)
        ebb.yield()
        return ...
      end, 1, 2, 3):await()
    end,
    ["that are cancelled"] = function()
      local task = ebb.spawn(ebb.sleep, 1)
      task:cancel()
      task:join()
    end,
    ["with locals"] = function()
      local key = ebb.task_local(1)
      key:with(2, function() ebb.spawn(ebb.yield):await() end)
    end,
    ["that a timeout ends"] = function()
      ebb.timeout(0.001, function() ebb.sleep(1) end)
    end,
  }
  for what, fn in pairs(kinds) do
    helper.it("take no more memory the more of them there were: " .. what .. " (R62)", function()
      local function round()
        for _ = 1, 2000 do fn() end
        helper.settle()
        collectgarbage()
        collectgarbage()
        return collectgarbage "count"
      end
      round()
      local before = round()
      for _ = 1, 4 do round() end
      -- 8000 of them: one slot each would be 125 KiB
      assert.is_true(round() - before < 60)
    end)
  end
end)
