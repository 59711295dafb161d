-- R172, 2.9g: memory that goes to another thread is there or here, never both and never nowhere; a
-- handle's address is no way in from another state.
-- luacheck: globals ebb faults host
local ebb = require "ebb"
local g <close> = ebb.guard()
local b = g:bytes(100):fill(7)
host.other_state(b, g)
assert(b[100] == 7 and g:stats().live == 100)
ebb.run(function()
  local moved = g:array("i32", 50):fill(3)
  local ok, sum = pcall(ebb.blocking, function(x) return x:sum() end, moved)
  local here, there = pcall(moved.sum, moved)
  if ok then
    assert(sum == 150 and not here)
  elseif here then
    assert(there == 150)
  end
  ok, sum = pcall(ebb.blocking, function(x) return x end, b)
  if ok then
    assert(not pcall(b.string, b) and sum[100] == 7)
  end
end)
