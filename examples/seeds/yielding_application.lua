-- The loop of an application: what it does waits where it has to, and gives way where it does not.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual", name = "application" }

local network, database = ebb.channel(16), {}

local function process_network()
  local message = network:try_recv() -- does not wait
  while message do
    database[#database + 1] = message
    message = network:try_recv()
  end
end

local function update_database()
  ebb.sleep(0.01)
end

-- A task that only computes gives way by itself now and then.
local progress = 0
local function compute()
  for i = 1, 10000 do
    progress = progress + i % 7
    if i % 1000 == 0 then ebb.yield() end
  end
end

rt:run(function()
  ebb.go(function()
    for i = 1, 20 do
      network:send("message " .. i)
      ebb.sleep(0.005)
    end
  end)
  ebb.go(compute)
  for round = 1, 10 do
    process_network()
    update_database()
    ebb.yield() -- everybody else has a turn
    if round % 5 == 0 then print("round " .. round, #database .. " messages") end
  end
  print("computed", progress)

  -- Turns go round in order; the one that yields goes to the back.
  local order = {}
  ebb.scope(function(s)
    for id = 1, 3 do
      s:spawn(function()
        for _ = 1, 3 do
          order[#order + 1] = id
          ebb.yield()
        end
      end)
    end
  end)
  print("turns", table.concat(order, " "))
end)
