-- Events for all who listen: each sees every one, in order; a slow one does not hold up the rest.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local events = ebb.broadcast(16)
  print("nobody listens yet:", events:send { kind = "started" })

  local function listen(name, seconds)
    local sub = events:subscribe() -- from here on it misses nothing
    return ebb.spawn(function()
      local _ <close> = sub
      local seen = {}
      while true do
        local event, why, missed = sub:recv()
        if event then
          seen[#seen + 1] = event.id
          ebb.sleep(seconds)
        elseif why == "lagged" then
          seen[#seen + 1] = "(" .. missed .. " missed)"
        else
          break -- closed
        end
      end
      print(name, table.concat(seen, " "))
    end)
  end

  local mailer, logger = listen("mailer", 0.1), listen("logger", 0.01)
  for id = 1, 5 do
    local reached = events:send { kind = "user created", id = id }
    if id == 1 then print("reached", reached) end
    ebb.sleep(0.2)
  end
  events:close()
  ebb.join(mailer, logger)

  -- Four are kept. Who is slower than that is told once how many it has missed, and goes on.
  events = ebb.broadcast(4)
  local slow, fast = listen("slow", 1), listen("fast", 0.01)
  for id = 1, 12 do
    events:send { id = id }
    ebb.sleep(0.1)
  end
  events:close() -- what is kept can still be received
  ebb.join(slow, fast)

  -- In a select, beside other things; leaving the block unsubscribes.
  local news = ebb.broadcast(1)
  do
    local sub <close> = news:subscribe()
    print(ebb.select { news = sub, late = ebb.after(1) })
    news:send "it rains"
    print(ebb.select { news = sub, late = ebb.after(1) })
  end
  print("reached", news:send "it stopped")
end)
