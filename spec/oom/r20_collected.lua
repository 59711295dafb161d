-- R19, R20: what nobody refers to any more is collected while tasks wait.
local ebb = require "ebb"
ebb.run(function()
  do
    local ch = ebb.channel()
    ch:sender()
    ebb.interval(1)
    ebb.timer(5)
    ebb.token():child()
    ebb.guard():bytes(100)
    ebb.channel(1):reserve()
    ebb.scope():spawn(ebb.sleep, 100)
    ebb.join_set():spawn(ebb.sleep, 100)
    ebb.spawn(function() ch:recv() end)
  end
  for _ = 1, 3 do collectgarbage() ebb.yield() end
end)
