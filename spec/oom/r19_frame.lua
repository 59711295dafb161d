-- R19: frames, checkpoints and phases while memory is short.
local ebb = require "ebb"
local alloc = ebb.alloc
alloc.configure { frame = 256 }
local kept
local function frame(f)
  local a, b = f:bytes(100), f:array("i32", 10):fill(3)
  assert(#a == 100 and b:sum() == 30)
  local v, s = f:vec("i32", 2), f:buffer()
  for i = 1, 20 do pcall(v.push, v, i) end
  pcall(s.put, s, ("x"):rep(300)) -- spills
  local view = v:view()
  local _ <close> = f:checkpoint()
  local _ <close> = f:phase "work"
  f:bytes(500)
  local inner = f:checkpoint()
  f:bytes(10)
  inner:commit()
  kept = kept and f:renew(kept, 4) or b
  assert(f:summary().bytes > 0 and #view >= 0)
end
for _ = 1, 3 do
  pcall(alloc.in_frame, frame)
  assert(not pcall(alloc.frame)) -- whatever failed, it has ended
  assert(alloc.stats().frame.live == 0)
end
do
  local f <close> = alloc.begin_frame()
  pcall(frame, f)
  local rt <close> = ebb.runtime { clock = "virtual" }
  rt:run(function()
    ebb.yield()
    assert(not pcall(alloc.frame))
    return kept and not pcall(kept.sum, kept)
  end)
end
assert(alloc.stats().frame.live == 0)
