-- Whatever lua/ebb/_meta says to await has a row in spec/matrix/awaitables.lua, and what a row says of itself is so.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local support = require "spec.house.support"

local definitions = ""
for _, path in ipairs(support.files("lua/ebb/_meta", ".lua")) do
  definitions = definitions .. support.slurp(path) .. "\n"
end

-- What needs no row of its own, and why.
local WITHOUT = {
  ["ebb.ready"] = "it never waits: the select cells use it",
  ["ebb.never"] = "nothing completes it: the select rows use it",
  ["ebb.ByteStream"] = "the class of all streams of bytes: File, Socket, Duplex",
  ["JoinSet:close"] = "the same function as shutdown",
}

--- The names of what awaits: functions marked async, those that give an op, classes that are ops.
local function awaiting()
  local names, class, marked = {}, nil, false
  for line in definitions:gmatch "(.-)\n" do
    local name, base = line:match "^%-%-%-@class%s+([%w_.]+):?%s*([%w_.]*)"
    if name then
      class = name
      if base == "ebb.Op" then names[name] = true end
    end
    local field = line:match "^%-%-%-@field%s+([%w_]+)%s+async fun"
    if field then names[class:match "[%w_]+$" .. ":" .. field] = true end
    if line:match "^%-%-%-@async" or line:match "^%-%-%-@return ebb.Op%s*$" then marked = true end
    local fn = line:match "^function%s+([%w_.:]+)%("
    if fn then
      if marked then names[fn] = true end
      marked = false
    elseif line == "" then
      marked = false
    end
  end
  return names
end

local function sorted(list)
  table.sort(list)
  return table.concat(list, "\n")
end

describe("the matrix of awaitables", function()
  local covered = {}
  for _, row in ipairs(matrix.rows) do
    for _, name in ipairs(row.of) do covered[name] = row.name end
  end

  it("has a row for everything that awaits", function()
    local missing, n = {}, 0
    for name in pairs(awaiting()) do
      n = n + 1
      if not covered[name] and not WITHOUT[name] then missing[#missing + 1] = name end
    end
    assert.is_true(n > 150, "nothing is read from the definitions")
    assert.equal("", sorted(missing))
  end)

  it("has rows of nothing else", function()
    local names, extra = awaiting(), {}
    for name in pairs(covered) do
      local class = name:match "^ebb%.[%w_.]*%f[%w]%u[%w_]*$"
      local known = names[name] or definitions:find("function " .. name .. "(", 1, true)
        or class and definitions:find("@class " .. class, 1, true)
        or definitions:find("@field " .. (name:match ":([%w_]+)$" or "\0"), 1, true)
      if not known then extra[#extra + 1] = name end
    end
    assert.equal("", sorted(extra))
  end)

  it("says of each row what its cases have", function()
    local names = {}
    for _, row in ipairs(matrix.rows) do
      assert.is_nil(names[row.name], row.name)
      names[row.name] = true
      local rt = ebb.runtime { clock = row.outside and "system" or "virtual" }
      rt:run(function()
        local case = row.make()
        assert.equal(row.closes or false, case.close ~= nil, row.name)
        local ops = {}
        for name in pairs(case.ops or {}) do ops[#ops + 1] = name end
        table.sort(ops)
        assert.equal(table.concat(row.selects or {}, " "), table.concat(ops, " "), row.name)
        if case.finish then case.finish() end
      end)
      rt:close()
    end
  end)
end)
