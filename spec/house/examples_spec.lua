-- Every example runs and prints what its file in examples/expected says.
local support = require "spec.house.support"

-- Words after the script, for those that need some.
local ARGUMENTS = { ["pipeline.lua"] = "spec 60 4" }

-- Parts of what those print whose whole output differs from run to run.
local PARTS = {
  ["pipeline.lua"] = { "commonest words", "left behind: 0 tasks, 0 timers, 0 bytes in the pool" },
}

local examples = support.lines "ls examples/*.lua | LC_ALL=C sort"

describe("examples:", function()
  it("there are some", function() assert.is_true(#examples > 0) end)

  for _, path in ipairs(examples) do
    local name = path:match "[^/]+$"
    it(name, function()
      local expected = "examples/expected/" .. name:gsub("%.lua$", ".txt")
      local result = support.script(path, ARGUMENTS[name])
      support.check(result, support.exists(expected) and support.slurp(expected) or nil)
      for _, part in ipairs(PARTS[name] or {}) do
        assert(result.out:find(part, 1, true), "no \"" .. part .. "\" in:\n" .. result.out)
      end
    end)
  end

  -- What ends in ebb.run is as good a script of the command, whose main task it joins.
  for _, path in ipairs(examples) do
    local name = path:match "[^/]+$"
    if support.slurp(path):find("ebb.run(", 1, true) then
      it(name .. " as a script of the command", function()
        local expected = "examples/expected/" .. name:gsub("%.lua$", ".txt")
        support.check(support.script("bin/ebb", path .. " " .. (ARGUMENTS[name] or "")),
          support.exists(expected) and support.slurp(expected) or nil)
      end)
    end
  end

  it("every expected output has its example", function()
    for _, path in ipairs(support.files("examples/expected", ".txt")) do
      local name = path:match("[^/]+$"):gsub("%.txt$", ".lua")
      assert.is_true(support.exists("examples/" .. name), path)
    end
  end)
end)
