-- R7: channels of every capacity, closed with waiters, both directions.
local ebb = require "ebb"
ebb.run(function()
  for _, capacity in ipairs { 0, 1, 3 } do
    local ch = ebb.channel(capacity)
    local sender = ebb.spawn(function()
      for i = 1, 6 do assert(ch:send { i }) end
      ch:close()
    end)
    local n = 0
    for v in ch do n = n + 1 assert(v[1] == n) end
    sender:await()
    assert(n == 6)
  end
  local ch = ebb.channel()
  local receivers = {}
  for i = 1, 3 do receivers[i] = ebb.spawn(function() return ch:recv() end) end
  ebb.yield()
  ch:close()
  for i = 1, 3 do local v, why = receivers[i]:await() assert(v == nil and why == "closed") end
  local tx = ebb.channel(1):sender()
  local _ <close> = tx:clone()
  tx:close()
end)
