-- R148: finalisers and closers called by hand, twice, with something else.
local ebb = require "ebb"
ebb.run(function()
  local g = ebb.guard()
  for _, make in ipairs {
    function() return ebb.channel(1) end, function() return ebb.channel():sender() end,
    function() return ebb.channel(1):reserve() end, function() return g:guard() end,
    function() return ebb.scope() end, ebb.token, function() return ebb.timer(1) end,
    function() return ebb.interval(1) end, function() return ebb.after(1) end,
    function() return ebb.choice(ebb.never()) end, function() return g:bytes(10) end,
    function() return g:buffer(10) end, function() return ebb.mutex():lock() end,
    function() return ebb.spawn(ebb.yield) end, ebb.alloc.registry,
    function() return g:box(1) end,
  } do
    local x = make()
    local meta = debug.getmetatable(x)
    for _ = 1, 2 do
      for _, name in ipairs { "__gc", "__close" } do
        local fn = meta[name]
        if fn then
          pcall(fn, x, nil)
          pcall(fn, {})
          pcall(fn)
          pcall(fn, io.stdout)
        end
      end
      assert(tostring(x))
    end
  end
  g:close()
end)
