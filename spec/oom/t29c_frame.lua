-- 2.9c, 2.9d: the arena has exactly the size asked for, what does not fit is counted, and without a
-- frame there is none.
-- luacheck: globals ebb faults throws
local ebb = require "ebb"
local alloc = ebb.alloc
alloc.configure { frame = 512 }
throws("EBB001", alloc.frame)
for _ = 1, 3 do
  local f <close> = alloc.begin_frame()
  throws("EBB004", alloc.begin_frame)
  assert(alloc.stats().frame.capacity == 512)
  local ok = pcall(f.bytes, f, 512)
  if ok then
    local summary = f:summary()
    assert(summary.bytes == 512 and summary.spilled == 0)
    if pcall(f.bytes, f, 1) then assert(f:summary().spilled >= 1) end
  else
    assert(faults and f:summary().bytes == 0)
  end
end
throws("EBB001", alloc.frame)
assert(alloc.stats().frame.live == 0 and alloc.stats().frame.capacity == 512)
