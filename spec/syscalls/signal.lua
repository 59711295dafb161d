-- A signal that comes.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local signal <close> = must(ebb.signal "usr2")
  local task = ebb.spawn(signal.recv, signal)
  ebb.yield()
  os.execute("kill -USR2 $PPID")
  must(task:await())
end)
