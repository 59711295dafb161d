-- A guard frees what was made through it when its block is left: early return, error, cancel.
local ebb = require "ebb"

local function process(fails)
  local g <close> = ebb.guard()
  local first = g:array("f64", 100):fill(1)
  local second = g:array("f64", 100):fill(2)
  g:defer(function() print "  guard closes" end)
  ebb.sleep(0.1)
  if fails == "early" then return "early return" end
  if fails == "error" then error("no luck", 0) end
  ebb.sleep(0.1)
  return first:add(second):sum()
end

local function live() return ebb.alloc.stats().pool.live end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print(process())
  print(process "early")
  print(pcall(process, "error"))
  print(ebb.timeout(0.15, process))
  print("bytes left", live())

  -- Long work frees as it goes: a guard of its own for each item, inside the larger one.
  local g <close> = ebb.guard()
  local total = g:box(0)
  local peak = 0
  for i = 1, 1000 do
    local item <close> = g:guard()
    local samples = item:array("i32", 256):fill(i)
    if i % 100 == 0 then ebb.yield() end
    total:set(total:get() + samples:max())
    peak = math.max(peak, live())
  end
  print("total", total:get(), "never more than one item", peak < 2 * 1024 + 256)

  -- What is worth keeping moves to another guard, or to the collector.
  local keep <close> = ebb.guard()
  local function load()
    local scratch <close> = ebb.guard()
    local text = scratch:bytes(5):set(1, "asset")
    scratch:bytes(4096)
    return scratch:promote(text, keep)
  end
  print("kept", load():string())

  -- Or becomes a plain Lua string on the way out.
  local function render()
    local scratch <close> = ebb.guard()
    return scratch:buffer():put("a", 1, "b", 2):get()
  end
  print("string", render())
end)
print("bytes left", live())
