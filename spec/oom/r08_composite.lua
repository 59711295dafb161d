-- R8: composites, nested, with functions that await, defer_op, callback.
local ebb = require "ebb"
ebb.run(function()
  local ch, other = ebb.channel(1), ebb.channel()
  local op = ebb.choice(
    ch:recv_op():map(function(v) ebb.yield() return v * 2 end),
    ebb.choice(other, ebb.after(100)):and_then(function() return ebb.ready "then" end),
    other:send_op(1))
  ch:send(21)
  local i, v = ebb.await(op)
  assert(i == 1 and v == 42)
  local quick = ebb.after(0):map(function() return nil, "no" end)
    :or_else(function(_, why) return ebb.ready(why) end)
  assert(ebb.await(quick) == "no")
  local made = ebb.defer_op(function() return ch:send_op "deferred" end)
  assert(ebb.select(made, other) == 1 and ch:recv() == "deferred")
  local cb, called = ebb.callback()
  ebb.go(function() cb("called", 2) end)
  local which, text = ebb.select(called, other, ebb.after(0.05))
  if which ~= 1 then error "not enough memory (callback lost)" end
  assert(text == "called")
  ebb.timeout(0, op)
  assert(other:waiters() == 0 and ch:waiters() == 0)
end)
