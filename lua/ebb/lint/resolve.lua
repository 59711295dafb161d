--- Names to variables: walks a syntax tree once and notes what the rules ask for.
--
-- After it every node has `parent` (the node or list it stands in) and `fn` (the function it runs
-- in; the chunk is one with `chunk = true`); a name that is a local one has `var`. A variable is
-- { name, node, attr, fn, value (the expression it begins with, if it has one alone), sets (later
-- assignments), uses (names that read it), param }. A function has `calls`: those it makes itself.
local resolve = {}

local Walk = {}
Walk.__index = Walk

function Walk:declare(node, value)
  local var = { name = node[1], node = node, attr = node.attr, fn = self.fn, value = value,
    sets = {}, uses = {} }
  node.var, node.fn = var, self.fn
  self.scope[var.name] = var
  return var
end

function Walk:inside(fn)
  local outer = self.scope
  self.scope = setmetatable({}, { __index = outer })
  fn()
  self.scope = outer
end

function Walk:list(list, parent)
  list.parent = parent
  for _, node in ipairs(list) do self:node(node, list) end
end

function Walk:block(block, parent)
  self:inside(function() self:list(block, parent) end)
end

local visit = {}

function Walk:node(node, parent)
  node.parent, node.fn = parent, self.fn
  local special = visit[node.tag]
  if special then return special(self, node) end
  for _, child in ipairs(node) do
    if type(child) == "table" then
      if child.tag then self:node(child, node) else self:block(child, node) end
    end
  end
end

function visit.Id(walk, node)
  local var = walk.scope[node[1]]
  node.var = var
  if var then var.uses[#var.uses + 1] = node end
end

function visit.Function(walk, node)
  local outer = walk.fn
  walk.fn, node.outer = node, outer
  node.calls, node.nodes = {}, {}
  walk.tree.functions[#walk.tree.functions + 1] = node
  walk:inside(function()
    node[1].parent = node
    for i, param in ipairs(node[1]) do
      param.parent = node[1]
      if param.tag == "Id" then
        local var = walk:declare(param)
        var.param, var.position = node, i
      end
    end
    walk:block(node[2], node)
  end)
  walk.fn = outer
end

local function call(walk, node)
  local calls = walk.fn.calls
  calls[#calls + 1] = node
  walk.tree.calls[#walk.tree.calls + 1] = node
  for _, child in ipairs(node) do walk:node(child, node) end
end

visit.Call, visit.Invoke = call, call

function visit.Do(walk, node)
  walk:inside(function()
    for _, child in ipairs(node) do walk:node(child, node) end
  end)
end

visit.Local = function(walk, node)
  if node[2] then walk:list(node[2], node) end
  node[1].parent = node
  for i, name in ipairs(node[1]) do
    name.parent = node[1]
    walk:declare(name, node[2] and node[2][i]).from = node
  end
end

visit.Localrec = function(walk, node)
  local name = node[1][1]
  node[1].parent, name.parent = node, node[1]
  walk:declare(name, node[2][1]).from = node
  walk:list(node[2], node)
end

-- A field that is given a value: `x.name = value`, `{ name = value }`.
local function note_field(walk, key, value)
  if key.tag ~= "String" then return end
  local fields = walk.tree.fields
  local list = fields[key[1]] or {}
  fields[key[1]] = list
  list[#list + 1] = value
end

visit.Set = function(walk, node)
  walk:list(node[2], node)
  node[1].parent = node
  for i, target in ipairs(node[1]) do
    local value = node[2][i]
    if target.tag == "Id" then
      target.parent, target.fn, target.var = node[1], walk.fn, walk.scope[target[1]]
      target.value = value
      if target.var then
        table.insert(target.var.sets, target)
      else
        walk.tree.globals[target[1]] = true
      end
    else
      walk:node(target, node[1])
      note_field(walk, target[2], value or target)
    end
  end
end

visit.Pair = function(walk, node)
  walk:node(node[1], node)
  walk:node(node[2], node)
  note_field(walk, node[1], node[2])
end

visit.Fornum = function(walk, node)
  for i = 2, #node - 1 do walk:node(node[i], node) end
  walk:inside(function()
    node[1].parent = node
    walk:declare(node[1])
    walk:block(node[#node], node)
  end)
end

visit.Forin = function(walk, node)
  walk:list(node[2], node)
  walk:inside(function()
    node[1].parent = node
    for _, name in ipairs(node[1]) do
      name.parent = node[1]
      walk:declare(name)
    end
    walk:block(node[3], node)
  end)
end

-- The condition sees the locals of the body.
visit.Repeat = function(walk, node)
  walk:inside(function()
    walk:list(node[1], node)
    walk:node(node[2], node)
  end)
end

--- The tree of a parsed text: { chunk=, functions=, calls=, fields=, globals= }.
function resolve.resolve(ast)
  local tree = { functions = {}, calls = {}, fields = {}, globals = {} }
  local walk = setmetatable({ scope = {}, tree = tree }, Walk)
  local chunk = { tag = "Function", {}, ast, chunk = true, line = 1, offset = 1 }
  tree.chunk = chunk
  walk:node(chunk)
  return tree
end

--- Calls fn(node) for every node below `node` that runs in the same function; fn returning false
-- leaves out what is below the node.
function resolve.each(node, fn)
  if node.tag and fn(node) == false then return end
  for _, child in ipairs(node) do
    if type(child) == "table" and child.tag ~= "Function" then resolve.each(child, fn) end
  end
end

--- Whether node is `ancestor` or stands in it.
function resolve.within(node, ancestor)
  while node do
    if node == ancestor then return true end
    node = node.parent
  end
  return false
end

return resolve
