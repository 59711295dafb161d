-- R12, R20: the report of a deadlock, under run and outside of tasks.
local ebb = require "ebb"
local ok, err = pcall(ebb.run, function()
  local ch = ebb.channel()
  ebb.spawn(function() ch:recv() end):name "one"
  ebb.spawn(ebb.await, ebb.never())
  local _ <close> = setmetatable({}, { __close = function() ebb.yield() end })
  ebb.select(ch, ebb.never())
end)
assert(not ok)
if not tostring(err):find "deadlock" then error(err, 0) end
ok, err = pcall(ebb.await, ebb.never())
assert(not ok)
if not tostring(err):find "deadlock" then error(err, 0) end
ebb.sleep(0)
