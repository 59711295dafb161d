-- R150: user values that were taken away with debug.setuservalue.
local ebb = require "ebb"
ebb.run(function()
  local g = ebb.guard()
  local objects = { ebb.channel(2), ebb.channel(2):sender(), ebb.channel(2):reserve(), g,
    ebb.scope(), ebb.token(), ebb.timer(1), ebb.after(1), ebb.choice(ebb.channel(), ebb.never()),
    ebb.channel():send_op {}, g:bytes(8), g:buffer(8), ebb.spawn(ebb.yield), ebb.mutex():lock() }
  for _, x in ipairs(objects) do
    for n = 1, 8 do pcall(debug.setuservalue, x, nil, n) end
  end
  collectgarbage()
  for _, x in ipairs(objects) do
    pcall(tostring, x)
    for _, name in ipairs { "try_send", "try_recv", "close", "cancel", "put", "string", "stats" } do
      pcall(function() return x[name](x, 1) end)
    end
  end
  ebb.yield()
end)
