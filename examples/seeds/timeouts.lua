-- Limits of time: on any code, on any op, for many calls together.
local ebb = require "ebb"

local function fetch(seconds, answer, err)
  ebb.sleep(seconds)
  if answer == "crash" then error("parser broke", 0) end
  return answer, err
end

-- In time, an error as a value, an error thrown, too late: four different outcomes.
local function describe(ok, value, err)
  if not ok then return "threw: " .. value end
  if value then return "data: " .. value end
  if err == "timeout" then return "too late" end
  return "failed: " .. err
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print(describe(pcall(ebb.timeout, 5, fetch, 1, "the page")))
  print(describe(pcall(ebb.timeout, 5, fetch, 1, nil, "404")))
  print(describe(pcall(ebb.timeout, 5, fetch, 1, "crash")))
  print(describe(pcall(ebb.timeout, 5, fetch, 60, "the page")))

  -- A wait is an op, and needs no function. Closed and late are different words.
  local reply = ebb.channel(1)
  ebb.delay(0.2, reply.send, reply, "a late answer")
  print(ebb.timeout(0.1, reply))
  print(ebb.timeout(1, reply)) -- the timeout lost nothing: it arrives now
  reply:close()
  print(ebb.timeout(1, reply))

  -- Nested: the earliest counts, and each reports only its own.
  print(ebb.timeout(1, function()
    print("inner", ebb.timeout(60, ebb.sleep, 3600))
    return "never reached"
  end))
  print(ebb.timeout(60, function()
    print("inner", ebb.timeout(1, ebb.sleep, 3600))
    return "goes on"
  end))

  -- One budget for several steps; each sees what is left of it.
  local steps = 0
  print(ebb.timeout(1, function()
    for i = 1, 10 do
      ebb.sleep(i / 10)
      steps = i
      print(("step %d, %.1f s left"):format(i, ebb.deadline() - ebb.now()))
    end
  end))
  print("steps done", steps)
end)
