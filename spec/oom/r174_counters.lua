-- R174, 2.9f: live, peak, total and count after every operation, whether it had memory or not.
local ebb = require "ebb"
local alloc = ebb.alloc
alloc.budget("counted", { bytes = 1 << 30 })
local base = alloc.stats()
do
  local g <close> = ebb.guard { budget = "counted" }
  local held, live, peak, heap, state = {}, 0, 0, 0, 7
  for i = 1, 40 do
    state = (state * 1103515245 + 12345) & 0x7fffffff
    local n = i % 9 == 0 and 40000 or state % 3000
    if i % 3 == 0 and #held > 0 then
      local at = state % #held + 1
      local b = held[at]
      local size = #b
      g:release(b)
      held[at] = held[#held]
      held[#held] = nil
      live = live - size
      if size > 32768 then heap = heap - size end
    else
      local at = #held + 1
      held[at] = false
      local ok, b = pcall(g.bytes, g, n)
      held[at] = ok and b or nil
      if ok then
        live = live + n
        peak = math.max(peak, live)
        if n > 32768 then heap = heap + n end
      end
    end
    local own = g:stats()
    assert(own.live == live and own.peak == peak and own.count == #held)
    local now = alloc.stats()
    assert(now.pool.live == base.pool.live + live - heap)
    assert(now.heap.live == base.heap.live + heap)
    assert(now.tags.counted.live == live)
  end
  alloc.in_frame(function(f)
    f:bytes(100)
    local ok = pcall(f.array, f, "f64", 10)
    assert(f:summary().bytes == 100 + (ok and 80 or 0) or f:summary().bytes >= 100)
    assert(alloc.stats().frame.live == f:summary().bytes)
  end)
end
local now = alloc.stats()
assert(now.pool.live == base.pool.live and now.heap.live == base.heap.live)
assert(now.tags.counted.live == 0 and now.frame.live == 0)
