-- Streams: values that come one after another, made when they are asked for.
local ebb = require "ebb"
local stream = ebb.stream

local function list(items) return table.concat(items, " ") end

local function numbers() return stream.range(1, 10) end

-- A stream whose items take time to make.
local function items()
  return stream.unfold(0, function(state)
    if state == 5 then return nil end
    ebb.sleep(0.1)
    return "item " .. state, state + 1
  end)
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print("map, filter", list(numbers()
    :map(function(x) return x * 2 end)
    :filter(function(x) return x % 4 == 0 end)
    :collect()))

  local started = ebb.now()
  items():for_each(function(item)
    ebb.sleep(0.1) -- one at a time: the next item is made after this
    print(("%.1f s"):format(ebb.now() - started), item)
  end)

  for chunk in numbers():chunks(3):each() do io.write("[", list(chunk), "] ") end
  print()

  print("collect in time", #ebb.timeout(0.6, function() return items():collect() end))
  print("too late", ebb.timeout(0.25, function() return items():collect() end))

  -- A for loop may stop when it likes; nothing more is made.
  for item in items():each() do
    print("taken", item)
    if item == "item 1" then break end
  end

  print("fold", numbers():fold(0, function(sum, x) return sum + x end))
  print("scan", list(numbers():scan(0, function(sum, x) return sum + x end):collect()))
  print("find", numbers():find(function(x) return x * x > 50 end))
end)
