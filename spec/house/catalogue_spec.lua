-- The catalogue of 175 failures that ebb must survive (R1 to R175), and what the seeds' libraries do (JS1, MX4, …): each
-- entry is named by a test, or listed here or in docs/reliability.md with the reason.
local support = require "spec.house.support"

-- How many behaviours of the inventory each family has.
local FAMILIES = {
  JS = 13, JM = 3, JQ = 1, TT = 6, AD = 1, TL = 4, OS = 11, BC = 13, WA = 17, MX = 10, RW = 8, SM = 10, BA = 4, NO = 7,
  OC = 6, SO = 1, FU = 15, SA = 15, SK = 7,
}

-- What has no test, and why.
local NOT_TRANSLATED = {
  WA11 = "send_if_modified: `w:update` with a function that compares does it; nothing in Lua is costly to notify",
  RW4 = "a limit of readers: a semaphore is that",
  OC5 = "reading an empty cell, taking the value out: a once is what it computes; a variable is the rest",
  FU15 = "maybe_done, option and either futures: a task keeps its result, an arm may be false, an op gives what it gives",
  JS12 = "variants for threads: tasks of one state are on one thread; thread pools have map",
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

-- The page's section of entries without a test: "R136: …" at the beginning of its items.
local function listed()
  local page = support.exists "docs/reliability.md" and support.slurp "docs/reliability.md" or ""
  local section = page:match "Entries that no test names%s*\n(.*)" or ""
  local list = {}
  for number in section:gmatch "%f[%w]R(%d+)%f[%D]" do list["R" .. number] = true end
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
    local missing = {}
    for family, n in pairs(FAMILIES) do
      for i = 1, n do
        local name = family .. i
        if not named[name] and not NOT_TRANSLATED[name] then missing[#missing + 1] = name end
      end
    end
    table.sort(missing)
    assert.equal("", table.concat(missing, " "))
  end)
end)
