-- R5: join_set and task locals.
local ebb = require "ebb"
ebb.run(function()
  local js <close> = ebb.join_set()
  for i = 1, 5 do js:spawn(function() ebb.yield() return i end) end
  local sum = 0
  for task in js do sum = sum + task:await() end
  assert(sum == 15)
  js:spawn(ebb.sleep, 100)
  js:spawn(function() error("failed", 0) end)
  local task = js:join_next()
  local ok, err = task:join()
  assert(not ok)
  if err ~= "failed" then error(err, 0) end
  js:shutdown()
  assert(#js == 0)
end)
