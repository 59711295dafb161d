-- R13, R14: cleanups that await, and that fail, while a cancel unwinds.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local function closer(fn) return setmetatable({}, { __close = fn }) end
ebb.run(function()
  local order = {}
  local task = ebb.spawn(function()
    local _ <close> = closer(function() ebb.sleep(0) order[#order + 1] = "first" end)
    local _ <close> = closer(function() error "a cleanup" end)
    local _ <close> = closer(function() ebb.shield(ebb.yield) order[#order + 1] = "last" end)
    local ok = pcall(ebb.sleep, 100)
    assert(not ok)
    ebb.sleep(100)
  end)
  ebb.yield()
  task:cancel("stop")
  local ok, err = task:join()
  assert(not ok)
  if err.cancelled_task ~= task then error(err, 0) end
  assert(faults or order[1] == "last" and order[2] == "first")
end)
