-- What the collector does to frames: lua5.4 bench/memory/gc_scene.lua [--quick] [--frames N]
--                                    [--budget MS] [--coroutines N]
--
-- A scene with 1,000,000 live objects (tables of three numbers, in groups of 1000) and 10,000
-- temporary ones a frame, stepped as a host does it, frame after frame without a rest. The same
-- scene with the stock collector, incremental and generational, and with gc = "frame"; each in a
-- process of its own. Times are of the process's CPU, so that a busy machine disturbs little:
--   frame   what one step took: the scene's own work and the collector's
--   pause   the same without the median frame of a run whose collector was off
--   piece   the longest thing the collector did in one go (known for gc = "frame")
-- At the end the resident memory over 100,000 frames of a scene a hundred times smaller.
local clock = os.clock
local LUA = os.getenv "LUA" or arg[-1] or "lua5.4"
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
if not os.getenv "EBB_BENCH_CPATH" then
  package.cpath = "build/release/cmod/?.so;" .. package.cpath
end

local option = { frames = 2000, budget = 3, live = 1000000, temporaries = 10000, coroutines = 0 }
for i, word in ipairs(arg) do
  local name = word:match "^%-%-(%l+)$"
  if name == "quick" then
    option.frames, option.live, option.quick = 100, 50000, true
  elseif name then
    option[name] = tonumber(arg[i + 1]) or arg[i + 1]
  end
end

-- --- one run ------------------------------------------------------------------------------------

local function resident_kib()
  local file = io.open "/proc/self/status"
  if not file then return 0 end
  local kib = file:read("a"):match "VmRSS:%s*(%d+)"
  file:close()
  return tonumber(kib) or 0
end

local function new_scene(n)
  local groups = {}
  for i = 1, n // 1000 do
    local group = {}
    for j = 1, 1000 do group[j] = { i, j, i * j } end
    groups[i] = group
  end
  return groups
end

-- What a game's frame does to memory: values that live for a moment, a few that stay.
local function frame(scene, n, at)
  local sum = 0
  for i = 1, n do
    local v = { at, i, 0.5 }
    sum = sum + v[1] + v[3]
  end
  local group = scene[at % #scene + 1]
  group[at % 1000 + 1] = { at, sum, n }
end

local function percentile(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

local function run_scene(mode, n_live, n_temporaries, n_frames, budget_s, each)
  local ebb = require "ebb"
  local scene = new_scene(n_live)
  collectgarbage()
  collectgarbage(mode == "generational" and "generational" or "incremental")
  if mode == "off" then collectgarbage "stop" end
  local rt = ebb.runtime { gc = mode == "ebb" and "frame" or nil }
  rt:spawn(function()
    for at = 1, math.huge do
      frame(scene, n_temporaries, at)
      ebb.next_frame()
    end
  end)
  for _ = 1, option.coroutines do rt:spawn(function() ebb.await(ebb.never()) end) end
  rt:step()
  local info
  for at = 1, n_frames do
    local start = clock()
    info = rt:step(budget_s, 1 / 60)
    each(at, clock() - start, info)
  end
  rt:close()
  return info
end

local function child_frames(mode)
  local times, piece, forced = {}, 0, 0
  local peak = 0
  local info = run_scene(mode, option.live, option.temporaries,
    mode == "off" and math.min(60, option.frames) or option.frames, option.budget / 1000,
    function(at, seconds, step)
      times[at] = seconds
      piece = math.max(piece, step.gc_max)
      forced = forced + (step.gc_forced or 0)
      if at % 64 == 0 then peak = math.max(peak, collectgarbage "count") end
    end)
  table.sort(times)
  print(percentile(times, 0.5), percentile(times, 0.99), times[#times], piece, forced,
    info.gc_cycles or 0, peak)
end

local function child_resident(mode)
  local marks, n = {}, option.quick and 2000 or 100000
  run_scene(mode, 10000, 100, n, option.budget / 1000, function(at)
    if at % (n // 10) == 0 then marks[#marks + 1] = resident_kib() end
  end)
  print(table.concat(marks, " "))
end

if option.child then
  local run = option.child == "resident" and child_resident or child_frames
  run(option.mode)
  return
end

-- --- all of them --------------------------------------------------------------------------------

local function run_child(child, mode)
  local words = { LUA, arg[0], "--child", child, "--mode", mode }
  for i = 1, #arg do words[#words + 1] = arg[i] end
  local pipe = io.popen(table.concat(words, " "))
  local line = pipe:read "l"
  if not pipe:close() or not line then error(mode .. " failed") end
  return line
end

local function numbers(line)
  local list = {}
  for word in line:gmatch "%S+" do list[#list + 1] = tonumber(word) end
  return list
end

local function compare()
  print(("%d live objects, %d temporaries a frame, %d frames, budget %g ms, %d coroutines; CPU ms")
    :format(option.live, option.temporaries, option.frames, option.budget, option.coroutines))
  local base = numbers(run_child("frames", "off"))
  print(("frame without a collector: p50 %.2f, max %.2f"):format(base[1] * 1e3, base[3] * 1e3))
  print "                frame p50     p99     max   pause p99     max   piece   heap peak MB"
  for _, mode in ipairs { "incremental", "generational", "ebb" } do
    local f = numbers(run_child("frames", mode))
    print(("%-14s %10.2f %7.2f %7.2f %11.2f %7.2f %7s %14.0f"):format(mode, f[1] * 1e3, f[2] * 1e3,
      f[3] * 1e3, (f[2] - base[1]) * 1e3, (f[3] - base[1]) * 1e3,
      mode == "ebb" and ("%.2f"):format(f[4] * 1e3) or "", f[7] / 1024))
    if mode == "ebb" then
      print(("%15s%d cycles, %d steps that the growth of the heap demanded")
        :format("", f[6], f[5]))
    end
  end
  print "resident KiB, 100,000 frames of 10,000 live objects and 100 temporaries each, in tenths"
  for _, mode in ipairs { "incremental", "ebb" } do
    print(("%-14s %s"):format(mode, run_child("resident", mode)))
  end
end

compare()
