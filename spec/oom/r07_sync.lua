-- R7, R13: permits of semaphores and locks, waited for, cancelled, left.
local ebb = require "ebb"
ebb.run(function()
  local sem, m = ebb.semaphore(1), ebb.mutex { 1 }
  local tasks = {}
  for i = 1, 4 do
    tasks[i] = ebb.spawn(function()
      local _ <close> = sem:acquire()
      ebb.yield()
      return m:with(function(v) ebb.yield() v[1] = v[1] + 1 return i end)
    end)
  end
  ebb.yield()
  tasks[4]:cancel()
  for i = 1, 3 do assert(tasks[i]:await() == i) end
  tasks[4]:join()
  assert(sem:available() == 1)
  local i, guard = ebb.select(m, ebb.never())
  assert(i == 1)
  guard:close()
  ebb.spawn(function() m:lock() end):await()
  local _ <close> = m:lock()
  local n = ebb.notify()
  local waits = ebb.spawn(function() n:wait() end)
  ebb.yield()
  n:notify_all()
  waits:await()
  local o = ebb.oneshot()
  local receiver = ebb.spawn(function() return o:recv() end)
  ebb.yield()
  o:send(1, 2, 3)
  assert(select("#", receiver:await()) == 3)
end)
