-- Names and options of sockets.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local listener <close> = must(ebb.net.listen("127.0.0.1", 0, { reuse_port = true, backlog = 3 }))
  local _, port = must(listener:local_address())
  local a <close> = must(ebb.net.connect("127.0.0.1", port, { nodelay = true }))
  must(a:nodelay(false))
  must(a:keepalive(true, 10, 5, 3))
  must(a:linger(1))
  must(a:linger(nil))
  must(a:send_buffer(20000))
  is(must(a:send_buffer()) >= 20000, true, "the buffer")
  must(a:receive_buffer(20000))
  must(a:ttl(9))
  is(must(a:ttl()), 9, "ttl")
  local _, peer = must(a:peer())
  is(peer, port, "the peer's port")
  local host = must(a:local_address())
  is(host, "127.0.0.1", "the own address")
  local ok, why, code = a:take_error()
  if not ok and why then must(nil, why, code) end
  local six = ebb.net.listen("::1")
  if six then six:close() end
end)
