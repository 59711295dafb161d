--- Seeing what goes on.
local core = require "ebb.core"

local check = require "ebb.check"

local debug = {}

--- Reports every turn of a task that blocks the loop for longer than `seconds`: calls
-- fn(task, seconds, traceback) at the first Lua instruction after that, or prints a line when there
-- is no fn. Without `seconds`: no more.
function debug.slow(seconds, fn)
  if seconds ~= nil and seconds ~= false then
    check.seconds("slow", 1, seconds)
    if fn ~= nil then check.callable("slow", 2, fn) end
    core._slow(seconds, fn)
  else
    core._slow()
  end
end

return debug
