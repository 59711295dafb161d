-- The rockspec lists what is in the tree: the same sources as CMake, every Lua file.
local support = require "spec.house.support"

local HOW = " (lua5.4 rockspec/update.lua writes the lists)"

local function load_rockspec()
  local spec = {}
  assert(loadfile("rockspec/ebb-scm-1.rockspec", "t", spec))()
  return spec
end

local function assert_same(expected, actual, what)
  table.sort(expected)
  table.sort(actual)
  assert.equal(table.concat(expected, "\n"), table.concat(actual, "\n"), what .. HOW)
end

describe("rockspec:", function()
  local spec = load_rockspec()

  it("is called as its package and version", function()
    assert.equal("ebb", spec.package)
    assert.equal("scm-1", spec.version)
  end)

  it("compiles every source below the command", function()
    local expected = {}
    for _, path in ipairs(support.files("csrc", ".c")) do
      if not path:match "^csrc/cli/" then expected[#expected + 1] = path end
    end
    assert_same(expected, { table.unpack(spec.build.modules["ebb.core"].sources) }, "sources")
  end)

  it("installs every Lua file under its module's name", function()
    local expected, actual = {}, {}
    for _, path in ipairs(support.files("lua", ".lua")) do
      local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
      expected[#expected + 1] = name .. " " .. path
    end
    for name, path in pairs(spec.build.modules) do
      if type(path) == "string" then actual[#actual + 1] = name .. " " .. path end
    end
    assert_same(expected, actual, "modules")
  end)

  it("what else it installs is there", function()
    for _, path in pairs(spec.build.install.bin) do assert.is_true(support.exists(path), path) end
    for _, folder in ipairs(spec.build.copy_directories) do
      assert.is_true(#support.files(folder, "") > 0, folder)
    end
  end)
end)
