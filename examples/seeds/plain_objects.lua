-- Interfaces, generic functions and closures that wait are ordinary Lua: nothing marks them.
local ebb = require "ebb"

-- An interface is a method with a name; whether it waits is its own business.
local Processor = {}
Processor.__index = Processor

function Processor:process(input)
  ebb.sleep(0.1)
  return self.prefix .. input
end

function Processor:batch_process(inputs)
  return ebb.map(inputs, function(input) return self:process(input) end)
end

local Instant = setmetatable({ process = function(_, input) return "at once: " .. input end },
  Processor)
Instant.__index = Instant

-- A higher-order function that knows nothing of waiting.
local function each(items, fn)
  local results = {}
  for i, item in ipairs(items) do results[i] = fn(item) end
  return results
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  local function show(results)
    print(("%.1f s"):format(ebb.now() - started), table.concat(results, ", "))
    started = ebb.now()
  end

  local slow = setmetatable({ prefix = "processed: " }, Processor)
  show { slow:process "x" }
  show(slow:batch_process { "a", "b", "c" })
  show(setmetatable({}, Instant):batch_process { "a", "b" })

  -- A closure over what it needs; it lives as long as it is used.
  local factor = 2
  local function twice(n)
    ebb.sleep(0.1)
    return n * factor
  end
  show(each({ 1, 2, 3, 4, 5 }, twice)) -- one after another
  show(ebb.map({ 1, 2, 3, 4, 5 }, twice)) -- at once
  show(ebb.map({ 1, 2, 3, 4, 5 }, twice, 2)) -- two at a time

  -- Waits work in metamethods, iterators and pcall, too.
  local lazy = setmetatable({}, { __index = function(t, key)
    ebb.sleep(0.2)
    t[key] = key:upper()
    return t[key]
  end })
  show { lazy.title, lazy.title }
end)
