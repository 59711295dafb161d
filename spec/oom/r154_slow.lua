-- R154: a C function that takes long is reported, by a handler that allocates.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local reports = {}
local _ <close> = setmetatable({}, { __close = function() ebb.debug.slow(nil) end })
ebb.debug.slow(0.001, function(info)
  reports[#reports + 1] = tostring(info.task) .. info.traceback .. info.seconds
end)
local text, pattern = ("a"):rep(15), ("a?"):rep(14) .. ("a"):rep(16)
local rt <close> = ebb.runtime()
rt:run(function()
  local due = os.clock() + 0.002
  repeat text:find(pattern) until os.clock() > due
  ebb.yield()
end)
