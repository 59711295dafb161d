-- The scenarios of the sweep of failing system calls: each is listed, and each listed one is there.
local support = require "spec.house.support"

describe("the sweep of failing system calls:", function()
  it("every file of spec/syscalls is listed, and every listed one is there", function()
    local listed = { prelude = true, afterwards = true, scenarios = true }
    for _, scenario in ipairs(dofile "spec/syscalls/scenarios.lua") do
      assert.is_nil(listed[scenario[1]], scenario[1] .. " twice")
      listed[scenario[1]] = true
      assert.is_true(#support.slurp("spec/syscalls/" .. scenario[1] .. ".lua") > 0)
    end
    for _, path in ipairs(support.files("spec/syscalls", ".lua")) do
      assert.is_true(listed[path:match "([^/]+)%.lua$"], path .. " is not in scenarios.lua")
    end
  end)
end)
