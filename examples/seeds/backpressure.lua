-- A producer five times as fast as its consumer: a bounded channel slows it down, and what may be
-- late, be dropped or be costly has its own answer.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  local function at() return ("%.2f s"):format(ebb.now() - started) end

  -- Send waits while ten are on their way; memory is bounded whatever the speeds.
  local queue, most = ebb.channel(10), 0
  ebb.join(function()
    for i = 1, 100 do
      queue:send(i)
      ebb.sleep(0.01)
    end
    print("producer done", at())
    queue:close()
  end, function()
    for _ in queue do
      most = math.max(most, #queue)
      ebb.sleep(0.05)
    end
    print("consumer done", at())
  end)
  print("never more than", most)

  -- Shedding: what finds no room is dropped, and counted.
  local feed, dropped = ebb.channel(2), 0
  for i = 1, 5 do
    local ok, why = feed:try_send(i)
    if not ok and why == "full" then dropped = dropped + 1 end
  end
  print("dropped", dropped)

  -- Patience: wait for room, but only so long.
  print("patience", ebb.timeout(0.1, feed:send_op(6)))
  print("after one is taken", feed:recv(), ebb.timeout(0.1, feed:send_op(6)))

  -- A slot first, the costly value after.
  feed:recv()
  do
    local permit <close> = feed:reserve()
    permit:send "made only because there was room"
  end
  print(feed:recv(), feed:recv())
end)
