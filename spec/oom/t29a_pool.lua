-- 2.9a, 2.9b: a loop of scopes asks the system for nothing once it is warm, and its bytes stay flat,
-- also where one of them finds no memory.
-- luacheck: globals ebb faults
local ebb = require "ebb"
local function item(outer)
  local g <close> = outer:guard()
  g:bytes(1000)
  g:array("f64", 100):fill(1)
  g:buffer(4000):put("abc")
  g:vec("i32"):push(1, 2, 3)
  g:box(1)
  g:guard():bytes(64)
end
ebb.run(function()
  local outer <close> = ebb.guard()
  for _ = 1, 3 do pcall(item, outer) end
  local before = ebb.alloc.stats().pool
  for _ = 1, 5 do
    local ok = pcall(item, outer)
    assert(ok or faults)
    local now = ebb.alloc.stats().pool
    assert(now.live == before.live)
    assert(now.mallocs == before.mallocs or faults)
  end
  assert(outer:stats().count == 0)
end)
