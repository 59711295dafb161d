-- A server that is asked to stop: it takes no more, finishes what it has, and gives up in the end.
local ebb = require "ebb"

local function worker(id, jobs)
  local _ <close> = setmetatable({}, { __close = function()
    ebb.sleep(0.01) -- cleaning up may wait
    print("  worker " .. id .. " has cleaned up")
  end })
  for job in jobs do
    ebb.sleep(job)
    print("  worker " .. id .. " finished a job")
  end
end

-- Serves until `stop`, then drains for at most `grace` seconds. A closed channel is the signal:
-- nobody can miss it, and what is still in it is done first.
local function serve(requests, stop, grace)
  local jobs = ebb.channel(4)
  local crew = ebb.spawn(ebb.scope, function(s)
    for id = 1, 2 do s:spawn(worker, id, jobs) end
  end)
  while true do
    local what, value, reason = ebb.select_first { stop = stop, request = requests }
    if what == "stop" then
      print("stopping:", reason or value)
      break
    end
    jobs:send(value)
  end
  requests:close()
  jobs:close()
  local ended = ebb.timeout(grace, crew:join_op())
  if ended then return "all was finished" end
  crew:cancel "grace is over"
  crew:join() -- until the cleanups have run
  return "some was given up"
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  for _, seconds in ipairs { 0.3, 3600 } do
    local requests, stop = ebb.channel(), ebb.token()
    ebb.go(function()
      for _ = 1, 3 do requests:send(seconds) end
      stop:cancel "operator"
    end)
    print(serve(requests, stop, 30))
    print("too late:", requests:send(1))
  end

  -- A worker that listens for the end itself: closing wakes all who wait, however many.
  local shutdown = ebb.channel()
  local listeners = {}
  for i = 1, 5 do
    listeners[i] = function()
      local rounds = 0
      while ebb.select(ebb.after(i), shutdown) == 1 do rounds = rounds + 1 end
      return rounds
    end
  end
  ebb.delay(10.5, shutdown.close, shutdown)
  print("rounds", table.concat(ebb.join_all(listeners), " "))
end)
