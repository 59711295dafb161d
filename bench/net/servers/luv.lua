-- Echo on luv: callbacks, writes tried at once.
local uv = require "luv"

local server = uv.new_tcp()
server:bind("127.0.0.1", tonumber(arg[1]))
server:listen(1024, function()
  local client = uv.new_tcp()
  server:accept(client)
  client:nodelay(true)
  client:read_start(function(_, data)
    if not data then return client:close() end
    local n = client:try_write(data) or 0
    if n < #data then client:write(data:sub(n + 1)) end
  end)
end)
uv.run()
