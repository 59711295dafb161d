-- Children that are started again when they fail, and an end when they fail too often.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  local function note(...) print(("%.1f"):format(ebb.now() - started), ...) end

  -- Five workers, one counter. Between two waits nobody else runs: it needs no lock.
  local count, runs = 0, { 0, 0, 0, 0, 0 }
  local children = { max_restarts = 5, within = 10, on = function(err, name) note(name, err) end }
  for i = 1, 5 do
    children[i] = { name = "worker " .. i, restart = "transient", run = function()
      runs[i] = runs[i] + 1
      for _ = 1, 3 do
        ebb.sleep(0.1 * i)
        count = count + 1
        if i == 2 and runs[i] < 3 then error("lost its way", 0) end
      end
    end }
  end
  ebb.supervise(children)
  note("all have ended, counted", count)
  print("runs", table.concat(runs, " "))

  -- One that cannot be helped: the others are ended, and the failure is passed on.
  print(pcall(ebb.supervise, {
    strategy = "one_for_all", max_restarts = 2, within = 60, on = function(err) note(err) end,
    { name = "database", run = function()
      ebb.sleep(1)
      error("no disk", 0)
    end },
    { name = "server", run = function()
      local _ <close> = setmetatable({}, { __close = function() note "server stops" end })
      ebb.sleep(3600)
    end },
  }))

  -- No supervisor lives longer than it is wanted.
  print(ebb.timeout(0.35, ebb.supervise, {
    { run = function()
      for _ in ebb.interval(0.1) do note "tick" end
    end },
  }))
end)
