-- R173: what a host writes past the end of a block is found by builds with checks.
-- luacheck: globals ebb host
local ebb = require "ebb"
do
  local g <close> = ebb.guard()
  for _, n in ipairs { 1, 16, 63, 100, 4096, 40000 } do
    local b = g:bytes(n)
    host.fence(b)
    assert(b:fill(1)[n] == 1)
    host.fence(b)
    local v = g:vec("u8"):push(1, 2, 3)
    host.write(v)
    if pcall(v.push, v, ("x"):rep(n):byte(1, n > 100 and 100 or n)) then host.write(v) end
    g:release(b)
  end
end
assert(ebb.alloc.stats().pool.live == 0)
