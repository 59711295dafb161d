-- A runtime that watches how long turns take.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
local rt <close> = ebb.runtime { slice = 0.001, on_slice = "yield" }
is(rt:run(function()
  local at = os.clock()
  local n = 0
  while os.clock() - at < 0.004 do n = n + 1 end
  return n > 0
end), true)
