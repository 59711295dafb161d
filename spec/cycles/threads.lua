-- Other threads: a call, a thread that ends, one that is cancelled or left to be ended with the state.
return function(ebb, cycle, where)
  assert(ebb.blocking(function(n) return n + 1 end, 1) == 2)
  local ch = ebb.thread.channel(1)
  local thread = ebb.thread.spawn(function(c) return c:send "from there" end, ch)
  assert(ch:recv() == "from there" and thread:join())
  local idle = ebb.thread.spawn(function()
    require("ebb").sleep(1000)
  end)
  if where == "runtime" or cycle // 100 % 2 == 0 then
    idle:cancel()
    idle:join()
  end
end
