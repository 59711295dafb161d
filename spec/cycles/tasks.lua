-- Tasks, channels, timers, a scope, a cancelled task: the quick one.
return function(ebb)
  local ch = ebb.channel(2)
  local sum = 0
  ebb.scope(function(s)
    s:spawn(function()
      for i = 1, 5 do ch:send(i) end
      ch:close()
    end)
    for v in ch do sum = sum + v end
  end)
  assert(sum == 15)
  assert(ebb.timeout(0, ebb.never()) == nil)
  local m = ebb.mutex()
  local task = ebb.spawn(function()
    local _ <close> = m:lock()
    ebb.sleep(1000)
  end)
  ebb.yield()
  task:cancel()
  assert(task:join() == false)
end
