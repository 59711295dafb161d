-- R7: permits: sent through, given back, outliving the close, selected.
local ebb = require "ebb"
ebb.run(function()
  local ch = ebb.channel(1)
  local permit = ch:reserve()
  assert(ch:try_send(1) == nil)
  local waiting = ebb.spawn(function()
    local p <close> = ch:reserve()
    return p:send "second"
  end)
  ebb.yield()
  permit:send "first"
  assert(ch:recv() == "first")
  assert(waiting:await() ~= false)
  assert(ch:recv() == "second")
  do local _ <close> = ch:reserve() end
  local i, p = ebb.select(ch, ch:reserve_op())
  assert(i == 2)
  ch:close()
  p:send "late"
  assert(ch:recv() == "late")
  local rendezvous = ebb.channel()
  local receiver = ebb.spawn(function() return rendezvous:recv() end)
  ebb.yield()
  local last <close> = rendezvous:reserve()
  last:send(9)
  assert(receiver:await() == 9)
end)
