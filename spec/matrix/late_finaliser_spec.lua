-- Every class × the finalisers of a state that closes. Those of objects older than ebb run when ebb's own have run:
-- what they do with objects of ebb that are long finalised is answered or refused. And for objects that a finaliser
-- makes then no finaliser is ever called: nothing of them is lost (LeakSanitizer sees it).
local support = require "spec.runtime.support"

local program = [[
local what, only = ...
local act -- set later: this object must be the oldest
late = setmetatable({}, { __gc = function() act() end })
local ebb = require "ebb"
local definitions = require "spec.matrix.definitions"
local samples = require "spec.matrix.samples"
ebb.on_task_error(function() end)

local classes = {}
for class in pairs(samples.makers) do
  if not only or class == only then classes[#classes + 1] = class end
end
table.sort(classes)

local methods = {}
for _, fn in ipairs(definitions.functions) do
  if fn.class and fn.method then
    methods[fn.class] = methods[fn.class] or {}
    table.insert(methods[fn.class], fn.method)
  end
end

local function use(class, object)
  pcall(tostring, object)
  pcall(function() return object == object, #object end)
  pcall(function() return object[1] end)
  for _, method in ipairs(methods[class] or {}) do
    local ok, found = pcall(function() return object[method] end)
    if ok and found then
      pcall(found, object)
      pcall(found, object, 1, 1)
      pcall(found, object, "x", "x")
      pcall(found, object, object)
    end
  end
end

local kept = {}
local function make_all()
  for _, class in ipairs(classes) do
    local ok, object, other = pcall(samples.make, class)
    if ok then kept[#kept + 1] = { class = class, object = object, other = other } end
  end
end

act = function()
  if what ~= "used" then make_all() end
  for _, entry in ipairs(kept) do use(entry.class, entry.object) end
  print "at the end"
end
if what == "made before ebb's end" then -- this one is younger than ebb
  local done = act
  act = function() end
  late = setmetatable({}, { __gc = done })
end
if what == "used" then
  ebb.runtime { on_task_error = function() end }:run(make_all)
  if #kept < #classes then error "not all could be made" end
end
]]

local function trouble(...) return support.trouble("at the end\n", support.child(program, nil, ...)) end

describe("finalisers of a state that closes:", function()
  for _, what in ipairs { "used", "made", "made before ebb's end" } do
    it("R20 R24 R145 objects of every class, " .. what, function()
      local wrong = trouble(what)
      if not wrong then return end
      for class in pairs(require("spec.matrix.samples").makers) do
        local alone = trouble(what, class)
        if alone then error(class .. ": " .. alone) end
      end
      error("all together: " .. wrong)
    end)
  end
end)
