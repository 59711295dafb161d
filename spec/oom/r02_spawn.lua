-- R2, R3, R5: spawn, await, join; results none, one and many.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  local function give(...) ebb.yield() return ... end
  local none, one, many = ebb.spawn(give), ebb.spawn(give, 1), ebb.spawn(give, 1, nil, 3)
  local detached = 0
  for _ = 1, 10 do ebb.go(function() detached = detached + 1 end) end
  assert(select("#", none:await()) == 0 and one:await() == 1)
  local a, b, c = many:await()
  assert(a == 1 and b == nil and c == 3)
  local named = ebb.spawn(give, {})
  named:name("loader")
  assert(tostring(named):find "loader")
  local ok, value = named:join()
  assert(ok and type(value) == "table")
  ebb.sleep(0)
  assert(faults or detached == 10)
end)
