-- R14: scopes as objects: left, waited for, closed, isolating.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  local done = 0
  local function work() ebb.yield() done = done + 1 end
  do
    local s <close> = ebb.scope()
    s:spawn(work)
    s:defer(work)
    assert(s:wait() == true)
    s:spawn(work)
  end
  assert(done == 3)
  local ok, err = pcall(function()
    local s <close> = ebb.scope()
    s:spawn(ebb.sleep, 100)
    s:spawn(function() error("child", 0) end)
    s:wait()
  end)
  assert(not ok)
  if err ~= "child" then error(err, 0) end
  local s <close> = ebb.scope { isolate = true }
  s:spawn(function() error "reported" end)
  s:spawn(work)
  s:wait()
  s:spawn(ebb.sleep, 100)
  s:cancel("now")
  local _, why, reason = s:wait()
  assert(faults or why == "cancelled" and reason == "now")
  s:spawn(ebb.sleep, 100)
  s:close()
end)
