-- A server and Ctrl-C, whichever is first; the same for the signal that a service manager sends.
local ebb = require "ebb"

local function server()
  local _ <close> = setmetatable({}, { __close = function(_, err)
    ebb.sleep(0.01) -- connections are closed properly
    print("server stopped", "cancelled: " .. tostring(ebb.is_cancelled(err)))
  end })
  ebb.sleep(3600)
end

local function run_until_told(main)
  local ctrl_c <close> = ebb.ctrl_c()
  local term <close> = ebb.signal "term"
  local task = ebb.spawn(main)
  local what = ebb.select { server = task:join_op(), ctrl_c = ctrl_c, term = term }
  print("told by", what)
  task:cancel(what)
  task:join()
end

ebb.run(function()
  ebb.go(function()
    ebb.sleep(0.05)
    os.execute "kill -TERM $PPID" -- somebody else would do this
  end)
  run_until_told(server)
  run_until_told(function() ebb.sleep(0.01) end)
  print "the handlers that were there before are back"
end)
