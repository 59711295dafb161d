-- All or nothing against a database: rolled back on error, early return, timeout and cancel.
local ebb = require "ebb"

local db = { rows = { apples = 5, pears = 1 } }

local Transaction = {}
Transaction.__index = Transaction

local function begin()
  ebb.sleep(0.01)
  return setmetatable({ changes = {} }, Transaction)
end

function Transaction:get(name)
  ebb.sleep(0.01)
  return self.changes[name] or db.rows[name]
end

function Transaction:set(name, n)
  ebb.sleep(0.01)
  self.changes[name] = n
end

function Transaction:commit()
  ebb.shield(function() -- never half a commit
    for name, n in pairs(self.changes) do
      ebb.sleep(0.01)
      db.rows[name] = n
    end
    self.committed = true
  end)
end

function Transaction:__close()
  if self.committed then return end
  ebb.sleep(0.01) -- a rollback may wait for its answer
  io.write "(rolled back) "
end

local function move(from, to, n)
  local tx <close> = begin()
  local have = tx:get(from)
  if not have then error("there are no " .. from, 0) end
  tx:set(from, have - n)
  tx:set(to, tx:get(to) + n)
  if tx:get(from) < 0 then return nil, "not enough " .. from end
  tx:commit()
  return "moved"
end

local function show(...)
  print(...)
  print("  apples " .. db.rows.apples .. ", pears " .. db.rows.pears)
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  show(move("apples", "pears", 2))
  show(move("apples", "pears", 20))
  show(pcall(move, "plums", "pears", 1))
  show(ebb.timeout(0.03, move, "apples", "pears", 1))
  -- In the middle of the commit the deadline has to wait.
  show(ebb.timeout(0.065, move, "pears", "apples", 1))
end)
