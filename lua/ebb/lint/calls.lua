--- What expressions and calls of a resolved tree are: their path from a module ("ebb.fs.read",
-- "os.execute"), the kind of object they make, whether they await.
--
-- All answers are about what the text shows: locals that are assigned once, fields that are given
-- one kind of thing in the whole file. What it does not show is nil, or "unknown" for awaiting.
local names = require "ebb.lint.names"
local resolve = require "ebb.lint.resolve"

local Calls = {}
Calls.__index = Calls

--- The one expression that a variable has for its whole life, or nil.
function Calls:value(var)
  if var.param then return nil end
  if #var.sets == 0 then return var.value end
  if not var.value and #var.sets == 1 and not (var.from and var.from[2]) then
    return var.sets[1].value
  end
end

local function required(node)
  local callee, name = node[1], node[2]
  if callee.tag == "Id" and callee[1] == "require" and not callee.var
    and name and name.tag == "String" then
    return name[1]
  end
end

--- The path of an expression from a module or a global, or nil.
function Calls:path(node, depth)
  depth = (depth or 0) + 1
  if depth > 20 then return nil end
  if node.tag == "Paren" then return self:path(node[1], depth) end
  if node.tag == "Call" then
    return required(node)
  end
  if node.tag == "Id" then
    if not node.var then return not self.tree.globals[node[1]] and node[1] or nil end
    local value = self:value(node.var)
    return value and self:path(value, depth)
  end
  if node.tag == "Index" and node[2].tag == "String" then
    local base = self:path(node[1], depth)
    return base and base .. "." .. node[2][1]
  end
end

--- The function that an expression is, when the text shows it.
function Calls:func(node, depth)
  depth = (depth or 0) + 1
  if depth > 20 or not node then return nil end
  if node.tag == "Function" then return node end
  if node.tag == "Paren" then return self:func(node[1], depth) end
  if node.tag == "Id" and node.var then
    local value = self:value(node.var)
    return value and self:func(value, depth)
  end
end

-- Kinds -------------------------------------------------------------------------------------------

-- The one kind that all values of a field of this name have in the file.
function Calls:field_kind(name)
  local known = self.fields[name]
  if known ~= nil then return known or nil end
  -- What is asked for while it is looked for (`a.next = a.next.next`) is not known.
  self.fields[name] = false
  local kind
  for _, value in ipairs(self.tree.fields[name] or {}) do
    local this = self:kind(value)
    if not this or kind and kind ~= this then return nil end
    kind = this
  end
  self.fields[name] = kind or false
  return kind
end

-- A parameter is known when ebb passes it: function(s) of ebb.scope.
function Calls:param_kind(var)
  local call = var.param.parent
  if var.position ~= 1 or not call or call.tag ~= "Call" then return nil end
  if self:path(call[1]) == "ebb.scope" and call[2] == var.param then return "scope" end
end

local kind_of = {}

function kind_of.Paren(self, node, depth) return self:kind(node[1], depth) end

function kind_of.Id(self, node, depth)
  local var = node.var
  if not var then return nil end
  if var.param then return #var.sets == 0 and self:param_kind(var) or nil end
  local value = self:value(var)
  return value and self:kind(value, depth)
end

function kind_of.Index(self, node)
  return node[2].tag == "String" and self:field_kind(node[2][1]) or nil
end

function kind_of.Call(self, node, depth)
  local path = self:path(node[1])
  if path == "assert" and node[2] then return self:kind(node[2], depth) end
  if path == "ebb.scope" then return not self:func(node[2]) and self:object_scope(node) or nil end
  return names.makes[path]
end

function kind_of.Invoke(self, node, depth)
  local methods = names.methods[self:kind(node[1], depth)]
  return methods and methods[node[2][1]]
end

-- ebb.scope() and ebb.scope{…} make an object; of ebb.scope(x) nothing is known.
function Calls:object_scope(node)
  return (not node[2] or node[2].tag == "Table") and "scope" or nil
end

--- The kind of object that an expression is, or nil.
function Calls:kind(node, depth)
  depth = (depth or 0) + 1
  local of = depth <= 20 and kind_of[node.tag]
  return of and of(self, node, depth) or nil
end

-- Awaiting ----------------------------------------------------------------------------------------

local function worst(a, b)
  if a == "yes" or b == "yes" then return "yes" end
  if a == "unknown" or b == "unknown" then return "unknown" end
  return "no"
end

local function is_standard(path)
  if names.standard[path] then return true end
  local library = path:match "^(%a+%d?)%."
  return library and names.libraries[library] or false
end

