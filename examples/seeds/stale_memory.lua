-- Memory kept longer than its owner lives is never touched: using it throws, and says why.
local ebb = require "ebb"

local function why(fn)
  local _, err = pcall(fn)
  return (tostring(err):match "EBB%d+: [^\n]*")
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  -- Kept across the end of its guard.
  local kept
  do
    local g <close> = ebb.guard()
    kept = g:array("u8", 8)
    ebb.sleep(0.1) -- waiting inside the block is fine: the guard is still open
    kept[1] = 255
  end
  print("read", why(function() return kept[1] end))
  print("write", why(function() kept[1] = 0 end))

  -- Sent to a task that outlives the owner.
  local owner = ebb.spawn(function()
    local data = ebb.task_guard():bytes(4)
    ebb.go(function()
      ebb.sleep(1)
      print("task", why(function() return data:string() end))
    end)
    ebb.sleep(0.5)
  end)
  owner:await()
  ebb.sleep(1)

  -- Freed twice, freed by another, out of range, of the wrong size.
  local g, other <close> = ebb.guard(), ebb.guard()
  local data = g:bytes(4)
  print("other", why(function() other:release(data) end))
  print("outside", why(function() return data[5] end))
  print("too large", why(function() data[1] = 256 end))
  g:release(data)
  print("twice", why(function() g:release(data) end))
  g:close()
  g:close() -- closing twice is harmless
end)
