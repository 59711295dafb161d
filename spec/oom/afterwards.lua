-- After each scenario, with memory back: the same state works, and nothing is left in it but what
-- finalisers that Lua had no memory to call would have given back.
-- luacheck: globals lost
local ebb = require "ebb"
package.loaded.oom_kept = nil
collectgarbage()
collectgarbage()
assert(ebb.current() == nil)
local rt = ebb.current_runtime()
local before = rt:metrics()
assert(before.alive == 0, "tasks are left")
assert(before.ready == 0 and before.timers == 0, "tasks or timers are left")

local function main()
  local ch = ebb.channel(2)
  local sender = ebb.spawn(function()
    for i = 1, 5 do assert(ch:send(i)) end
    ch:close()
    return "sent"
  end)
  local sum = 0
  for v in ch do sum = sum + v end
  assert(sum == 15 and sender:await() == "sent")
  local value, why = ebb.timeout(0, ebb.never())
  assert(value == nil and why == "timeout")
  assert(ebb.scope(function(s)
    s:spawn(ebb.sleep, 10)
    s:cancel()
    ebb.yield()
  end) == nil)
  local ok, err = pcall(function()
    local _ <close> = ebb.guard()
    ebb.spawn(error, "thrown"):await()
  end)
  assert(not ok and err == "thrown")
  local bytes <close> = ebb.guard()
  assert(#bytes:bytes(100) == 100)
  local left = ebb.spawn(ebb.sleep, 100)
  assert(left:cancel() and left:join() == false)
  return "done", nil, 3
end

local a, b, c = ebb.run(main)
assert(a == "done" and b == nil and c == 3)
local after = rt:metrics()
assert(after.alive == 0 and after.timers == 0 and after.ready == 0)
local stats = ebb.alloc.stats()
assert(lost or stats.pool.live == 0 and stats.heap.live == 0, "blocks are left")
