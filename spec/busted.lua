-- Starts busted under whatever interpreter runs this file: lua5.4 spec/busted.lua ARGS, or
-- build/asan/ebb --plain spec/busted.lua ARGS. (The program `busted` may start another Lua.)
--
-- EBB_SPEC_GC puts the collector under stress: "generational", or "eager" for cycles without pause.
local stress = os.getenv "EBB_SPEC_GC"
if stress == "generational" then
  collectgarbage "generational"
elseif stress == "eager" then
  collectgarbage("incremental", 0, 400)
elseif stress and stress ~= "" then
  error("EBB_SPEC_GC: no such mode: " .. stress)
end

require "busted.runner" { standalone = false }
