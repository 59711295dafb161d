-- R166, R167, R168: sizes that cannot be, every alignment, blocks that grow and shrink keep what is
-- in them, grown or not.
-- luacheck: globals ebb faults
local ebb = require "ebb"
do
  local g <close> = ebb.guard()
  for _, n in ipairs { -1, 2.5, 0 / 0, math.huge, math.mininteger, math.maxinteger, "x" } do
    assert(not pcall(g.bytes, g, n))
    assert(not pcall(g.array, g, "f64", n))
    assert(not pcall(g.vec, g, "f64", n))
  end
  assert(not pcall(g.array, g, "f64", math.maxinteger // 8 + 1))
  assert(not pcall(g.bytes, g, 8, { align = 3 }) and not pcall(g.bytes, g, 8, { align = -1 }))
  assert(g:stats().count == 0)
  for shift = 0, 12 do
    for _, n in ipairs { 0, 100, 40000 } do
      local ok, b = pcall(g.bytes, g, n, { align = 1 << shift })
      assert(ok and #b == n or faults)
    end
  end
  g:reset()
  local v, s = g:vec("u8"), g:buffer()
  local n = 0
  for _, more in ipairs { 10, 53, 1, 200, 3000, 30000, 20000 } do
    local before = #s
    if pcall(v.reserve, v, n + more) then
      for _ = 1, more do
        n = n + 1
        v:push(n & 255)
      end
    end
    local ok = pcall(s.put, s, ("x"):rep(more))
    assert(#s == before + (ok and more or 0))
    assert(#v == n)
    for i = 1, n, 97 do assert(v[i] == i & 255) end
  end
  while #s > 100 do
    local k = #s // 2
    if pcall(s.get, s, k) then assert(true) else s:skip(k) end
  end
  assert(faults or s:tostring() == ("x"):rep(#s))
end
local stats = ebb.alloc.stats()
assert(stats.pool.live == 0 and stats.heap.live == 0)
