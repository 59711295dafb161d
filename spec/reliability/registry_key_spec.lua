-- The registry belongs to the users of the debug library too. What ebb keeps there by name may be
-- taken away without a crash; its other keys are addresses, which a script cannot make (tampering
-- with those is out of scope).
local support = require "spec.runtime.support"

describe("debug.getregistry", function()
  it("R151 without ebb's named entries: what is open goes on", function()
    support.prints("true\n", [[
      local ebb = require "ebb"
      local registry = debug.getregistry()
      for key in pairs(registry) do
        if type(key) == "string" and key:find "^ebb" then registry[key] = nil end
      end
      print((pcall(ebb.run, function()
        local ch = ebb.channel(1)
        ch:send(1)
        return ch:recv(), ebb.timeout(0.01, ebb.sleep, 1), ebb.spawn(ebb.yield):join()
      end)))
    ]])
  end)
end)
