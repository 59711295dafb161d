-- What a runtime is doing, in numbers, and what its tasks wait for, in words.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual", name = "server" }
rt:run(function()
  local requests = ebb.channel(4)
  local tasks = {
    ebb.spawn(function() return requests:recv() end),
    ebb.spawn(function() ebb.sleep(10) end),
    ebb.spawn(function() error("broken", 0) end),
    ebb.spawn(function() ebb.sleep(60) end),
    ebb.spawn(function() return "at once" end),
  }
  for i, name in ipairs { "server", "timer", "crasher", "slowpoke", "quick" } do
    tasks[i]:name(name)
  end
  ebb.sleep(1)
  tasks[4]:cancel()
  ebb.sleep(1)

  local metrics = rt:metrics()
  for _, name in ipairs { "spawned", "alive", "done", "failed", "cancelled", "timers" } do
    print(("%-10s %d"):format(name, metrics[name]))
  end
  for _, task in ipairs(tasks) do
    print(("%-10s %-10s %s"):format(task:name(), task:status(), task:waiting_on() or ""))
  end
  print(tasks[1])

  -- Or the collector of all numbers, once a minute, as another task.
  local peak = 0
  local watcher = ebb.spawn(function()
    for _ in ebb.interval(60) do peak = math.max(peak, rt:metrics().alive) end
  end)
  for _ = 1, 50 do ebb.go(ebb.sleep, 90) end
  ebb.sleep(300)
  print("peak", peak)
  watcher:cancel()
  print(tasks[3]:join())
  requests:close()
end)
