-- R19: guards of tasks and blocks; promoted, deferred, owned.
local ebb = require "ebb"
ebb.run(function()
  local task = ebb.spawn(function()
    local g = ebb.task_guard()
    local b = g:bytes(100)
    g:defer(function() ebb.yield() end)
    g:own(ebb.channel(1))
    ebb.yield()
    b:fill(1)
    return b[1]
  end)
  assert(task:await() == 1)
  local kept
  do
    local g <close> = ebb.guard()
    kept = g:promote(g:array("f64", 50))
    g:vec("i32"):push(1, 2, 3)
    local child = g:guard()
    child:buffer():put("hello"):append_from(child:bytes(10))
    child:box {}
  end
  assert(#kept == 50)
  local cancelled = ebb.spawn(function()
    ebb.task_guard():defer(function() ebb.sleep(0) end)
    ebb.sleep(100)
  end)
  ebb.yield()
  cancelled:cancel()
  assert(cancelled:join() == false)
end)
