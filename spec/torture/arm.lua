--- Loaded into busted when EBB_SPEC_TORTURE is set (see spec/busted.lua): while the body of a test runs, requests for
-- memory are refused, so that the collector runs at any point of it. Which ones follows from the seed and the test's
-- name: a test alone (--filter) meets the same.
local busted = require "busted"

local torture = _G.torture
local seed, n_dense, growth, name

local function setting()
  local parts = {}
  for part in os.getenv("EBB_SPEC_TORTURE"):gmatch "[^,]+" do
    parts[#parts + 1] = tonumber(part)
  end
  seed, n_dense, growth = parts[1], parts[2] or 0, parts[3] or 1.5
end
setting()

-- The same in every process, unlike Lua's own.
local function hash(text)
  local h = 5381
  for i = 1, #text do h = (h * 33 + text:byte(i)) & 0x7fffffff end
  return h
end

busted.subscribe({ "test", "start" }, function(element)
  name = element.name or "?"
  -- what grows within callbacks of libuv, or between tasks (traces), cannot collect
  local source = element.trace and element.trace.source or ""
  local grows_there = source:find("spec/io/", 1, true) or source:find("spec/test/", 1, true)
  torture.start(seed + hash(name), n_dense, growth, not grows_there)
  return nil, true -- busted's own are told as well
end)
busted.subscribe({ "test", "end" }, function()
  torture.stop()
  return nil, true
end)

local function told()
  torture.stop()
  io.stderr:write(("torture of %q; again: EBB_SPEC_TORTURE=%s, EBB_SPEC_GC=%s and --filter with its name\n"):format(
    name, os.getenv "EBB_SPEC_TORTURE", os.getenv "EBB_SPEC_GC" or ""))
  return nil, true
end
busted.subscribe({ "failure", "it" }, told)
busted.subscribe({ "error", "it" }, told)

busted.subscribe({ "suite", "end" }, function()
  torture.stop()
  local stats = torture.stats()
  io.stderr:write(("\ntorture: %d collections forced, %d refused to ebb, %d blocks moved, %d checked\n"):format(
    stats.collections, stats.refused_to_ebb, stats.moved, stats.checked))
  return nil, true
end)
