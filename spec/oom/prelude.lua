-- Before each scenario: the module and those of its files that are in Lua.
-- luacheck: globals ebb faults reported throws
package.path = "lua/?.lua;lua/?/init.lua"
ebb = require "ebb"
ebb.join, ebb.race, ebb.map = ebb.join, ebb.race, ebb.map
ebb.fs, ebb.net = ebb.fs, ebb.net
ebb.io, ebb.process = ebb.io, ebb.process
reported = 0
ebb.on_task_error(function() reported = reported + 1 end)

--- fn(...) must throw an error that contains `text`, or one for want of memory. True for the former.
function throws(text, fn, ...)
  local ok, err = pcall(fn, ...)
  assert(not ok, text)
  err = tostring(err)
  if err:find(text, 1, true) then return true end
  if not faults or not err:find "memory" then error(err, 0) end
  return false
end
