-- Between two waits nobody else runs, so data needs no lock. A lock is for what spans a wait.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local function many(n, fn)
    ebb.scope(function(s)
      for i = 1, n do s:spawn(fn, i) end
    end)
  end

  -- No wait inside: whole by itself.
  local cache = {}
  many(100, function(i) cache[#cache + 1] = i end)
  print("cached", #cache)

  -- Read, wait, write: the others write meanwhile, and are forgotten.
  local balance = 0
  many(10, function()
    local old = balance
    ebb.sleep(0.1)
    balance = old + 1
  end)
  print("without a lock", balance)

  -- The lock is left with the block, however it is left: first come, first served.
  local account = ebb.mutex { balance = 0 }
  many(10, function()
    local guard <close> = account:lock()
    local old = guard.value.balance
    ebb.sleep(0.1)
    guard.value.balance = old + 1
  end)
  print("with a lock", account:with(function(value) return value.balance end))

  -- Better: wait outside, lock for the change alone, which then needs no lock at all.
  local total, started = 0, ebb.now()
  many(10, function(i)
    ebb.sleep(0.1) -- the costly part, all ten at once
    total = total + i
  end)
  print("no lock held in a wait", total, ("%.1f s"):format(ebb.now() - started))

  -- What would hang elsewhere is an error with a code here.
  local guard = account:lock()
  print(account:try_lock())
  print((select(2, pcall(account.lock, account)):match "EBB%d+"))
  guard:close()

  -- Waiting for a lock is an op: it can be late, and then it was never taken.
  local holder = ebb.spawn(account.with, account, function() ebb.sleep(1) end)
  ebb.yield()
  print(ebb.timeout(0.5, account))
  holder:await()
  print("free again", account:with(function(value) return value.balance end))
end)
