-- R10: a connection, a line each way, one that is not there; a pair in memory; what is cancelled.
local ebb = require "ebb"
ebb.run(function()
  local net = ebb.net
  local listener <close> = assert(net.listen("127.0.0.1"))
  local _, port = listener:local_address()
  local a <close> = assert(net.connect("127.0.0.1", port))
  local b <close> = assert(listener:accept())
  assert(a:write("hello ", 1, "\n"))
  assert(b:read() == "hello 1")
  local task = ebb.spawn(listener.accept, listener)
  local reader = ebb.spawn(a.read, a)
  ebb.yield()
  task:cancel()
  task:join()
  assert(b:write "x\n")
  assert(reader:await() == "x")
  local c <close>, d = net.duplex(4)
  local _ <close> = d
  local writer = ebb.spawn(c.write, c, "0123456789")
  assert(d:read_exactly(10) == "0123456789")
  writer:await()
end)
