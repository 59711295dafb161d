-- R9: sleeps, timers and intervals, many at once, on a virtual clock.
local ebb = require "ebb"
local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local tasks = {}
  for i = 1, 40 do tasks[i] = ebb.spawn(function() ebb.sleep(i % 7) return i end) end
  for i = 1, 40 do assert(tasks[i]:await() == i) end
  local iv <close> = ebb.interval(0.5, { missed = "burst", immediate = true })
  for _ = 1, 3 do assert(iv:tick()) end
  local tm = ebb.timer(3)
  assert(ebb.select(tm, ebb.after(10)) == 1 and tm:fired())
  tm:reset(5)
  local waits = ebb.spawn(function() return ebb.await(tm) end)
  ebb.yield()
  tm:close()
  waits:join()
  ebb.await(ebb.at(ebb.now() + 5))
  ebb.sleep_until(ebb.now() + 1)
end)
