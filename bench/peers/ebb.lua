-- ebb itself. The operations are taken out of the module and the metatables once, as a user in a
-- hurry would write it; peers get the same treatment.
local ebb = require "ebb"

local A = { name = "ebb", rendezvous = true }

A.spawn, A.join, A.go = ebb.spawn, ebb.await, ebb.go
A.yield, A.sleep, A.now = ebb.yield, ebb.sleep, ebb.now
A.channel = ebb.channel

function A.selector(channels, seconds)
  local arms = { table.unpack(channels) }
  arms[#arms + 1] = ebb.after(seconds)
  local select, unpack = ebb.select, table.unpack
  if #arms > 10 then return function() return select(arms) end end
  return function() return select(unpack(arms)) end
end

-- The same set of arms, put together once.
function A.chooser(channels, seconds)
  local arms = { table.unpack(channels) }
  arms[#arms + 1] = ebb.after(seconds)
  local await, choice = ebb.await, ebb.choice(table.unpack(arms))
  return function() return await(choice) end
end

function A.arm_timeout(seconds) return ebb.timer(seconds) end
A.timeout = ebb.timeout

function A.send_many(channel, list) channel:send_many(list) end
function A.recv_many(channel, max) return #channel:recv_many(max) end

A.broadcast, A.watch, A.stream = ebb.broadcast, ebb.watch, ebb.stream

local function close(guard) guard:close() end
function A.mutex()
  local mutex = ebb.mutex()
  return function() return mutex:lock() end, close
end
function A.semaphore()
  local semaphore = ebb.semaphore(1)
  return function() return semaphore:acquire() end, close
end

function A.run(main) ebb.run(main) end

return A
