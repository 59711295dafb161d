-- The planted defects (spec/defects) can still be planted: who changes a line that one of them is made of changes the
-- defect as well.
local catch = require "spec.defects.catch"
local plant = require "spec.defects.plant"

describe("planted defects", function()
  local defects = require "spec.defects.list"

  it("are many", function() assert.is_true(#defects >= 70) end)

  it("have their text in their file once, and change it", function()
    local errors = {}
    for _, defect in ipairs(defects) do
      local ok, text = pcall(plant.text, defect)
      if not ok then errors[#errors + 1] = text end
      if defect.find == defect.put then errors[#errors + 1] = defect.name .. " changes nothing" end
    end
    assert.equal("", table.concat(errors, "\n"))
  end)

  it("are looked for where there are tests", function()
    for _, defect in ipairs(defects) do
      local list = type(defect.caught_by) == "table" and defect.caught_by or { defect.caught_by }
      assert.is_true(#list > 0 or defect.missed ~= nil, defect.name)
      for _, text in ipairs(list) do
        local what = catch.parse(text).what
        local path = what:match "^test_" and "spec/c/" .. what .. ".c" or what
        local file = assert(io.open(path))
        file:close()
      end
    end
  end)
end)
