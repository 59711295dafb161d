-- Three connections for ten tasks: made when first needed, lent, checked, and always given back.
local ebb = require "ebb"

local opened, closed = 0, 0

local function connect()
  ebb.sleep(0.1)
  opened = opened + 1
  return { id = opened, healthy = true }
end

local function disconnect(connection)
  ebb.sleep(0.05) -- saying goodbye takes a while
  closed = closed + 1
  connection.healthy = false
end

local function query(connection, sql)
  ebb.sleep(0.5)
  if sql:find "crash" then error("server went away", 0) end
  return "connection " .. connection.id .. ": " .. sql
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local pool = ebb.resource_pool(connect, {
    max = 3,
    close = disconnect,
    check = function(connection) return connection.healthy end,
  })
  local started = ebb.now()

  local results = ebb.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(i)
    local lease <close> = pool:acquire() -- waits for its turn
    return query(lease.value, "select " .. i)
  end)
  for i = 1, #results, 3 do print(results[i]) end
  print(("%.1f s"):format(ebb.now() - started), opened .. " opened")

  -- Given back after an error, a timeout, a cancel.
  print(pcall(pool.with, pool, function(c) return query(c, "crash") end))
  print(ebb.timeout(0.2, pool.with, pool, function(c) return query(c, "slow") end))
  local task = ebb.spawn(pool.with, pool, function(c) return query(c, "unwanted") end)
  ebb.sleep(0.1)
  task:cancel()
  task:join()

  -- What is broken is thrown away, and replaced when next needed.
  do
    local lease <close> = pool:acquire()
    lease:discard()
  end
  local leases = {}
  for i = 1, 3 do leases[i] = pool:acquire() end
  print("opened", opened, "closed", closed)

  -- All are out: who waits may give up, and is not served then.
  print(pool:try_acquire())
  print(ebb.timeout(0.1, pool.acquire, pool))
  for _, lease in ipairs(leases) do lease:close() end
  pool:close()
  print(pool:acquire())
  print("opened", opened, "closed", closed)
end)
