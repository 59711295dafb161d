-- R10: a host's steps: frames, leftovers, tasks that fail, the stuck state.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local rt <close> = ebb.runtime()
local frames, ch = 0, ebb.channel()
local task = rt:spawn(function()
  for _ = 1, 3 do ebb.next_frame() frames = frames + 1 end
  return ch:recv()
end)
rt:spawn(function() error "reported" end)
for _ = 1, 8 do
  local info = rt:step(10, 0.016)
  assert(info.alive <= 2)
end
local receiver = rt:spawn(function() ch:try_send(frames) end)
for _ = 1, 4 do rt:step() end
assert(faults or receiver:finished())
assert(faults or task:finished() and frames == 3)
rt:spawn(function() ch:recv() end)
assert(faults or rt:step().alive == 1)
assert(rt:step().stuck or faults)
