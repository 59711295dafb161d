-- Wait for whichever comes first: a message, a tick or the end of patience.
-- The clock is virtual: two and a half seconds pass in no time at all.
local ebb = require "ebb"

local rt = ebb.runtime { clock = "virtual" }

rt:run(function()
  local news = ebb.channel()
  ebb.go(function()
    for _, item in ipairs { "rain", "wind", "sun" } do
      ebb.sleep(0.7)
      news:send(item)
    end
  end)

  local started = ebb.now()
  local ticker = ebb.interval(0.5)
  local patience = ebb.timer(2.6) -- one deadline for all rounds of the loop
  while true do
    local what, value = ebb.select { news = news, tick = ticker, late = patience }
    local at = ("%.1f s"):format(ebb.now() - started)
    if what == "news" then
      print(at, "news: " .. value)
    elseif what == "tick" then
      print(at, "tick")
    else
      print(at, "that is enough")
      break
    end
  end

  -- A timeout around anything that waits; other results pass through.
  print("timeout:", ebb.timeout(0.1, function() ebb.sleep(60) end))
  print("in time:", ebb.timeout(60, function() ebb.sleep(0.1) return "done" end))
end)
rt:close()
