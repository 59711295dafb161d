-- R164, R170: a guard held across awaits and closed once by a cancel; frame memory does not come
-- into a task.
-- luacheck: globals ebb faults throws
local ebb = require "ebb"
local alloc = ebb.alloc
local live = alloc.stats().pool.live
ebb.run(function()
  local tasks, closed = {}, 0
  for i = 1, 3 do
    tasks[i] = ebb.spawn(function()
      local g <close> = ebb.guard()
      local own = ebb.task_guard()
      local a, b = g:array("i32", 100):fill(i), own:bytes(50):fill(i)
      g:defer(function() closed = closed + 1 ebb.yield() assert(a[1] and b[1] == i) end)
      for _ = 1, 3 do ebb.yield() a:add(1) end
      assert(a:sum() == (i + 3) * 100)
      ebb.sleep(100)
    end)
  end
  for _ = 1, 5 do ebb.yield() end
  for i = 1, 3 do tasks[i]:cancel() end
  for i = 1, 3 do assert(tasks[i]:join() == false) end
  assert(closed == 3 or faults and closed < 3)
  throws("EBB003", alloc.begin_frame)
end)
assert(alloc.stats().pool.live == live)
local f <close> = alloc.begin_frame()
local b = f:bytes(10)
local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  throws("EBB003", alloc.frame)
  ebb.yield()
  throws("EBB00", b.string, b)
end)
