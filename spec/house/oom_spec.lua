-- The scenarios of the sweep of failing allocations: each is listed and says what it shows, and the
-- truth tests (a) to (h) of INVENTORY 2.9 and entries 146 to 175 of RELIABILITY have one, or a
-- reason why there is nothing to allocate.
local support = require "spec.house.support"

local scenarios = dofile "spec/oom/scenarios.lua"

-- What has no scenario.
local reasons = {}

local function head_of(path)
  local lines = {}
  for line in support.slurp(path):gmatch "[^\n]*" do
    if not line:find "^%-%-" then break end
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n")
end

local shown = {}
for _, scenario in ipairs(scenarios) do
  for entry in scenario[2]:gmatch "%S+" do shown[entry] = scenario[1] end
end

describe("the sweep of failing allocations:", function()
  it("every file of spec/oom is listed, and every listed one is there", function()
    local listed = { prelude = true, afterwards = true, scenarios = true }
    for _, scenario in ipairs(scenarios) do
      assert.is_nil(listed[scenario[1]], scenario[1] .. " twice")
      listed[scenario[1]] = true
      assert.is_true(#support.slurp("spec/oom/" .. scenario[1] .. ".lua") > 0)
    end
    for _, path in ipairs(support.files("spec/oom", ".lua")) do
      assert.is_true(listed[path:match "([^/]+)%.lua$"], path .. " is not in scenarios.lua")
    end
  end)

  it("the head of a file names what the list says it shows", function()
    for _, scenario in ipairs(scenarios) do
      local head = head_of("spec/oom/" .. scenario[1] .. ".lua")
      for entry in scenario[2]:gmatch "%S+" do
        assert.truthy((head .. "\n"):find(entry:gsub("%.", "%%.") .. "%D"),
          scenario[1] .. " does not say " .. entry)
      end
    end
  end)

  it("entries 146 to 175 and truth tests (a) to (h) each have one", function()
    local wanted = {}
    for i = 146, 175 do wanted[#wanted + 1] = "R" .. i end
    for letter in ("abcdefgh"):gmatch "." do wanted[#wanted + 1] = "2.9" .. letter end
    for _, entry in ipairs(wanted) do
      assert.is_true(shown[entry] ~= nil or reasons[entry] ~= nil, entry .. " has no scenario")
      assert.is_true(shown[entry] == nil or reasons[entry] == nil, entry .. " has one after all")
    end
  end)
end)
