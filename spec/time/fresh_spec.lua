-- Times count from the call, not from when the turn began: a task that has computed for a while before it sleeps, or opens
-- a timeout, does so for the full time (R79).
local ebb = require "ebb"

local COMPUTED, WAITED = 0.1, 0.06

--- Computes for so long. No clock of ebb's may be looked at: that would refresh the runtime's time.
local function compute()
  local limit = os.clock() + COMPUTED
  repeat until os.clock() > limit
end

--- Seconds by the system, to a hundredth; nil where there is no such file.
local function uptime()
  local file <close> = io.open "/proc/uptime"
  return file and file:read "n"
end

describe("after computing", function()
  local waits = {
    ["a sleep"] = function() ebb.sleep(WAITED) end,
    ["an operation"] = function() ebb.after(WAITED):await() end,
    ["a branch of a select"] = function() ebb.select(ebb.never(), ebb.after(WAITED)) end,
    ["a timeout"] = function() ebb.timeout(WAITED, function() ebb.sleep(60) end) end,
    ["a timeout of an operation"] = function() ebb.timeout(WAITED, ebb.never()) end,
    ["a timer"] = function() ebb.timer(WAITED):await() end,
    ["a delayed task"] = function() ebb.delay(WAITED, function() end):await() end,
  }
  for what, wait in pairs(waits) do
    it(what .. " lasts its full time", function()
      if not uptime() then return pending "no clock but ebb's" end
      ebb.run(function()
        ebb.yield() -- the turn begins here
        compute()
        local began = uptime()
        wait()
        assert.is_true(uptime() - began >= WAITED - 0.011)
      end)
    end)
  end
end)
