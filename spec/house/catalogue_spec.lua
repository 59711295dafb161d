-- The catalogue of 175 failures that ebb must survive (R1 to R175), and what the seeds' libraries do (JS1, MX4, …): each
-- entry is named by a test, or listed in docs/reliability.md with the reason.
local support = require "spec.house.support"

-- How many behaviours of the inventory each family has.
local FAMILIES = {
  JS = 13, JM = 3, JQ = 1, TT = 6, AD = 1, TL = 4, OS = 11, BC = 13, WA = 17, MX = 10, RW = 8, SM = 10, BA = 4, NO = 7,
  OC = 6, SO = 1, FU = 15, SA = 15, SK = 7,
}

local text = {}
for _, ending in ipairs { ".lua", ".c", ".h", ".cpp", ".sh" } do
  for _, path in ipairs(support.files("spec", ending)) do
    if not path:find "catalogue_spec" then text[#text + 1] = support.slurp(path) end
  end
end
text[#text + 1] = support.slurp "spec/run"

local named = {}
for part in table.concat(text, "\n"):gmatch "%f[%w]%u%u?%d+%f[^%w]" do named[part] = true end

-- The page's entries without a test: rows of a table that begin with their names.
local function listed()
  local page, list = support.slurp "docs/reliability.md", {}
  for name in page:gmatch "\n| ([A-Z][A-Z]?%d+)[ ,|]" do list[name] = true end
  return list
end

describe("the catalogue:", function()
  it("each of the 175 entries is named by a test, or listed with the reason", function()
    local missing, reasons = {}, listed()
    for i = 1, 175 do
      local name = "R" .. i
      if not named[name] and not reasons[name] then missing[#missing + 1] = name end
    end
    assert.equal("", table.concat(missing, " "))
  end)

  it("each behaviour of the inventory is named by a test, or does not translate", function()
    local missing, reasons = {}, listed()
    for family, n in pairs(FAMILIES) do
      for i = 1, n do
        local name = family .. i
        if not named[name] and not reasons[name] then missing[#missing + 1] = name end
      end
    end
    table.sort(missing)
    assert.equal("", table.concat(missing, " "))
  end)
end)
