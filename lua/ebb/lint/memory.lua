--- Rules about memory: frame data that lives over an await or the end of its frame (EBB002) or is
-- used in a task (EBB003), memory used after its guard was closed (EBB012).
local resolve = require "ebb.lint.resolve"

local within = resolve.within

-- Order ------------------------------------------------------------------------------------------

local LEAVES = { Return = true, Break = true, Goto = true }

-- The block that a node's statement stands in, and that statement.
local function statement_of(node)
  local statement, block = node, node.parent
  while block do
    local owner = block.parent
    local is_block = block.tag == "Do" or block.tag == nil and owner
      and (owner.tag == "If" or owner.tag == "While" or owner.tag == "Repeat"
        or owner.tag == "Function" and owner[2] == block
        or (owner.tag == "Fornum" or owner.tag == "Forin") and owner[#owner] == block)
    if is_block then return statement, block end
    statement, block = block, owner
  end
end

-- Whether control that has passed `first` cannot come to `second` below it in the text: they stand
-- in two arms of one `if`, or the block of the first ends by leaving.
local function apart(first, second)
  local node = first
  while true do
    local _, block = statement_of(node)
    if not block or within(second, block) then return false end
    local last = block[#block]
    if last and LEAVES[last.tag] then return true end
    local owner = block.parent
    if owner and owner.tag == "If" and within(second, owner) then
      -- A condition further down is not reached from an arm either.
      return true
    end
    if not owner or owner.tag == "Function" then return false end
    node = block.tag == "Do" and block or owner
  end
end

local LOOPS = { While = true, Repeat = true, Fornum = true, Forin = true }

-- Whether what comes after `event` in the innermost loop around it and `use` is a next round that
-- sees the same variable: it is declared outside, and no block on the way ends by leaving.
local function next_round(event, use, declaration)
  local node = event
  while node and node.tag ~= "Function" do
    if LOOPS[node.tag] and within(use, node) then return not within(declaration, node) end
    local last = not node.tag and node[#node]
    if last and LEAVES[last.tag] then return false end
    node = node.parent
  end
  return false
end

-- Whether what happens at `event` happens between the making of a variable and this use of it.
local function between(var, event, use)
  if event.offset <= var.from.end_offset or apart(var.node, event) then return false end
  if use.offset > event.end_offset and not apart(event, use) then return true end
  -- (An argument of the call itself is used before it, too.)
  return next_round(event, use, var.node)
end

-- Frame data -------------------------------------------------------------------------------------

local function ends_frame(call, about)
  return call.tag == "Call" and about:path(call[1]) == "ebb.alloc.end_frame"
end

-- The calls of a function that end the life of frame data.
local function events_of(fn, about)
  local events = {}
  for _, call in ipairs(fn.calls) do
    if ends_frame(call, about) or about:awaits(call) == "yes" then events[#events + 1] = call end
  end
  return events
end

-- The function below var's own in which this use stands.
local function closure_at(use, var)
  local fn = use.fn
  while fn.outer and fn.outer ~= var.fn do fn = fn.outer end
  return fn
end

local function check_frame_use(var, use, events, about, report)
  if use.fn ~= var.fn then
    if about.tasks[closure_at(use, var)] or about:in_task(use) then
      report(use, "EBB002", "the frame data '%s' (line %d) is used in a task, which may run after "
        .. "the frame has ended; copy it", var.name, var.node.line)
    end
    return
  end
  for _, event in ipairs(events) do
    if between(var, event, use) then
      report(use, "EBB002", "the frame data '%s' (line %d) is used after %s in line %d; "
        .. "finish with it before, or take it from a guard", var.name, var.node.line,
        ends_frame(event, about) and "the end of its frame" or "an await", event.line)
      return
    end
  end
end

-- Every variable that begins as something of this kind is given to fn(var).
local function each_variable(tree, about, kind, fn)
  local function look(node)
    if node.tag ~= "Local" or not node[2] then return end
    for i, name in ipairs(node[1]) do
      local value = node[2][i]
      if value and #name.var.sets == 0 and about:kind(value) == kind then fn(name.var, value) end
    end
  end
  for _, func in ipairs(tree.functions) do resolve.each(func[2], look) end
end

local FRAME_CALLS = { ["ebb.alloc.begin_frame"] = true, ["ebb.alloc.in_frame"] = true }

local function check_frames(tree, about, report)
  local events = setmetatable({}, { __mode = "k" })
  each_variable(tree, about, "frame data", function(var)
    events[var.fn] = events[var.fn] or events_of(var.fn, about)
    for _, use in ipairs(var.uses) do
      check_frame_use(var, use, events[var.fn], about, report)
    end
  end)
  -- A chunk of its own frames (a host's loop in ebb.run) is told so where it opens one.
  for _, call in ipairs(tree.calls) do
    if about:in_task(call) then
      local path = call.tag == "Call" and about:path(call[1])
      if path and FRAME_CALLS[path] or about:kind(call) == "frame data" then
        report(call, "EBB003", "frame memory in a task, which may be suspended over the end of "
          .. "the frame; take it from ebb.task_guard()")
      end
    end
  end
end

-- Guards -----------------------------------------------------------------------------------------

-- The method calls on a variable by this name, of the function that declares it.
local function invocations(var, method)
  local list = {}
  for _, use in ipairs(var.uses) do
    local call = use.parent
    if call.tag == "Invoke" and call[1] == use and call[2][1] == method and use.fn == var.fn then
      list[#list + 1] = call
    end
  end
  return list
end

-- Whether a variable is an argument of a call of this method.
local function is_argument(use, method)
  local call = use.parent
  return call.tag == "Invoke" and call[1] ~= use and call[2][1] == method
end

local function promoted(var)
  for _, use in ipairs(var.uses) do
    if is_argument(use, "promote") then return true end
  end
  return false
end

-- Method calls that a closed guard answers.
local AFTERLIFE = { close = true, stats = true }

local function report_uses(var, event, report, message)
  for _, use in ipairs(var.uses) do
    local call = use.parent
    local harmless = call.tag == "Invoke" and call[1] == use and AFTERLIFE[call[2][1]]
      or call.tag == "Call" or call.tag == "Op"
    if use.fn == var.fn and not harmless and between(var, event, use)
      and use.offset > event.end_offset then
      report(use, "EBB012", message, var.name, event.line)
      return
    end
  end
end

-- The guard variable that made this value: `g:bytes(8)`.
local function maker(value)
  local owner = value.tag == "Invoke" and value[1]
  return owner and owner.tag == "Id" and owner.var or nil
end

local function check_closed(var, of, report)
  for _, call in ipairs(invocations(var, "close")) do
    report_uses(var, call, report, "the guard '%s' was closed in line %d")
    for _, data in ipairs(of[var] or {}) do
      if not promoted(data) and call.offset > data.from.end_offset then
        report_uses(data, call, report, "the memory of '%s' was freed with its guard in line %d")
      end
    end
  end
end

local function check_released(data, report)
  for _, use in ipairs(data.uses) do
    if is_argument(use, "release") and use.fn == data.fn and #use.parent == 3 then
      report_uses(data, use.parent, report, "the memory of '%s' was released in line %d")
    end
  end
end

-- `return g:bytes(8)` or `return data` where the guard closes at this very return.
local function check_returned(tree, about, report)
  local function look(node)
    if node.tag ~= "Return" then return end
    for _, value in ipairs(node) do
      local var = value.tag == "Id" and value.var
      local made = var and about:value(var) or value
      local guard = about:kind(made) == "pool data" and maker(made)
      if guard and guard.attr == "close" and guard.fn == node.fn
        and not (var and promoted(var)) then
        report(value, "EBB012", "this memory is freed with the guard '%s' as the function "
          .. "returns; move it out with %s:promote", guard.name, guard.name)
      end
    end
  end
  for _, fn in ipairs(tree.functions) do resolve.each(fn[2], look) end
end

local function check_guards(tree, about, report)
  local of = {}
  each_variable(tree, about, "pool data", function(var, value)
    local guard = maker(value)
    if guard then
      of[guard] = of[guard] or {}
      table.insert(of[guard], var)
    end
    check_released(var, report)
  end)
  for _, kind in ipairs { "guard", "child guard" } do
    each_variable(tree, about, kind, function(var) check_closed(var, of, report) end)
  end
  check_returned(tree, about, report)
end

return function(tree, about, report)
  check_frames(tree, about, report)
  check_guards(tree, about, report)
end
