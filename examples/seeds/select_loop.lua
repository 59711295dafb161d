-- A loop that waits for several things at once: messages, a ticker, a quiet spell, the end.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local messages, shutdown = ebb.channel(8), ebb.token()
  ebb.go(function()
    for _, word in ipairs { "one", "two", "three" } do
      ebb.sleep(0.7)
      messages:send(word)
    end
  end)
  ebb.delay(5.5, shutdown.cancel, shutdown, "end of shift")

  local started = ebb.now()
  local function note(...) print(("%.1f"):format(ebb.now() - started), ...) end

  local tick <close> = ebb.interval(1)
  local quiet <close> = ebb.timer(1.5) -- one deadline for many rounds
  while true do
    local what, value, reason = ebb.select {
      message = messages,
      tick = tick,
      quiet = quiet,
      shutdown = shutdown,
    }
    if what == "message" then
      note("message", value)
      quiet:reset(1.5)
    elseif what == "quiet" then
      note "nothing for a while"
      quiet:reset(math.huge)
    elseif what == "tick" then
      note "tick"
    else
      note("shutting down:", reason)
      break
    end
  end
  -- What select did not choose has not happened: nothing is lost with the branches not taken.
  messages:send "four"
  print("still there:", messages:try_recv())
end)
