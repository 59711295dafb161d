-- A function that waits is an ordinary function: call it, and its results are there.
local ebb = require "ebb"

local function greet(name, seconds)
  ebb.sleep(seconds)
  return "Hello, " .. name .. "!"
end

-- An outcome that callers must expect is returned, as in Lua's own library.
local function double(n)
  if n < 0 then return nil, "the number must not be negative" end
  ebb.sleep(0.05)
  return 2 * n
end

-- It waits only if it has to. Callers need not know.
local cache = {}
local function fetch(url)
  if not cache[url] then
    ebb.sleep(0.2)
    cache[url] = "<" .. url .. ">"
  end
  return cache[url]
end

local function took(what, fn, ...)
  local started = ebb.now()
  local results = table.pack(fn(...))
  for i = 1, results.n do results[i] = tostring(results[i]) end
  print(("%-7s %.2f s: %s"):format(what, ebb.now() - started, table.concat(results, " ")))
end

-- With a virtual clock nobody has to wait for an example.
local rt <close> = ebb.runtime { clock = "virtual" }
print(rt:run(function()
  took("one", greet, "Alice", 0.1)
  took("three", function()
    local first, second = greet("Alice", 0.1), greet("Bob", 0.2)
    return first, second, greet("Charlie", 0.3)
  end)
  took("double", double, 21)
  took("double", double, -1)
  took("fetch", fetch, "url1")
  took("again", fetch, "url1")
  return "what main returns,", "run returns"
end))
