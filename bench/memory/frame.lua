-- Temporaries of a frame: lua5.4 bench/memory/frame.lua [--quick] [--rounds N] [--frames N]
--
-- 10,000 values of three numbers are made, written and read in each of 600 frames, beside 100,000
-- live objects, with Lua's own incremental collector running as it likes. Every variant runs in a
-- process of its own; rounds are interleaved, in turns forwards and backwards; the row is the round
-- with the median mean. All sides are reset, none is made anew: the list of tables, the guard, the
-- arena stay. Times are CPU milliseconds a frame; "of tables" compares with the tables of the same
-- round (the median of the rounds' ratios). Garbage is what Lua's heap grew by in a frame.
local clock = os.clock
local LUA = os.getenv "LUA" or arg[-1] or "lua5.4"
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
if not os.getenv "EBB_BENCH_CPATH" then
  package.cpath = "build/release/cmod/?.so;" .. package.cpath
end

local option = { rounds = 5, frames = 600, live = 100000, values = 10000 }
for i, word in ipairs(arg) do
  local name = word:match "^%-%-(%l+)$"
  if name == "quick" then
    option.rounds, option.frames, option.live = 1, 20, 10000
  elseif name then
    option[name] = tonumber(arg[i + 1]) or arg[i + 1]
  end
end
local N = option.values

-- --- what a frame does: each maker returns a function that runs one frame and returns a sum ------

local variants = {
  { "tables", function()
    local list = {}
    return function()
      for i = 1, N do list[i] = { i, i + 0.5, 1.5 } end
      local sum = 0
      for i = 1, N do
        local v = list[i]
        sum = sum + v[1] + v[2] + v[3]
      end
      return sum
    end
  end },
  { "tables, kept and overwritten", function()
    local list = {}
    for i = 1, N do list[i] = { 0, 0, 0 } end
    return function()
      for i = 1, N do
        local v = list[i]
        v[1], v[2], v[3] = i, i + 0.5, 1.5
      end
      local sum = 0
      for i = 1, N do
        local v = list[i]
        sum = sum + v[1] + v[2] + v[3]
      end
      return sum
    end
  end },
  { "guard: a handle a value", function(ebb)
    local guard, list = ebb.guard(), {}
    local array, unpack = guard.array, guard:array("f64", 3).unpack
    return function()
      for i = 1, N do list[i] = array(guard, "f64", 3):set(1, i, i + 0.5, 1.5) end
      local sum = 0
      for i = 1, N do
        local x, y, z = unpack(list[i])
        sum = sum + x + y + z
      end
      guard:reset()
      return sum
    end
  end },
  { "frame: a handle a value", function(ebb)
    local list, begin, finish = {}, ebb.alloc.begin_frame, ebb.alloc.end_frame
    return function()
      local f = begin()
      local array = f.array
      for i = 1, N do list[i] = array(f, "f64", 3):set(1, i, i + 0.5, 1.5) end
      local sum, unpack = 0, list[1].unpack
      for i = 1, N do
        local x, y, z = unpack(list[i])
        sum = sum + x + y + z
      end
      finish()
      return sum
    end
  end },
  { "frame: handles renewed", function(ebb)
    local list, begin, finish = {}, ebb.alloc.begin_frame, ebb.alloc.end_frame
    ebb.alloc.in_frame(function(f)
      for i = 1, N do list[i] = f:array("f64", 3) end
    end)
    return function()
      local f = begin()
      local renew, set, unpack = f.renew, list[1].set, list[1].unpack
      for i = 1, N do set(renew(f, list[i]), 1, i, i + 0.5, 1.5) end
      local sum = 0
      for i = 1, N do
        local x, y, z = unpack(list[i])
        sum = sum + x + y + z
      end
      finish()
      return sum
    end
  end },
  { "frame: one array, set and unpack", function(ebb)
    local begin, finish = ebb.alloc.begin_frame, ebb.alloc.end_frame
    return function()
      local f = begin()
      local a = f:array("f64", 3 * N)
      local set, unpack = a.set, a.unpack
      for i = 1, N do set(a, 3 * i - 2, i, i + 0.5, 1.5) end
      local sum = 0
      for i = 1, N do
        local x, y, z = unpack(a, 3 * i - 2, 3 * i)
        sum = sum + x + y + z
      end
      finish()
      return sum
    end
  end },
  { "frame: one array, x[i]", function(ebb)
    local begin, finish = ebb.alloc.begin_frame, ebb.alloc.end_frame
    return function()
      local f = begin()
      local a = f:array("f64", 3 * N)
      for i = 1, N do
        local at = 3 * i
        a[at - 2], a[at - 1], a[at] = i, i + 0.5, 1.5
      end
      local sum = 0
      for i = 1, N do
        local at = 3 * i
        sum = sum + a[at - 2] + a[at - 1] + a[at]
      end
      finish()
      return sum
    end
  end },
  { "frame: whole arrays", function(ebb)
    local begin, finish = ebb.alloc.begin_frame, ebb.alloc.end_frame
    local ids = ebb.guard():array("f64", N)
    for i = 1, N do ids[i] = i end
    return function()
      local f = begin()
      local x, y = f:array("f64", N):copy(ids), f:array("f64", N):copy(ids):add(0.5)
      local z = f:array("f64", N):fill(1.5)
      local sum = x:sum() + y:sum() + z:sum()
      finish()
      return sum
    end
  end },
}

-- --- one run: prints mean, p99, worst, garbage ---------------------------------------------------

local function run(variant)
  local ebb = require "ebb"
  ebb.alloc.configure { frame = 1 << 20 }
  local scene = {}
  for i = 1, option.live do scene[i] = { x = i, y = i } end
  ebb.scene = scene -- kept alive
  local frame = variant[2](ebb)
  local expected = N * (N + 1) + 0.5 * N + 1.5 * N
  local times = {}
  collectgarbage()
  for _ = 1, 20 do assert(math.abs(frame() - expected) < 1e-3) end
  for i = 1, option.frames do
    local start = clock()
    frame()
    times[i] = (clock() - start) * 1e3
  end
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  frame()
  local garbage = collectgarbage "count" - before
  local mean = 0
  for _, t in ipairs(times) do mean = mean + t / #times end
  table.sort(times)
  print(mean, times[math.ceil(#times * 0.99)], times[#times], garbage,
    ebb.alloc.stats().frame.spills)
end

-- --- all of them ---------------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function run_all()
  local results = {}
  for i = 1, #variants do results[i] = {} end
  for round = 1, option.rounds do
    for k = 1, #variants do
      local i = round % 2 == 1 and k or #variants + 1 - k
      local pipe = assert(io.popen(("%s %s --one %d --frames %d --live %d --values %d"):format(
        LUA, arg[0], i, option.frames, option.live, N)))
      local text = pipe:read "a"
      assert(pipe:close(), text)
      local row = {}
      for word in text:gmatch "%S+" do row[#row + 1] = tonumber(word) end
      results[i][round] = row
    end
  end

  print(("%-34s %7s %7s %7s  %-17s %10s %9s"):format("CPU ms a frame", "mean", "p99", "worst",
    "of tables: mean p99", "garbage KB", "ns/value"))
  for i, variant in ipairs(variants) do
    local means, p99s = {}, {}
    for round = 1, option.rounds do
      means[round] = results[i][round][1] / results[1][round][1]
      p99s[round] = results[i][round][2] / results[1][round][2]
    end
    table.sort(results[i], function(a, b) return a[1] < b[1] end)
    local row = results[i][(option.rounds + 1) // 2]
    print(("%-34s %7.2f %7.2f %7.2f  %8.2f %8.2f   %10.1f %9.0f"):format(variant[1], row[1], row[2],
      row[3], median(means), median(p99s), row[4], row[1] / N * 1e6))
    assert(row[5] == 0, "the arena is too small")
  end
end

if option.one then run(variants[option.one]) else run_all() end
