-- R19, R20: what stands in lists of others and is collected, maybe without its finaliser.
local ebb = require "ebb"
ebb.run(function()
  local m, rw, b = ebb.mutex(), ebb.rwlock(), ebb.broadcast(2)
  local outer <close> = ebb.guard()
  local root = ebb.token()
  do
    local js = ebb.join_set()
    js:spawn(function() ebb.yield() error("nobody's", 0) end)
    js:spawn(ebb.yield)
    local s = ebb.scope()
    s:spawn(function() ebb.yield() error("nobody's", 0) end)
    s:spawn(ebb.sleep, 100)
    ebb.spawn(function() error("untaken", 0) end)
    ebb.spawn(function() m:lock() ebb.mutex():lock() rw:read() collectgarbage() ebb.yield() end)
    b:subscribe()
    root:child():child()
    outer:guard():box {}
    outer:array("f64", 10):view(2, 3)
    ebb.runtime { clock = "virtual", name = "dropped" }
    ebb.mutex():lock()
    ebb.guard():defer(function() end)
  end
  for _ = 1, 4 do
    collectgarbage()
    ebb.yield()
  end
  b:send(1)
  root:cancel()
  outer:bytes(10)
  collectgarbage()
end)
collectgarbage()
