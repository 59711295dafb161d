-- Ends with much that nobody waits for any more: sleeping tasks, a timer, receivers, a listener and a connection that
-- are open, a read, a file, memory.
return function(ebb, cycle)
  local ch = ebb.channel(0)
  for _ = 1, 3 do ebb.spawn(ch.recv, ch) end
  ebb.spawn(ebb.sleep, 1000)
  ebb.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() ebb.yield() end })
    ebb.never():await()
  end)
  ebb.kept = { ebb.guard():bytes(1000), ebb.interval(1000) }
  if cycle % 10 == 0 then
    local listener = assert(ebb.net.listen "127.0.0.1")
    ebb.spawn(listener.accept, listener)
    local a, b = ebb.net.duplex(16)
    ebb.spawn(a.read, a)
    ebb.kept[3] = { b, assert(ebb.io.open "spec/cycles/pending.lua") }
    ebb.spawn(ebb.fs.read, "spec/cycles/pending.lua")
    ebb.kept[4] = ebb.signal "USR2"
  end
  ebb.yield()
end
