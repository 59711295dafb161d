-- R17: shutdown with tasks in every state, some of which do not stop.
local ebb = require "ebb"
local rt <close> = ebb.runtime { clock = "virtual", cleanup_timeout = 1 }
rt:spawn(ebb.sleep, 100)
rt:spawn(function()
  local _ <close> = setmetatable({}, { __close = function() ebb.sleep(0.1) end })
  ebb.await(ebb.never())
end)
rt:spawn(function()
  local _ <close> = setmetatable({}, { __close = function() ebb.sleep(100) end })
  ebb.scope(function(s) s:spawn(ebb.sleep, 50) end)
end)
rt:step()
rt:spawn(function() end)
assert(type(rt:shutdown(0.5)) == "number")
assert(not pcall(rt.spawn, rt, ebb.yield))
