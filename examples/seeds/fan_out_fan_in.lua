-- Out to many tasks, back into one place: in source order, in order of completion, or as a sum.
local ebb = require "ebb"

local function process(item)
  ebb.sleep((item * 7 % 10) / 10)
  return item * item
end

local function list(items) return table.concat(items, " ") end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local items = { 1, 2, 3, 4, 5, 6 }
  print("in source order", list(ebb.map(items, process)))
  print("two at a time", list(ebb.map(items, process, 2)))

  -- In order of completion: whatever is ready first can be used first.
  local results = ebb.channel()
  local crew = ebb.spawn(ebb.scope, function(s)
    s:defer(function() results:close() end) -- after the last child
    for _, item in ipairs(items) do
      s:spawn(function() results:send(process(item)) end)
    end
  end)
  local order, sum = {}, 0
  for result in results do
    order[#order + 1] = result
    sum = sum + result
  end
  crew:await()
  print("as they come", list(order))
  print("sum", sum)

  -- The first failure ends all the others, and is thrown here, unchanged.
  print("failed", pcall(ebb.map, items, function(item)
    if item == 3 then error("item 3 is bad", 0) end
    return process(item * 1000)
  end))
end)
