-- R165, R171, 2.9e: a budget that refuses, charges nothing when it does and has room again after a
-- release; the pool that could not grow and then can.
-- luacheck: globals ebb faults throws
local ebb = require "ebb"
ebb.alloc.budget("small", { bytes = 1000 })
local function live() return ebb.alloc.budget("small").live end
local g <close> = ebb.guard { budget = "small" }
local a = g:bytes(600)
assert(live() == 600)
for _ = 1, 3 do
  local ok, b, why = pcall(g.bytes, g, 500)
  assert(not ok and faults or b == nil and why == "budget 'small' exceeded")
  assert(live() == 600 and g:stats().count == 1)
end
local ok, buffer = pcall(g.buffer, g)
if ok then
  throws("EBB032", buffer.put, buffer, ("x"):rep(500))
  assert(live() == 600 and #buffer == 0)
end
g:release(a)
assert(live() == 0)
local c = g:bytes(900)
assert(c:fill(7)[900] == 7 and live() == 900)
g:reset()
local held = {}
for i = 1, 40 do -- the pool grows, class by class
  local plain, n = i % 2 == 0 and g or ebb.guard(), i * 20
  local before = plain:stats()
  local made, x, refused = pcall(plain.bytes, plain, n)
  if made and x then
    held[#held + 1] = x:fill(i & 255)
    assert(plain:stats().live == before.live + n)
  else
    assert(refused or faults)
    assert(plain:stats().live == before.live and plain:stats().count == before.count)
  end
  if i % 2 == 0 then
    g:reset()
    held[#held] = nil
  end
end
assert(live() == 0)
