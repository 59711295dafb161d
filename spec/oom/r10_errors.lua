-- R10, R11: errors thrown through await, pcall and join.
local ebb = require "ebb"
local object = setmetatable({}, { __tostring = function() return "an object" end })
ebb.run(function()
  local function throw(e) ebb.yield() error(e, 0) end
  local ok, err = pcall(function() ebb.spawn(throw, object):await() end)
  assert(not ok and (err == object or tostring(err):find "memory"))
  if not ok and err ~= object then error(err, 0) end
  local joined, e = ebb.spawn(throw, "text"):join()
  assert(joined == false and (e == "text" or tostring(e):find "memory"))
  local nested = ebb.spawn(function() ebb.spawn(throw, "inner"):await() end)
  joined, e = nested:join()
  assert(joined == false and (e == "inner" or tostring(e):find "memory"))
  ok, err = pcall(ebb.await, 1)
  assert(not ok and tostring(err):find "operation" or tostring(err):find "memory")
end)
