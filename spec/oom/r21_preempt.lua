-- R154, R155: quotas, slices that yield and throw, a slow turn: whatever fails for want of memory,
-- each task ends.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local core = (getmetatable(package.loaded["ebb.core"])).__index

local function busy(n) for _ = 1, n do os.time() end end

local function forever() for _ = 1, 50 do pcall(busy, 10) end end

ebb.run(function()
  local task = ebb.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() busy(10) end })
    core._over_quota(ebb.current(), 1)
    forever()
  end)
  task:join()
  task = ebb.spawn_with({ cpu = 1000 }, function()
    ebb.spawn(ebb.sleep, 0):join()
    core._over_quota(ebb.current(), 2)
    xpcall(ebb.coroutine.wrap(forever), forever)
  end)
  task:join()
end)

local rt <close> = ebb.runtime { slice = 3000, on_slice = "yield" }
rt:run(busy, 10)
