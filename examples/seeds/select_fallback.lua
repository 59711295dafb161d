-- Ask the primary source and the cache; take who answers first, but do not wait for ever.
local ebb = require "ebb"

local function source(name, seconds)
  return function()
    local _ <close> = setmetatable({}, { __close = function(_, err)
      if err then print("  " .. name .. " is told to stop") end
    end })
    ebb.sleep(seconds)
    return name
  end
end

-- Whoever loses has ended, cleanups included, before this returns.
local function fetch(primary, cache)
  return ebb.timeout(10, function()
    local _, data = ebb.race(primary, cache)
    return data
  end)
end

-- Or: the cache only if the primary is late, and both may still win.
local function fetch_hedged(primary, cache)
  local _, data = ebb.race(primary, function()
    ebb.sleep(0.5)
    return cache()
  end)
  return data
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print(fetch(source("primary", 0.1), source("cache", 0.2)))
  print(fetch(source("primary", 30), source("cache", 0.2)))
  print(fetch(source("primary", 30), source("cache", 20)))
  print(fetch_hedged(source("primary", 0.3), source("cache", 0.1)))
  print(fetch_hedged(source("primary", 30), source("cache", 0.1)))

  -- With tasks that go on whoever wins: a task is an op, and losing a select does it no harm.
  local slow, quick = ebb.spawn(source("slow", 2)), ebb.spawn(source("quick", 1))
  print(ebb.select { slow = slow, quick = quick, late = ebb.after(10) })
  print(slow:await())
end)
