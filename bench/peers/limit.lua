-- The bare lua_resume loop. It is no scheduler: it answers only for the workloads it bounds, with
-- the switches that one operation of theirs cannot do without.
local limit = require "limit"

-- What the stages of w8_stream do, as a loop.
local function loop(n)
  local started, sum, taken = os.clock(), 0, 0
  for i = 1, n do
    local v = i * 3
    if v % 2 == 0 then
      taken = taken + 1
      sum = sum + v
      if taken == n then break end
    end
  end
  return os.clock() - started
end

local HANDOFF = { w7 = true, w7_mutex = true, w7_sem = true }

local function seconds_for(name, n)
  if name == "w1_join" or name == "w1_go" then return limit.restart(n) end
  if name == "w2_2" or name == "w6_sleep0" then return limit.switch(n, 2) end
  if name == "w2_1000" then return limit.switch(n, 1000) end
  if name == "w3" or name == "w5_2" or name == "w5_8" or name == "w5_64" then
    return limit.switch(2 * n, 2)
  end
  if name == "w4_1" then return limit.switch(n, 2) end
  if name == "w7_watch" then return limit.switch(n, 100) end
  if name == "w8_stream" then return loop(n) end
  if HANDOFF[name] then return limit.switch(2 * n, 100) end
end

local A = {}

function A.run()
  local name, n = arg[2], tonumber(arg[3])
  local seconds = seconds_for(name, n)
  print(seconds and ("result %.2f"):format(seconds / n * 1e9) or "cannot")
end

return A
