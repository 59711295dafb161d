-- Echo on ebb: a task for each connection; with ECHO=copy by ebb.copy, which makes no
-- strings.
local ebb = require "ebb"

local function echo(sock)
  while true do
    local data = sock:read_some()
    if not data then return end
    sock:write(data)
  end
end

local function copy(sock) ebb.copy(sock, sock) end

ebb.run(function()
  local handler = os.getenv "ECHO" == "copy" and copy or echo
  assert(ebb.net.serve("127.0.0.1", tonumber(arg[1]), handler, { backlog = 1024 }))
end)
