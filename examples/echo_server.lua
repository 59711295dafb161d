-- An echo server: what a client sends comes back, line by line.
--
--   lua5.4 examples/echo_server.lua 7000      serves until Ctrl-C
--   lua5.4 examples/echo_server.lua           serves three clients of its own
local ebb = require "ebb"

local function echo(sock)
  for line in sock:lines() do
    sock:write(line, "\n")
  end
end

if arg[1] then
  ebb.run_until_signal(function()
    assert(ebb.net.serve("0.0.0.0", tonumber(arg[1]), echo, { max_connections = 1000 }))
  end)
  return
end

local function client(port, name)
  local sock <close> = assert(ebb.net.connect("127.0.0.1", port))
  sock:write("hello from ", name, "\n")
  local answer = sock:read()
  sock:write "and goodbye\n"
  sock:shutdown() -- no more from us; the server's handler ends
  return answer .. ", " .. sock:read()
end

ebb.run(function()
  local listener = assert(ebb.net.listen("127.0.0.1")) -- a free port
  local _, port = listener:local_address()
  local server = ebb.spawn(ebb.net.serve, listener, echo)
  for _, answer in ipairs(ebb.map({ "Ada", "Bob", "Eve" }, function(name)
    return client(port, name)
  end)) do
    print(answer)
  end
  listener:close()
  server:await()
  print "served"
end)
