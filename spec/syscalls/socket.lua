-- A program for LuaSocket.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local socket = ebb.compat.socket
  local opened = {}
  local function keep(value, ...)
    must(value, ...)
    opened[#opened + 1] = value
    return value
  end
  local _ <close> = setmetatable({}, { __close = function()
    for _, each in ipairs(opened) do each:close() end
  end })
  local server = keep(socket.bind("127.0.0.1", 0))
  local _, port = must(server:getsockname())
  local a = keep(socket.connect("127.0.0.1", port))
  local b = keep(server:accept())
  is(must(a:send "line\nmore") , 9, "sent")
  is(must(b:receive()), "line", "a line")
  is(must(b:receive(4)), "more", "four")
  must(a:getpeername())
  must(a:setoption("tcp-nodelay", true))
  must(a:setoption("keepalive", true))
  must(a:setoption("linger", { on = false, timeout = 0 }))
  is(must(a:getoption "tcp-nodelay"), true, "the option")
  local readable = socket.select({ b, server }, nil, 0)
  -- where poll fails it is the call itself that tells
  if not faults then is(#readable, 0, "none is ready") end
  must(a:send "x")
  readable = socket.select({ b, server }, nil)
  if not faults then is(readable[1], b, "one is ready") end
  must(a:shutdown "send")
  a:close()
  is(must(b:receive "*a"), "x", "all")
  local u = keep(socket.udp4())
  must(u:setsockname("127.0.0.1", 0))
  local _, own = must(u:getsockname())
  must(u:sendto("datagram", "127.0.0.1", own))
  is(must(u:receive()), "datagram", "a datagram")
  must(socket.dns.toip "localhost")
  must(socket.dns.gethostname())
end)
