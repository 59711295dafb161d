--- Rules about results: what has to be closed and is not (EBB022, EBB041), a task whose handle is
-- dropped (EBB101), an unbounded channel (EBB102), an op that nobody awaits (EBB103).
local names = require "ebb.lint.names"

-- Whether this use of a variable gives its value to someone else, or ends it by hand: then the
-- rule cannot tell, and says nothing.
local function lets_go(use, var)
  if use.fn ~= var.fn then return true end
  local parent = use.parent
  if parent.tag == "Invoke" and parent[1] == use then
    return names.ends[parent[2][1]] or false
  end
  if parent.tag == "Index" then return false end
  if parent.tag == "Op" then
    -- `x and y` may hand on x; a comparison does not.
    return parent[1] == "and" or parent[1] == "or"
  end
  -- A condition: `if lock then`, `while lock do`.
  if parent.tag == "If" or parent.tag == "While" or parent.tag == "Repeat" then return false end
  return true
end

local function kept_open(var)
  if var.attr == "close" or #var.sets > 0 then return false end
  for _, use in ipairs(var.uses) do
    if lets_go(use, var) then return false end
  end
  return true
end

-- A semaphore whose permits are given back with add() needs no permit kept.
local function gives_back_by_add(tree, about)
  for _, call in ipairs(tree.calls) do
    if call.tag == "Invoke" and call[2][1] == "add" and about:kind(call[1]) == "semaphore" then
      return true
    end
  end
  return false
end

local function is_statement(call)
  local parent = call.parent
  if parent.tag == nil then
    -- A list: a block is one of statements, the others belong to Local, Set, Forin.
    local owner = parent.parent
    local tag = owner and owner.tag
    if tag == "Local" or tag == "Localrec" or tag == "Set" then return false end
    return not (tag == "Forin" and owner[2] == parent)
  end
  return parent.tag == "Do"
end

-- The variable that begins as the value of this call, if a statement `local x = call` makes one.
local function variable_of(call)
  local list = call.parent
  local statement = list.tag == nil and list.parent
  if not statement or statement.tag ~= "Local" or statement[2] ~= list then return nil end
  for i, value in ipairs(list) do
    if value == call then return statement[1][i] and statement[1][i].var end
  end
end

local function check_closable(call, kind, report, by_add)
  local what = names.closable[kind]
  if not what or kind == "permit" and by_add then return end
  local name, code = what[1], what[2]
  if is_statement(call) then
    report(call, code, "this %s is dropped at once, nothing closes it: local %s <close> = ...",
      name, name)
    return
  end
  local var = variable_of(call)
  if var and kept_open(var) then
    report(var.node, code, "the %s '%s' is not closed on every way out of its block: "
      .. "local %s <close> = ...", name, var.name, var.name)
  end
end

local function check_spawn(call, path, report)
  if path ~= "ebb.spawn" then return end
  local var = variable_of(call)
  if is_statement(call) or var and #var.uses == 0 and #var.sets == 0 and var.attr ~= "close" then
    report(call, "EBB101", "the task is dropped: nobody awaits it, nothing ends it; "
      .. "use ebb.go, or spawn it in a scope")
  end
end

-- math.huge, or a division by zero.
local function is_huge(node, about)
  if node.tag == "Op" and node[1] == "div" then
    return node[3].tag == "Number" and tonumber(node[3][1]) == 0
  end
  return about:path(node) == "math.huge"
end

local function check_channel(call, path, about, report)
  if path == "ebb.channel" and call[2] and is_huge(call[2], about) then
    report(call, "EBB102", "an unbounded channel grows as long as its senders are faster than "
      .. "its receivers; give it a capacity")
  end
end

return function(tree, about, report)
  local by_add = gives_back_by_add(tree, about)
  for _, call in ipairs(tree.calls) do
    local kind = about:kind(call)
    check_closable(call, kind, report, by_add)
    if kind == "op" and is_statement(call) then
      report(call, "EBB103", "this makes an operation and drops it: nothing waits; "
        .. "await it, or give it to ebb.select")
    end
    local path = call.tag == "Call" and about:path(call[1])
    if path then
      check_spawn(call, path, report)
      check_channel(call, path, about, report)
    end
  end
end
