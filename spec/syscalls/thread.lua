-- Calls on other threads, a thread, a pool, a channel between them.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  is(must(ebb.blocking(function(v) return v + 1 end, 1)), 2, "the call")
  local ch = ebb.thread.channel(1)
  local _ <close> = setmetatable({}, { __close = function() ch:close() end })
  local thread = must(ebb.thread.spawn(function(c)
    local ebb = require "ebb" -- luacheck: ignore
    ebb.sleep(0.0001)
    for i = 1, 3 do if not c:send(i) then return false end end
    return "sent"
  end, ch))
  local receiver = ebb.spawn(function()
    local sum = 0
    for _ = 1, 3 do sum = sum + must(ch:recv()) end
    return sum
  end)
  local ok, value = thread:join()
  if not ok then
    ch:close()
    receiver:join()
    error(value, 0)
  end
  is(value, "sent", "the thread's result")
  is(receiver:await(), 6, "the sum")
  local pool <close> = ebb.thread.pool { size = 2 }
  is(table.concat(pool:map({ 1, 2, 3 }, function(v) return v * 2 end), " "), "2 4 6", "the map")
end)
