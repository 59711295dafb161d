-- R161, R163, R169, R175: freed twice, closed twice and out of order, another guard's, reset under
-- an open child.
-- luacheck: globals ebb throws
local ebb = require "ebb"
local live = ebb.alloc.stats().pool.live
do
  local g <close> = ebb.guard()
  local other <close> = ebb.guard()
  local b, box = g:bytes(100), g:box "value"
  local n = 0
  local x = g:own { close = function() n = n + 1 end }
  throws("EBB014", other.release, other, b)
  throws("EBB014", other.release, other, box)
  throws("EBB014", other.release, other, x)
  assert(b:fill(1)[100] == 1 and box:get() == "value" and g:stats().count == 3)
  g:release(b)
  throws("EBB011", g.release, g, b)
  throws("EBB012", b.string, b)
  g:release(x)
  assert(n == 1)
  local child = g:guard()
  local c = child:bytes(10)
  throws("EBB016", g.reset, g)
  assert(#c == 10)
  local inner = child:guard()
  inner:defer(function() n = n + 1 child:close() inner:close() end)
  child:close()
  child:close()
  inner:close()
  assert(n == 2)
  throws("EBB012", c.fill, c, 1)
  g:reset()
  throws("EBB011", g.release, g, box)
  assert(g:stats().count == 0)
  g:close()
  g:close()
  throws("EBB012", g.bytes, g, 1)
end
assert(ebb.alloc.stats().pool.live == live)
