-- A cancelled task unwinds like one that failed: its to-be-closed variables run, and they may wait.
local ebb = require "ebb"

local function open_log(name)
  print("open " .. name)
  return setmetatable({}, {
    __close = function(_, err)
      print("closing " .. name, "cancelled: " .. tostring(ebb.is_cancelled(err)))
      ebb.sleep(0.01) -- flushing takes a while, and nobody cuts it short
      print("closed " .. name)
    end,
  })
end

ebb.run(function()
  local task = ebb.spawn(function()
    local _ <close> = open_log("the log")
    local _, err = pcall(ebb.sleep, 60) -- a stray pcall cannot swallow the cancel:
    print("woken:", err.reason)
    ebb.sleep(60) -- the next await throws it again
    print "never reached"
  end)
  ebb.yield() -- let it start

  print("cancel:", task:cancel("we are closing"))
  print("status:", task:status()) -- cancel never waits: the task has yet to unwind
  local ok, err = task:join() -- join does, until the cleanup has run
  print("join:", ok, err.cancelled_task == task)
  print("status:", task:status())

  -- A token cancels a piece of code instead of a task.
  local token = ebb.token()
  ebb.delay(0.01, token.cancel, token, "lights out")
  print("run:", token:run(function() ebb.sleep(60) end))
end)
