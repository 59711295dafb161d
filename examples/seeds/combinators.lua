-- Ops are descriptions of a wait, and combine into larger ones. Making one does nothing yet.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local five, failed = ebb.ready(5), ebb.ready(nil, "out of reach")
  local function twice(n) return 2 * n end

  print("map", five:map(twice):await())
  print("and_then", five:and_then(twice):await())
  print("and_then, failed", failed:and_then(twice):await())
  print("or_else", failed:or_else(function(_, err) return "42 as it is " .. err end):await())
  -- The function may wait, and may go on with another op.
  print("a chain", five:and_then(function(n)
    ebb.sleep(0.1)
    return ebb.after(0.1):map(function() return n + 1 end)
  end):await())

  local slow, fast = ebb.after(0.2), ebb.after(0.1)
  print("select", (ebb.select(slow, fast)))
  print("by name", (ebb.select { slow = slow, fast = fast }))
  -- As an op again: reusable, and selectable with others.
  local either = ebb.choice(slow, fast):map(function(i) return "number " .. i end)
  print("choice", either:await())
  print("choice again", select(2, ebb.select(either, ebb.never())))

  print("join", ebb.join(function() return "Hello" end, function() return 42 end))
  print("try_join", ebb.try_join(function() return "Hello" end, function() return 42 end))
  print("try_join, failed", ebb.try_join(
    function() return nil, "no answer" end,
    function() ebb.sleep(3600) end))
  print("race", ebb.race(
    function() ebb.sleep(0.2) end,
    function()
      ebb.sleep(0.1)
      return "the second was first"
    end))
end)
