-- Two functions take turns: while one sleeps, the other runs.
local ebb = require "ebb"

local function clock(word, first)
  ebb.sleep(first)
  for _ = 1, 3 do
    print(word)
    ebb.sleep(0.02)
  end
end

ebb.run(function()
  ebb.join(
    function() clock("tick", 0.01) end,
    function() clock("      tock", 0.02) end)
  print "both have ended"
end)
