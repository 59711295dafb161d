-- The bare lua_resume loop. It is no scheduler: it answers only for the workloads it bounds, with
-- the switches that one operation of theirs cannot do without.
local limit = require "limit"

local function seconds_for(name, n)
  if name == "w1_join" or name == "w1_go" then return limit.restart(n) end
  if name == "w2_2" or name == "w6_sleep0" then return limit.switch(n, 2) end
  if name == "w2_1000" then return limit.switch(n, 1000) end
  if name == "w3" or name == "w5_2" or name == "w5_8" or name == "w5_64" then
    return limit.switch(2 * n, 2)
  end
  if name == "w4_1" then return limit.switch(n, 2) end
  if name == "w7" then return limit.switch(2 * n, 100) end
end

local A = {}

function A.run()
  local name, n = arg[2], tonumber(arg[3])
  local seconds = seconds_for(name, n)
  print(seconds and ("result %.2f"):format(seconds / n * 1e9) or "cannot")
end

return A
