-- Echo on copas: a coroutine for each connection.
local copas = require "copas"
local socket = require "socket"

local server = assert(socket.bind("127.0.0.1", tonumber(arg[1]), 1024))
copas.addserver(server, function(client)
  client:setoption("tcp-nodelay", true)
  while true do
    local data, err, partial = copas.receivePartial(client, 65536)
    data = data or partial
    if data and #data > 0 then copas.send(client, data) end
    if err == "closed" then return end
  end
end)
copas.loop()
