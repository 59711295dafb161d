-- Starts busted under whatever interpreter runs this file: lua5.4 spec/busted.lua ARGS, or
-- build/asan/ebb --plain spec/busted.lua ARGS. (The program `busted` may start another Lua.)
--
-- EBB_SPEC_GC puts the collector under stress: "generational", or "eager" for cycles without pause.
--
-- EBB_SPEC_SEED shuffles the schedule: every runtime picks its ready tasks in an order drawn from this number, another
-- one for each test and repetition (--repeat=200 tries 200). Tests that are about the order are tagged #fifo. With
-- EBB_SPEC_SHAKE tasks are also woken for nothing and give way without need; tests in which a task must not are tagged
-- #whole.
--
-- EBB_SPEC_TORTURE=SEED[,DENSE[,GROWTH]] refuses requests for memory, so that Lua collects at any moment, and moves
-- blocks whenever it can: see spec/torture/allocator.c. EBB_SPEC_BUILD is the build that it is in. Tests that are about
-- when the collector runs are tagged #calm.
local torture = os.getenv "EBB_SPEC_TORTURE"
if torture and torture ~= "" then
  local path = (os.getenv "EBB_SPEC_BUILD" or "build/debug") .. "/spec/c/torture.so"
  _G.torture = assert(package.loadlib(path, "luaopen_torture"))()
  require "ebb.core" -- which keeps the allocator that it finds
  assert(_G.torture.ready() > 0, "nobody knows who fills buffers")
  table.insert(arg, 1, "--helper=spec/torture/arm.lua")
  table.insert(arg, 1, "--exclude-tags=calm")
end

local stress = os.getenv "EBB_SPEC_GC"
if stress == "generational" then
  collectgarbage "generational"
elseif stress == "eager" then
  collectgarbage("incremental", 0, 400)
elseif stress and stress ~= "" then
  error("EBB_SPEC_GC: no such mode: " .. stress)
end

local seed = os.getenv "EBB_SPEC_SEED"
if seed and seed ~= "" then
  local is_shaken = (os.getenv "EBB_SPEC_SHAKE" or "") ~= ""
  table.insert(arg, 1, "--helper=spec/shuffle.lua")
  table.insert(arg, 1, "--exclude-tags=fifo" .. (is_shaken and ",whole" or ""))
end

-- The stack is grown to what calls of C within calls of C can need before any test starts: valgrind ends a program
-- that gets a signal, such as that of a slice, at the moment in which its stack is about to grow.
local function grow(depth)
  if depth > 0 then string.gsub("x", "x", function() grow(depth - 1) end) end
end
grow(180)

require "busted.runner" { standalone = false }
