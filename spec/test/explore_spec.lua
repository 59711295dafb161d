-- Some scenarios of spec/explore under a few schedules each, so that they also run under the sanitizers and with every
-- collector (without steps of the collector, which are slow in the heap of all specs).
local ebb = require "ebb"
local SCHEDULES = { seeds = 120, collector = false }

for _, file in ipairs { "structure", "tools" } do
  describe("under every schedule, " .. file .. ":", function()
    for _, scenario in ipairs(require("spec.explore." .. file)) do
      it(scenario[1], function() ebb.test.explore(scenario[2], SCHEDULES) end)
    end
  end)
end
