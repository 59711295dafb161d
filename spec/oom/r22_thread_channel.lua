-- R106 to R115: channels between threads: values, waits on both sides, select, close.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local own = require("ebb.core")._thread
ebb.run(function()
  local ch = own.channel(1)
  assert(ch:send { 1, "two", { 3 } })
  local sender = ebb.spawn(ch.send, ch, "late")
  ebb.yield()
  assert(ch:recv()[2] == "two")
  sender:join()
  while #ch > 0 do ch:recv() end
  local receiver = ebb.spawn(ch.recv, ch)
  ebb.yield()
  ch:try_send "for it"
  receiver:join()
  ebb.select(ch:recv_op(), ebb.after(0))
  ebb.timeout(0, ch)
  ch:close()
end)
