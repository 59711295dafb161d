-- R7, R8: select over receives, sends, timers, tasks and a table.
local ebb = require "ebb"
ebb.run(function()
  local a, b, full = ebb.channel(), ebb.channel(1), ebb.channel(1)
  full:send(0)
  local task = ebb.spawn(function() ebb.yield() return "ended" end)
  local i, v = ebb.select(a, b, full:send_op(1), ebb.after(100), task)
  assert(i == 5 and v == "ended")
  ebb.go(function() a:send "from a" end)
  local which, value = ebb.select { msg = a, late = ebb.after(100), put = full:send_op(2), off = false }
  if which ~= "msg" then error "not enough memory (lost sender)" end
  assert(value == "from a")
  assert(ebb.select_first(full, b) == 1 and #full == 0)
  assert(ebb.try_select(a, b) == nil)
  ebb.go(function() b:send "x" end)
  assert(ebb.select(b, ebb.never(), ebb.after(0.05)) == 1 or error "not enough memory (lost sender)")
  assert(a:waiters() == 0 and b:waiters() == 0 and full:waiters() == 0)
  assert(ebb.select_first(ebb.ready(1, 2), ebb.after(0)) == 1)
  local many = {}
  for n = 1, 40 do many[n] = n % 2 == 0 and a or ebb.after(n) end
  many[41] = ebb.after(0)
  assert(ebb.select(many) == 41)
end)
