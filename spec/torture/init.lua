-- A script under torture from its first line to its last: LUA_INIT=@spec/torture/init.lua lua5.4 SCRIPT. Every request
-- for memory is refused once (or EBB_SPEC_TORTURE=SEED,DENSE,GROWTH, see spec/torture/allocator.c); EBB_SPEC_GC is
-- "generational" or "incremental". What was done is said on standard error.
if os.getenv "EBB_SPEC_GC" == "generational" then collectgarbage "generational" end
local path = (os.getenv "EBB_SPEC_BUILD" or "build/debug") .. "/spec/c/torture.so"
local torture = assert(package.loadlib(path, "luaopen_torture"))()
require "ebb.core" -- which keeps the allocator that it finds
torture.ready()
local seed, n_dense, growth = (os.getenv "EBB_SPEC_TORTURE" or "1"):match "^(%d+),?(%d*),?([%d.]*)"
torture.start(tonumber(seed), tonumber(n_dense) or math.maxinteger, tonumber(growth) or 1.5, true)

-- Finalised last, as it was made first.
torture.witness = setmetatable({}, { __gc = function()
  torture.stop()
  local stats = torture.stats()
  io.stderr:write(("torture: %d collections forced, %d refused to ebb, %d blocks moved, %d checked\n"):format(
    stats.collections, stats.refused_to_ebb, stats.moved, stats.checked))
end })
package.loaded["spec.torture"] = torture
