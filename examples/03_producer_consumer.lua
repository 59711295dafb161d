-- Producers wait while the channel is full, the consumer while it is empty.
local ebb = require "ebb"

local function produce(sender, name, n)
  local tx <close> = sender -- the channel closes with its last sender
  for i = 1, n do
    tx:send { from = name, value = i }
  end
  print(name .. " has sent " .. n)
end

ebb.run(function()
  local jobs = ebb.channel(2)
  local tx = jobs:sender()
  ebb.go(produce, tx:clone(), "anna", 4)
  ebb.go(produce, tx:clone(), "ben", 6)
  tx:close()

  local sums, fullest = { anna = 0, ben = 0 }, 0
  for job in jobs do
    fullest = math.max(fullest, #jobs)
    sums[job.from] = sums[job.from] + job.value
    ebb.sleep(0.001) -- slower than the producers: they wait for us
  end
  print("anna: " .. sums.anna .. ", ben: " .. sums.ben)
  print("never more than " .. fullest .. " values in the channel")
  print("recv on the closed channel:", jobs:recv())
end)