-- A function by its path, called by `call`; nil when it is called by another function, with
-- arguments that are not looked at. The functions of ebb's that make things do not await.
local function awaits_path(self, path, call)
  if names.awaits[path] then return "yes" end
  if path == "ebb.scope" then return call and not self:func(call[2]) and "no" or "yes" end
  if names.makes[path] or names.at_once[path] then return "no" end
  if path == "pcall" or path == "xpcall" then
    if not call then return "unknown" end
    return call[2] and self:awaits_as(call[2]) or "no"
  end
  return is_standard(path) and "no" or "unknown"
end

local function awaits_method(self, call)
  local method, kind = call[2][1], self:kind(call[1])
  local list = names.method_awaits[kind]
  if list and list[method] or names.always_awaits[method] then return "yes" end
  if kind and names.methods[kind] or names.string_methods[method] then return "no" end
  return "unknown"
end

--- Whether calling this expression awaits: "yes", "no" or "unknown".
function Calls:awaits_as(callee, call)
  local fn = self:func(callee)
  if fn then return self:function_awaits(fn) end
  local path = self:path(callee)
  if not path then return "unknown" end
  return awaits_path(self, path, call)
end

--- Whether a call awaits: "yes", "no" or "unknown".
function Calls:awaits(call)
  if call.tag == "Invoke" then return awaits_method(self, call) end
  return self:awaits_as(call[1], call)
end

local ITERATED = { channel = true, subscription = true, join_set = true, interval = true }

--- Whether one round of `for … in` awaits by its iterator.
function Calls:iterates(loop)
  local first = loop[2][1]
  if ITERATED[self:kind(first)] then return "yes" end
  if first.tag == "Call" then
    local path = self:path(first[1])
    if path and is_standard(path) then return "no" end
  elseif first.tag == "Invoke" and names.string_methods[first[2][1]] then
    return "no"
  elseif self:path(first) == "next" then
    return "no"
  end
  return "unknown"
end

--- Whether a statement, a block or an expression awaits, nested functions left out.
function Calls:part_awaits(part)
  local state = "no"
  resolve.each(part, function(node)
    if node.tag == "Call" or node.tag == "Invoke" then
      state = worst(state, self:awaits(node))
    elseif node.tag == "Forin" then
      state = worst(state, self:iterates(node))
    elseif node.tag == "Local" then
      -- Closing a scope waits for its children.
      for i, name in ipairs(node[1]) do
        local value = node[2] and node[2][i]
        if name.attr == "close" and value and self:kind(value) == "scope" then state = "yes" end
      end
    end
  end)
  return state
end

--- Whether a function awaits: "yes", "no" or "unknown".
function Calls:function_awaits(fn) return self.known[fn] end

-- Finds out which functions await. They may call each other in circles: all begin as "no", and
-- what their calls say is carried on until nothing changes.
function Calls:find_awaiting()
  for _, fn in ipairs(self.tree.functions) do self.known[fn] = "no" end
  repeat
    local changed = false
    for _, fn in ipairs(self.tree.functions) do
      local state = self.known[fn] ~= "yes" and self:part_awaits(fn[2])
      if state and state ~= self.known[fn] then
        self.known[fn], changed = state, true
      end
    end
  until not changed
end

-- Tasks -------------------------------------------------------------------------------------------

local function arguments_that_run(self, call)
  if call.tag == "Invoke" then
    local method, kind = call[2][1], self:kind(call[1])
    if method == "spawn" and (kind == "scope" or kind == "join_set" or kind == "runtime") then
      return 3, 3
    end
    return nil
  end
  local path = self:path(call[1])
  local first = names.runs[path]
  if not first then return nil end
  if path == "ebb.join" or path == "ebb.try_join" or path == "ebb.race" then return 2, #call end
  return first + 1, first + 1
end

-- The functions that run in tasks: those given to ebb to be run, and what they call.
function Calls:find_tasks()
  local tasks, todo = {}, {}
  local function add(fn)
    if fn and not tasks[fn] then
      tasks[fn] = true
      todo[#todo + 1] = fn
    end
  end
  local function add_arguments(call)
    local first, last = arguments_that_run(self, call)
    for i = first or 1, last or 0 do add(self:func(call[i])) end
  end
  for _, call in ipairs(self.tree.calls) do
    local path = call.tag == "Call" and self:path(call[1])
    if path ~= "pcall" and path ~= "xpcall" then add_arguments(call) end
  end
  while #todo > 0 do
    for _, call in ipairs(table.remove(todo).calls) do
      if call.tag == "Call" then
        add(self:func(call[1]))
        add_arguments(call)
      end
    end
  end
  return tasks
end

--- Whether the code at this node runs in a task, as far as the text shows.
function Calls:in_task(node) return self.tasks[node.fn] or false end

local calls = {}

--- Makes the answers for a tree of ebb.lint.resolve.
function calls.new(tree)
  local self = setmetatable({ tree = tree, known = {}, fields = {} }, Calls)
  self:find_awaiting()
  self.tasks = self:find_tasks()
  return self
end

return calls
