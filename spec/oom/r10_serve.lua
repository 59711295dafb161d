-- R10: a server with a limit, a name, what is copied, a path.
local ebb = require "ebb"
ebb.run(function()
  local net = ebb.net
  local path = os.tmpname()
  os.remove(path)
  local listener <close> = assert(net.unix.listen(path))
  local token <close> = ebb.token()
  local server = ebb.spawn(net.serve, listener, function(sock) ebb.copy(sock, sock) end,
    { token = token, max_connections = 1 })
  local _ <close> = setmetatable({}, { __close = function()
    token:cancel()
    server:cancel()
    server:join()
  end })
  assert(net.resolve "localhost")
  local sock <close> = net.unix.connect(path)
  if not sock then return end -- the server had no memory, and has closed
  sock:write "one\ntwo\n"
  local line = ebb.timeout(0.05, sock.read, sock)
  assert(line == "one" or line == nil)
  sock:shutdown()
end)
