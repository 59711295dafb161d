-- R106 to R115: calls on other threads: copied, failed, refused, cancelled.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  local t = { 1, { x = "y" }, f = function() return 1 end }
  t.t = t
  local back = ebb.blocking(function(v) return v end, t)
  assert(back.t == back and back[2].x == "y")
  local ok, err = pcall(ebb.blocking, function() error("there", 0) end)
  assert(not ok and (err == "there" or faults), err)
  assert(not pcall(ebb.blocking, print, io.stdout))
  local task = ebb.spawn(ebb.blocking, function() end)
  ebb.yield()
  task:cancel()
  task:join()
end)
