-- Nothing stays of connections: spec/io/connections.lua in a process of its own.
local support = require "spec.runtime.support"

--- Fewer where everything takes longer: sanitizers, collectors under stress, further schedules.
local function count()
  local slow = support.interpreter():find "asan" or support.interpreter():find "valgrind"
    or os.getenv "EBB_SPEC_GC" or os.getenv "EBB_SPEC_SEED"
  return tonumber(os.getenv "EBB_SPEC_CONNECTIONS") or slow and 1400 or 10000
end

describe("connections", function()
  it("leave no handle, descriptor, thread or byte behind, 10,000 of them", function()
    local result = support.shell(("exec %s spec/io/connections.lua %d")
      :format(support.interpreter(), count()), 120)
    if result.code ~= 0 then error(result.out .. result.err, 0) end
    support.contains(count() .. " connections", result.out)
  end)
end)
