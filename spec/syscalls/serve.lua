-- A server that answers several.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local listener <close> = must(ebb.net.listen("127.0.0.1"))
  local _, port = must(listener:local_address())
  local token <close> = ebb.token()
  local server = ebb.spawn(ebb.net.serve, listener, function(sock)
    local line = sock:read()
    if line then sock:write(line:upper(), "\n") end
  end, { token = token, max_connections = 2 })
  local _ <close> = setmetatable({}, { __close = function()
    token:cancel()
    server:cancel()
    server:join()
  end })
  for i = 1, 3 do
    local sock <close> = must(ebb.net.connect("127.0.0.1", port))
    must(sock:write("line ", i, "\n"))
    is(must(sock:read()), "LINE " .. i, "the answer")
  end
end)
