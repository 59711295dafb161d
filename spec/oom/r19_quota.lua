-- R19, R155: quotas of memory and the state's own allocator, installed while it runs out.
-- luacheck: globals faults kept
local ebb = require "ebb"

ebb.alloc.install()
kept = {}

local function hog()
  kept = {}
  for i = 1, math.huge do kept[i] = { i } end
end

local function over(task)
  local ok, err = task:join()
  -- without memory it may fail otherwise, or a block of its quota be refused
  return not ok and (tostring(err):find("EBB031", 1, true) or tostring(err):find "memory")
end

ebb.run(function()
  assert(over(ebb.spawn_with({ memory = 60000 }, hog)) or faults)
  local outer = ebb.spawn_with({ memory = 200000 }, function()
    ebb.spawn(ebb.sleep, 100)
    local inner = ebb.spawn_with({ memory = 30000 }, hog)
    inner:join()
    kept[1] = { ("x"):rep(20000) }
    pcall(string.rep, "x", 300000)
    hog()
  end)
  assert(over(outer) or faults)
  assert(outer:stats().bytes_allocated > 0 or faults) -- it may never have run
end)

local rt = ebb.runtime { memory = 100000, on_task_error = function() end }
pcall(rt.run, rt, hog)
rt:close()
local bytes, soft = ebb.alloc.limit { bytes = 1 << 30, soft = 1 << 20, on_soft = function() end }
assert(not bytes and not soft)
ebb.alloc.limit {}
assert(ebb.alloc.stats().state.live > 0)
