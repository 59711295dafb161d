-- R11, R12: errors that nobody takes are reported, of any value.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  for _, e in ipairs { "text", {}, 12 } do
    ebb.go(error, e)
    ebb.spawn(error, e)
  end
  ebb.go(function() local _ <close> = setmetatable({}, { __close = error }) ebb.yield() end)
  ebb.sleep(0)
  ebb.yield()
  ebb.yield()
end)
