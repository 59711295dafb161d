-- A connection and a datagram; what is left is closed with the runtime.
return function(ebb)
  local net = ebb.net
  local listener = assert(net.listen "127.0.0.1")
  local _, port = listener:local_address()
  local a = assert(net.connect("127.0.0.1", port))
  local b <close> = assert(listener:accept())
  assert(a:write "hello\n")
  assert(b:read() == "hello")
  ebb.spawn(a.read, a)
  ebb.spawn(listener.accept, listener)
  ebb.yield()
end
