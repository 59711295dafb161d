-- A task is a function that runs beside the others; its handle gives the results.
local ebb = require "ebb"

local function square(n, seconds)
  ebb.sleep(seconds)
  return n, n * n
end

ebb.run(function()
  -- spawn returns at once; the task starts when this one waits.
  local slow = ebb.spawn(square, 12, 0.04)
  local fast = ebb.spawn(square, 5, 0.01)
  print("fast is " .. fast:status())
  print("slow:", slow:await())
  print("fast:", fast:await())
  print("fast is " .. fast:status())

  -- await rethrows what the task threw, join hands it over.
  local broken = ebb.spawn(function() error("out of ink", 0) end)
  print("join:", broken:join())
  print("await:", pcall(broken.await, broken))

  -- Several at once: the first result of each, in the order given.
  local results = ebb.map({ 1, 2, 3, 4 }, function(n) return n * 10 end)
  print("map:", table.concat(results, " "))
  print("race:", ebb.race(
    function() ebb.sleep(5) return "tortoise" end,
    function() ebb.sleep(0.01) return "hare" end))
end)
