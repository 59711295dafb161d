-- Echo on ebb: a task for each connection.
local ebb = require "ebb"

ebb.run(function()
  assert(ebb.net.serve("127.0.0.1", tonumber(arg[1]), function(sock)
    while true do
      local data = sock:read_some()
      if not data then return end
      sock:write(data)
    end
  end, { backlog = 1024 }))
end)
