-- R6: scopes with a body: results, failures, cancels, defers.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  local sum, deferred = 0, 0
  local r = ebb.scope(function(s)
    s:defer(function() deferred = deferred + 1 end)
    for i = 1, 5 do s:spawn(function() ebb.yield() sum = sum + i end) end
    s:defer(function() ebb.yield() deferred = deferred + 1 end)
    return "r"
  end)
  assert(r == "r" and sum == 15 and deferred == 2)
  local ok, err = pcall(ebb.scope, function(s)
    s:spawn(ebb.sleep, 100)
    s:spawn(function() ebb.yield() error("child", 0) end)
    s:spawn(function()
      local _ <close> = setmetatable({}, { __close = function() ebb.yield() end })
      ebb.sleep(100)
    end)
    ebb.sleep(100)
  end)
  assert(not ok)
  if err ~= "child" then error(err, 0) end
  local a, b, c = ebb.scope(function(s)
    s:spawn(ebb.scope, function(inner) inner:spawn(ebb.sleep, 100) ebb.sleep(10) end)
    ebb.yield()
    s:cancel("enough")
    ebb.sleep(100)
  end)
  assert(a == nil and b == "cancelled" and (faults or c == "enough"))
end)
