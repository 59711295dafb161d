-- The awaits a task has in a turn before it must give way.
local ebb = require "ebb"
local helper = require "spec.helper"

-- How many values a task has taken when another that was ready all the time first runs.
local function taken_before_the_other(body)
  local ch, taken, seen = ebb.channel(1000), 0, nil
  for i = 1, 1000 do ch:send(i) end
  ebb.yield()
  local other = ebb.spawn(function() seen = taken end)
  body(function() for _ = 1, 1000 do ch:recv() taken = taken + 1 end end)
  other:await()
  return seen
end

describe("the budget of a turn", function()
  helper.it("YC3 YC4 ends after so many ready awaits that others get their turn #fifo", function()
    local seen = taken_before_the_other(function(drain) drain() end)
    assert.is_true(seen >= 1 and seen <= 200, seen)
  end)

  helper.it("YC9 is the task's own, whatever regions and groups it is in #fifo", function()
    for _, nest in ipairs {
      function(drain) ebb.timeout(1000, drain) end,
      function(drain) ebb.scope(drain) end,
      function(drain) ebb.shield(drain) end,
      function(drain) ebb.token():run(drain) end,
      function(drain) ebb.timeout(1000, ebb.timeout, 500, drain) end,
      function(drain) ebb.coroutine.wrap(drain)() end,
    } do
      local seen = taken_before_the_other(nest)
      assert.is_true(seen >= 1 and seen <= 200, seen)
    end
  end)

  helper.it("YC5 YC6 is spent by any await, yield gives a new one #fifo", function()
    local other_ran = 0
    local ticks = ebb.ready(true)
    local stop = false
    ebb.go(function() while not stop do other_ran = other_ran + 1 ebb.yield() end end)
    for _ = 1, 1280 do ticks:await() end
    assert.is_true(other_ran >= 9, other_ran)
    stop = true
  end)
end)
