-- Much that is open and unfinished when the state closes.
-- luacheck: globals must is thrown go dir faults kept
local ebb = require "ebb"
ebb.run(function()
  local listener = must(ebb.net.unix.listen(dir .. "/s"))
  local a = must(ebb.net.unix.connect(dir .. "/s"))
  local b = must(listener:accept())
  local file = must(ebb.io.open(dir .. "/a", "w"))
  must(file:write "unwritten")
  local u = must(ebb.net.udp "127.0.0.1")
  local child = must(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe" })
  local watch = must(ebb.fs.watch(dir))
  local signal = must(ebb.signal "usr2")
  ebb.spawn(b.read, b)
  ebb.spawn(listener.accept, listener)
  ebb.spawn(u.recvfrom, u)
  ebb.spawn(child.wait, child)
  ebb.spawn(ebb.fs.read, "README.md")
  ebb.spawn(ebb.blocking, function() end)
  ebb.yield()
  kept = { listener, a, b, file, u, child, watch, signal }
end)
