-- Workers that go on together: nobody starts the next phase before all have finished this one.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  local function note(...) print(("%.1f"):format(ebb.now() - started), ...) end

  local barrier, leaders = ebb.barrier(3), 0
  ebb.scope(function(s)
    for id = 1, 3 do
      s:spawn(function()
        for phase = 1, 2 do
          ebb.sleep(id * phase / 10) -- prepares
          note("worker " .. id .. " is ready", "phase " .. phase)
          if barrier:wait() then
            leaders = leaders + 1
            note("-- all are ready", "phase " .. phase)
          end
        end
      end)
    end
  end)
  print("one leader in each phase:", leaders == 2)

  -- One that gives up does not count; the place is free for another.
  print(ebb.timeout(0.5, barrier))
  ebb.scope(function(s)
    for _ = 1, 3 do s:spawn(barrier.wait, barrier) end
  end)
  note "the barrier still works"

  -- A latch opens once: so many things have to happen, and then everybody goes.
  local loaded = ebb.latch(3)
  for i = 1, 3 do
    ebb.delay(i, function()
      note("loaded part " .. i)
      loaded:count_down()
    end)
  end
  loaded:wait()
  note "the level begins"

  -- Something made by whoever comes first; the others wait for it.
  local made = 0
  local connection = ebb.once(function()
    ebb.sleep(1)
    made = made + 1
    return "connection " .. made
  end)
  local function get() return connection:get() end
  note(ebb.join(get, get, get))
end)
