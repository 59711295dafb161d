-- Every example runs and prints what its file in the folder's expected/ says.
local support = require "spec.house.support"

-- Words after the script, for those that need some.
local ARGUMENTS = { ["pipeline.lua"] = "spec 60 4" }

-- Parts of what those print whose whole output differs from run to run.
local PARTS = {
  ["pipeline.lua"] = { "commonest words", "left behind: 0 tasks, 0 timers, 0 bytes in the pool" },
}

local SEEDS = "examples/seeds/"

local examples = support.lines "ls examples/*.lua examples/seeds/*.lua | LC_ALL=C sort"

local function name_of(path) return (path:gsub("^examples/", "")) end

local function expected_of(path)
  local expected = path:gsub("[^/]+$", "expected/%0"):gsub("%.lua$", ".txt")
  return support.exists(expected) and support.slurp(expected) or nil
end

describe("examples:", function()
  it("there are some", function() assert.is_true(#examples > 0) end)

  for _, path in ipairs(examples) do
    local name = name_of(path)
    it(name, function()
      local result = support.script(path, ARGUMENTS[name])
      support.check(result, expected_of(path))
      for _, part in ipairs(PARTS[name] or {}) do
        assert(result.out:find(part, 1, true), "no \"" .. part .. "\" in:\n" .. result.out)
      end
    end)
  end

  -- What ends in ebb.run is as good a script of the command, whose main task it joins. Runtimes of
  -- their own cannot run inside that task.
  for _, path in ipairs(examples) do
    local name = name_of(path)
    local text = support.slurp(path)
    if text:find("ebb.run(", 1, true) and not text:find("ebb.runtime {", 1, true) then
      it(name .. " as a script of the command", function()
        support.check(support.script("bin/ebb", path .. " " .. (ARGUMENTS[name] or "")),
          expected_of(path))
      end)
    end
  end

  it("every expected output has its example", function()
    for _, folder in ipairs { "examples/", SEEDS } do
      for _, path in ipairs(support.lines("ls " .. folder .. "expected/*.txt 2>/dev/null")) do
        local name = path:match("[^/]+$"):gsub("%.txt$", ".lua")
        assert.is_true(support.exists(folder .. name), path)
      end
    end
  end)

  it("those of seeds/ are short, say what they print, and are in docs/seeds.md", function()
    local table_of_seeds = support.exists "docs/seeds.md" and support.slurp "docs/seeds.md"
    for _, path in ipairs(examples) do
      if path:sub(1, #SEEDS) == SEEDS then
        local _, n_lines = support.slurp(path):gsub("\n", "\n")
        assert(n_lines <= 70, path .. " has " .. n_lines .. " lines")
        assert(expected_of(path), path .. " has no expected output")
        assert(not table_of_seeds or table_of_seeds:find(path:match "[^/]+$", 1, true),
          path .. " is not in docs/seeds.md")
      end
    end
  end)
end)
