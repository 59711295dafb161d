-- The latest value and the news that it has changed: configuration, state, progress.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local config = ebb.watch { level = "info", version = 1 }
  print("initial", config:get().level)

  local watcher = config:subscribe()
  local follower = ebb.spawn(function()
    while watcher:changed() do
      local now = watcher:get()
      print("  version " .. now.version, now.level)
      ebb.sleep(1)
    end
    print "  closed: no more changes"
  end)

  -- Two quick changes are seen as one: who watches wants the latest, not each.
  ebb.sleep(0.1)
  config:set { level = "debug", version = 2 }
  config:set { level = "warn", version = 3 }
  ebb.sleep(2)
  config:update(function(old) return { level = "error", version = old.version + 1 } end)
  ebb.sleep(2)

  -- Waiting for a state instead of a change.
  local progress = ebb.watch(0)
  local sub = progress:subscribe()
  ebb.go(function()
    for percent = 10, 100, 10 do
      ebb.sleep(0.1)
      progress:set(percent)
    end
    progress:close()
  end)
  local function half(percent) return percent >= 50 end
  print("at least half:", sub:wait_for(half))
  print("in time?", ebb.timeout(0.2, function()
    return sub:wait_for(function(percent) return percent == 100 end)
  end))
  print("all of it:", sub:wait_for(function(percent) return percent == 100 end))
  print("more than all:", sub:wait_for(function(percent) return percent > 100 end))

  -- A worker that starts anew with each configuration: the old one has ended before.
  local settings = config:subscribe()
  ebb.delay(2.5, config.set, config, { level = "trace", version = 5 })
  ebb.delay(4.5, config.close, config)
  local going_on = true
  while going_on do
    local now = settings:get()
    local _
    _, going_on = ebb.race(function() return settings:changed() end, function()
      for _ in ebb.interval(1) do print("version " .. now.version, "works") end
    end)
  end
  follower:await()
end)
