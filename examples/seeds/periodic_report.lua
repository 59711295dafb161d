-- A job once a second: each round owns its memory, and no round drifts.
local ebb = require "ebb"

local function report(g, round)
  local samples = g:array("f64", 1000)
  for i = 1, #samples do samples[i] = (i * round) % 97 end
  local text = g:buffer()
  ebb.sleep(0.3) -- the report is sent
  text:put(("round %d: sum %d, max %d"):format(round, samples:sum(), samples:max()))
  return text:get()
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local tick <close> = ebb.interval(1)
  local started, baseline = ebb.now(), nil
  for round = 1, 1000 do
    tick:tick()
    local line
    do
      local g <close> = ebb.guard()
      line = report(g, round)
    end -- all of the round's memory is gone here
    if round <= 3 or round == 1000 then
      print(("%.1f s"):format(ebb.now() - started), line)
    end
    local pool = ebb.alloc.stats().pool
    baseline = baseline or pool.mallocs
    assert(pool.live == 0)
    assert(pool.mallocs == baseline, "the system was asked for more memory")
  end
  print "flat over 1000 rounds"

  -- The first tick at once, and what a late loop does about the ticks it missed.
  for _, missed in ipairs { "skip", "delay", "burst" } do
    local ticks <close> = ebb.interval(1, { immediate = true, missed = missed })
    local t0, seen = ebb.now(), {}
    for i = 1, 5 do
      ticks:tick()
      seen[i] = ("%.1f"):format(ebb.now() - t0)
      if i == 1 then ebb.sleep(2.5) end
    end
    print(missed, table.concat(seen, " "))
  end
end)
