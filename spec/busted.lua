-- Starts busted under whatever interpreter runs this file: lua5.4 spec/busted.lua ARGS, or
-- build/asan/ebb --plain spec/busted.lua ARGS. (The program `busted` may start another Lua.)
--
-- EBB_SPEC_GC puts the collector under stress: "generational", or "eager" for cycles without pause.
--
-- EBB_SPEC_SEED shuffles the schedule: every runtime picks its ready tasks in an order drawn from this number, another
-- one for each test and repetition (--repeat=200 tries 200). Tests that are about the order are tagged #fifo.
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
  table.insert(arg, 1, "--helper=spec/shuffle.lua")
  table.insert(arg, 1, "--exclude-tags=fifo")
end

-- The stack is grown to what calls of C within calls of C can need before any test starts: valgrind ends a program
-- that gets a signal, such as that of a slice, at the moment in which its stack is about to grow.
local function grow(depth)
  if depth > 0 then string.gsub("x", "x", function() grow(depth - 1) end) end
end
grow(180)

require "busted.runner" { standalone = false }
