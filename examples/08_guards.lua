-- A guard owns memory outside the Lua heap, and whatever else must be let go: newest first, when
-- its block is left, however it is left.
local ebb = require "ebb"

-- Packs samples into a packet; the scratch memory is gone when it returns.
local function packet(samples)
  local g <close> = ebb.guard()
  local scratch = g:vec("f32"):push(table.unpack(samples))
  scratch:mul(2):add(1) -- all of it in one call
  local buf = g:buffer():pack("<I2", #scratch):append_from(scratch)
  return buf:get(), scratch
end

local bytes, stale = packet { 0.5, 1.5, 2.5 }
print("packet", #bytes, string.unpack("<I2fff", bytes))
-- What was freed is never touched: using it throws, and the message says why.
print((select(2, pcall(function() return stale[1] end)):match("EBB%d+: .*")))

-- Functions and objects are closed in order with the memory; a failure does not stop the rest.
local ok, err = pcall(function()
  local g <close> = ebb.guard()
  local log = g:bytes(16):set(1, "log")
  g:defer(function() print("flush", log:sub(1, 3)) end) -- older than it is, so still there
  g:own(setmetatable({}, { __close = function() print "connection closed" end }))
  g:guard():defer(function() print "child first" end)
  error("broken pipe", 0)
end)
print(ok, err)

-- A task's own guard lives as long as the task, cancel included.
ebb.run(function()
  local task = ebb.spawn(function()
    local g = ebb.task_guard()
    local work = g:bytes(1000)
    g:defer(function()
      ebb.sleep(0.01) -- a cleanup may wait
      print("task guard closes, still there:", #work)
    end)
    ebb.sleep(60)
  end)
  ebb.yield()
  print("pool while it runs", ebb.alloc.stats().pool.live)
  task:cancel()
  print("joined", (task:join()))
end)

-- What is worth keeping moves out; the loop after it asks the system for no memory at all.
local keep, line = ebb.guard()
local function round(i)
  local g <close> = ebb.guard()
  local name = g:bytes(8):set(1, ("%08d"):format(i))
  g:vec("i32", 64):push(i)
  return i == 100 and g:promote(name, keep) or nil
end
for i = 1, 100 do line = round(i) end
local before = ebb.alloc.stats().pool.mallocs
for i = 1, 99 do round(i) end
print("mallocs", ebb.alloc.stats().pool.mallocs - before, "kept", line:string())
keep:close()
print("pool at the end", ebb.alloc.stats().pool.live)
