-- A batch whose results are used as they come, each with its own error.
local ebb = require "ebb"

local function process(item)
  ebb.sleep((item * 3 % 7) / 10)
  if item == 4 then error("item 4 is broken", 0) end
  return item * 100
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  do
    local set <close> = ebb.join_set()
    for item = 1, 6 do set:spawn(process, item):name("item " .. item) end
    print("running", #set)
    for task in set do
      print(("%.1f s"):format(ebb.now() - started), task:name(), task:join())
    end
  end

  -- The first three will do. What is still running ends with the block, before the next line.
  do
    local set <close> = ebb.join_set()
    for item = 5, 10 do
      set:spawn(function()
        local _ <close> = setmetatable({}, { __close = function(_, err)
          if err then print("  " .. item .. " given up") end
        end })
        return process(item)
      end)
    end
    for _ = 1, 3 do print((select(2, set:join_next():join()))) end
  end
  print("alive:", rt:metrics().alive)
end)
