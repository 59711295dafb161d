-- R3, R4: more arguments than fit the slots; nested spawns.
local ebb = require "ebb"
local n = 40
local list = {}
for i = 1, n do list[i] = i end
ebb.run(function()
  local task = ebb.spawn(function(...)
    return ebb.spawn(function(...) return select("#", ...), (select(n, ...)) end, ...):await()
  end, table.unpack(list))
  local count, last = task:await()
  assert(count == n and last == n)
  local tasks = {}
  for i = 1, 20 do tasks[i] = ebb.spawn(function(a, b, c) ebb.yield() return a + b + c end, i, i, i) end
  for i = 1, 20 do assert(tasks[i]:await() == 3 * i) end
end)
