-- A runtime, used and closed.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
local rt <close> = ebb.runtime()
is(rt:run(function()
  ebb.sleep(0.0001)
  return 1
end), 1)
