-- Many send, one receives; the channel closes by itself when the last sender has gone.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  -- Counted handles: nobody has to know who is last, and a task that fails closes its own too.
  local channel = ebb.channel(32)
  do
    local first <close> = channel:sender()
    for id = 1, 3 do
      local tx = first:clone()
      ebb.go(function()
        local mine <close> = tx
        for n = 1, 2 do
          ebb.sleep(0.1 * id)
          mine:send(("producer %d, item %d"):format(id, n))
        end
      end)
    end
  end -- the first handle closes here; the channel stays open for the others
  local started = ebb.now()
  for item in channel do print(("%.1f"):format(ebb.now() - started), item) end
  print("and then:", channel:recv())
  print("sending:", channel:send "too late")

  -- A thousand senders, a channel with room for ten: nothing lost, nothing twice.
  local numbers, sum = ebb.channel(10), 0
  local senders = ebb.spawn(ebb.scope, function(s)
    s:defer(function() numbers:close() end)
    for i = 1, 1000 do s:spawn(numbers.send, numbers, i) end
  end)
  for n in numbers do sum = sum + n end
  senders:await()
  print("sum", sum)
end)
