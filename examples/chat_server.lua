-- A chat room: everybody hears what anybody says, through one broadcast channel. A client that
-- does not read stops nobody: it loses the oldest lines and is told how many.
--
--   lua5.4 examples/chat_server.lua 7001      serves until Ctrl-C: connect with nc
--   lua5.4 examples/chat_server.lua           a conversation of its own
local ebb = require "ebb"

local room = ebb.broadcast(64)

--- To one client, what is said by all.
local function tell(sock, heard)
  while true do
    local line, why, n = heard:recv()
    if line then
      sock:write(line, "\n")
    elseif why == "lagged" then
      sock:write("(you missed ", n, " lines)\n")
    else
      return
    end
  end
end

local function chat(sock)
  sock:write "your name?\n"
  local name = sock:read()
  if not name then return end
  local heard <close> = room:subscribe()
  room:send(name .. " joined")
  -- Two tasks use the socket, one to read and one to write; when the client has gone the writer
  -- is not needed any more.
  local s <close> = ebb.scope()
  local writer = s:spawn(tell, sock, heard)
  while true do
    local line = sock:read() -- nil: it has gone, this way or that
    if not line then break end
    room:send(name .. ": " .. line)
  end
  writer:cancel()
  room:send(name .. " left")
end

if arg[1] then
  ebb.run_until_signal(function()
    assert(ebb.net.serve("0.0.0.0", tonumber(arg[1]), chat))
  end)
  return
end

local function join(port, name)
  local sock = assert(ebb.net.connect("127.0.0.1", port))
  assert(sock:read() == "your name?")
  sock:write(name, "\n")
  assert(sock:read() == name .. " joined")
  return sock
end

ebb.run(function()
  local listener = assert(ebb.net.listen("127.0.0.1"))
  local _, port = listener:local_address()
  local server = ebb.spawn(ebb.net.serve, listener, chat)
  local ada = join(port, "Ada")
  local bob = join(port, "Bob")
  print("Ada hears", ada:read())
  ada:write "hello?\n"
  print("Bob hears", bob:read())
  print("Ada hears", ada:read())
  bob:write "hello!\n"
  print("Ada hears", ada:read())
  bob:close()
  print("Ada hears", ada:read())
  ada:close()
  listener:close()
  server:await()
end)
