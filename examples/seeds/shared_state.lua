-- State that many read and few write. Plain tables need no lock; where a read has to wait in the
-- middle, many readers may do so together, and a writer has it alone.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  -- No wait between looking and changing: nothing to lock, nothing to clone.
  local subscriptions = {}
  local function subscribe(guild, name)
    subscriptions[guild] = subscriptions[guild] or {}
    table.insert(subscriptions[guild], name)
  end
  ebb.scope(function(s)
    for i = 1, 100 do s:spawn(subscribe, i % 2 == 0 and "even" or "odd", i) end
  end)
  print("subscriptions", #subscriptions.even, #subscriptions.odd)

  -- Two parts that belong together, and saving them takes time.
  local store = { name = "v1", checksum = "v1" }
  local lock = ebb.rwlock()
  local started = ebb.now()
  local function note(...) print(("%.1f"):format(ebb.now() - started), ...) end

  local function read(id)
    local _ <close> = lock:read()
    local name = store.name
    ebb.sleep(0.5)
    note("reader " .. id, name, store.checksum == name and "whole" or "torn")
  end

  local function write(name)
    local guard <close> = lock:write()
    store.name = name
    ebb.sleep(1) -- nobody sees it now
    store.checksum = name
    note("written", name)
    guard:downgrade() -- still unchanged for us, and others may read with us
    ebb.sleep(0.2)
    note("still", store.name)
  end

  ebb.scope(function(s)
    s:spawn(read, 1)
    s:spawn(read, 2)
    ebb.sleep(0.1)
    s:spawn(write, "v2")
    ebb.sleep(0.1)
    s:spawn(read, 3) -- behind the writer: writers do not starve
    s:spawn(read, 4)
    s:spawn(write, "v3")
  end)

  -- A lock is an op, and may come too late; a second one of the same task would wait for itself.
  local _ <close> = lock:read()
  print("another writer", ebb.join(function() return ebb.timeout(0.1, lock:write_op()) == nil end))
  print("at once", lock:try_write())
  print("the same task", select(2, pcall(lock.write, lock)):match "EBB042")
end)
