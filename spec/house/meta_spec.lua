-- The definitions for editors, lua/ebb/_meta/, name what there is, all of it and nothing else.
local ebb = require "ebb"
local support = require "spec.house.support"

-- Their methods written in Lua come with the module.
assert(ebb.io and ebb.net and ebb.process)

local PATHS = support.files("lua/ebb/_meta", ".lua")

-- Not for users: options of the command, aliases for one's own files.
local UNDOCUMENTED = {}

-- What the files define: names[holder][name] = line number; a holder is "ebb", "ebb.fs" or the name
-- of a class in lower case, "ebb.channel".
local function read_definitions()
  local names, class_of, class, number = {}, {}, nil, 0
  local function note(holder, name)
    names[holder] = names[holder] or {}
    names[holder][name] = number
  end
  local function read(line)
    number = number + 1
    class = line:match "^%-%-%-@class%s+([%w_.]+)" or class
    local variable = line:match "^local%s+(%w+)%s*=%s*{}"
    if variable and class then class_of[variable] = class:lower() end
    local field = line:match "^%-%-%-@field%s+([%a_][%w_]*)"
    if field and class == "ebb" then note("ebb", field) end
    local holder, name = line:match "^function%s+([%w_.]+)[.:]([%w_]+)%("
    if holder then note(class_of[holder] or holder, name) end
    holder, name = line:match "^(ebb)%.([%w_]+)%s*="
    if not holder then holder, name = line:match "^(ebb%.%w+)%.([%w_]+)%s*=" end
    if holder then note(holder, name) end
  end
  for _, path in ipairs(PATHS) do
    for line in support.slurp(path):gmatch "(.-)\n" do read(line) end
  end
  return names
end

-- Metatables of ebb's objects by name, from the registry.
local function metatables()
  local found = {}
  for _, meta in pairs(debug.getregistry()) do
    local name = type(meta) == "table" and rawget(meta, "__name")
    if type(name) == "string" and name:match "^ebb%." and rawget(meta, "__index") then
      found[name] = found[name] or {}
      table.insert(found[name], meta)
    end
  end
  return found
end

-- Objects whose methods are found by a function, not in a table.
local function samples()
  local guard = ebb.guard()
  return guard, {
    ["ebb.bytes"] = guard:bytes(8),
    ["ebb.array"] = guard:array("f64", 4),
    ["ebb.vec"] = guard:vec("f64", 4),
    ["ebb.buffer"] = guard:buffer(16),
    ["ebb.child"] = assert(ebb.process.spawn { "true" }),
  }
end

local function sorted(list)
  table.sort(list)
  return table.concat(list, "\n")
end

describe("definitions for editors:", function()
  local names = read_definitions()

  it("the files compile", function()
    assert.is_true(#PATHS > 20)
    for _, path in ipairs(PATHS) do assert(loadfile(path)) end
  end)

  it("every public name of the module is in them", function()
    local missing = {}
    local function compare(holder, table_)
      local defined = names[holder] or {}
      for name in pairs(table_) do
        local full = holder .. "." .. name
        if not name:match "^_" and not defined[name] and not UNDOCUMENTED[full] then
          missing[#missing + 1] = full
        end
      end
    end
    for name in pairs(names.ebb) do local _ = ebb[name] end -- loads what comes on first touch
    compare("ebb", ebb)
    for name, value in pairs(ebb) do
      if type(value) == "table" and names["ebb." .. name] then compare("ebb." .. name, value) end
    end
    assert.equal("", sorted(missing))
  end)

  it("every name of a module in them exists", function()
    local extra = {}
    for holder, defined in pairs(names) do
      local submodule = holder:match "^ebb%.(%w+)$"
      local table_ = holder == "ebb" and ebb or rawget(ebb, submodule) or ebb[submodule]
      if type(table_) == "table" then
        for name in pairs(defined) do
          if table_[name] == nil then extra[#extra + 1] = holder .. "." .. name end
        end
      end
    end
    assert.equal("", sorted(extra))
  end)

  it("every method is in them, and the other way round", function()
    local ops = names["ebb.op"]
    local complaints = {}
    for name, metas in pairs(metatables()) do
      local defined = names[name] or {}
      local methods = {}
      for _, meta in ipairs(metas) do
        local index = rawget(meta, "__index")
        if type(index) == "table" then
          for method in pairs(index) do methods[method] = true end
          for method in pairs(defined) do
            if not index[method] then
              complaints[#complaints + 1] = ("%s: no method %s"):format(name, method)
            end
          end
        end
      end
      for method in pairs(methods) do
        if not (defined[method] or ops[method]) then
          complaints[#complaints + 1] = ("%s: method %s is not defined"):format(name, method)
        end
      end
    end
    assert.equal("", sorted(complaints))
  end)

  it("methods of memory exist", function()
    local guard <close>, objects = samples()
    assert.is_not_nil(guard)
    local extra = {}
    for name, object in pairs(objects) do
      for method in pairs(names[name] or {}) do
        if type(object[method]) ~= "function" then extra[#extra + 1] = name .. ":" .. method end
      end
    end
    assert.equal("", sorted(extra))
  end)

  it("every class with methods is a type", function()
    local types = metatables()
    for holder in pairs(names) do
      local is_module = holder == "ebb" or type(ebb[holder:match "^ebb%.(%w+)$"]) == "table"
        or holder == "ebb.net.unix"
      -- types of files that have not been loaded are found by the name of their file
      assert(is_module or types[holder] or holder == "ebb.subscription", holder)
    end
  end)
end)
