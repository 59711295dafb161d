-- Echo on cqueues: a coroutine for each connection.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local loop = cqueues.new()
local server = socket.listen { host = "127.0.0.1", port = tonumber(arg[1]), nodelay = true }
loop:wrap(function()
  for client in server:clients() do
    client:setmode("bn", "bn")
    client:setvbuf "no"
    loop:wrap(function()
      while true do
        local data = client:read(-65536)
        if not data then break end
        client:write(data)
      end
      client:close()
    end)
  end
end)
assert(loop:loop())
