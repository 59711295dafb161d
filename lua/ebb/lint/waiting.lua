--- Rules about waiting: calls and loops that stop all tasks (EBB023), loops that swallow a cancel
-- (EBB024), awaits where Lua cannot suspend (EBB051), plain yields in tasks (EBB054).
local names = require "ebb.lint.names"
local resolve = require "ebb.lint.resolve"

-- Blocking calls ---------------------------------------------------------------------------------

-- What a call is named in a message and what to use instead of it, if it blocks.
local function blocking(call, about)
  if call.tag == "Call" then
    local path = about:path(call[1])
    return path, names.blocking[path]
  end
  local method, base = call[2][1], about:path(call[1])
  if base then
    -- io.stdin:read()
    local path = base .. "." .. method
    return path, names.blocking[path]
  elseif names.blocking_methods[method] and about:kind(call[1]) == "luasocket" then
    return "LuaSocket's " .. method, "ebb.net"
  end
end

local function check_blocking(call, about, report)
  local path, instead = blocking(call, about)
  if not instead then return end
  -- A function that awaits runs in a task, whoever calls it; a chunk may await on its own too.
  local fn = call.fn
  if about:in_task(call) or not fn.chunk and about:function_awaits(fn) == "yes" then
    report(call, "EBB023", "%s stops every task until it returns; use %s", path, instead)
  end
end

-- Loops ------------------------------------------------------------------------------------------

local TRUE = { True = true, Number = true, String = true }

local function body_of(loop)
  if loop.tag == "Repeat" then return loop[1] end
  return loop[#loop]
end

local function is_endless(loop)
  if loop.tag == "While" then return TRUE[loop[1].tag] or false end
  if loop.tag ~= "Repeat" then return false end
  return loop[2].tag == "False" or loop[2].tag == "Nil"
end

local EXITS = { ["error"] = true, ["os.exit"] = true, ["coroutine.yield"] = true, ["assert"] = true,
  ["ebb.is_cancelled"] = true, ["ebb.coroutine.yield"] = true }

-- Whether a loop can be left from inside, or throws.
local function can_leave(body, about)
  local leaves = false
  local function look(node, inner)
    local tag = node.tag
    if tag == "Return" or tag == "Goto" or tag == "Break" and not inner then leaves = true end
    if tag == "Call" and EXITS[about:path(node[1])] then leaves = true end
    local nested = inner or tag == "While" or tag == "Repeat" or tag == "Fornum" or tag == "Forin"
    for _, child in ipairs(node) do
      if type(child) == "table" and child.tag ~= "Function" then look(child, nested) end
    end
  end
  look(body, false)
  return leaves
end

-- A function that throws or leaves by itself is called: what it does is not followed further.
local function calls_a_leaver(body, about)
  local found = false
  resolve.each(body, function(node)
    local fn = node.tag == "Call" and about:func(node[1])
    if fn then
      resolve.each(fn[2], function(inner)
        if inner.tag == "Call" and EXITS[about:path(inner[1])] then found = true end
      end)
    end
  end)
  return found
end

local function check_endless(loop, about, report)
  local body = body_of(loop)
  if not is_endless(loop) or about:part_awaits(body) ~= "no" then return end
  if can_leave(body, about) or calls_a_leaver(body, about) then return end
  report(loop, "EBB023", "this loop never ends and never awaits, no other task will run again; "
    .. "await in it, or call ebb.yield()")
end

-- Cancels ----------------------------------------------------------------------------------------

local function is_protected(call, about)
  local path = call.tag == "Call" and about:path(call[1])
  return path == "pcall" or path == "xpcall"
end

-- Whether the loop awaits outside of pcall: the next such await throws the cancel again.
local function awaits_unprotected(loop, about)
  local found = false
  resolve.each(loop, function(node)
    if node.tag == "Forin" and about:iterates(node) ~= "no" then found = true end
    if node.tag ~= "Call" and node.tag ~= "Invoke" then return end
    if is_protected(node, about) then return false end
    if about:awaits(node) == "yes" then found = true end
  end)
  return found
end

-- A handler that looks at the error: xpcall with a function of the file that throws or asks.
local function mentions_cancel(loop)
  local found = false
  local function look(node)
    local is_name = node.tag == "String" or node.tag == "Id"
    if is_name and node[1] == "is_cancelled" then found = true end
    for _, child in ipairs(node) do
      if type(child) == "table" then look(child) end
    end
  end
  look(loop)
  return found
end

-- The results of a pcall decide over the loop: `while pcall(f) do`, `until ok`.
local function in_condition(loop, call)
  if loop.tag == "While" then return resolve.within(call, loop[1]) end
  return loop.tag == "Repeat" and loop[2].tag ~= "False" and loop[2].tag ~= "Nil"
end

local function check_swallow(loop, about, report)
  if loop.tag == "Forin" or can_leave(body_of(loop), about) then return end
  if mentions_cancel(loop) or calls_a_leaver(body_of(loop), about) then return end
  if awaits_unprotected(loop, about) then return end
  resolve.each(loop, function(node)
    if node.tag == "Call" and is_protected(node, about) and about:awaits(node) == "yes"
      and not in_condition(loop, node) then
      report(node, "EBB024", "a cancel ends in this pcall and the loop goes on; "
        .. "if ebb.is_cancelled(err) then error(err, 0) end")
    end
  end)
end

-- Where Lua cannot yield -------------------------------------------------------------------------

-- The functions that a call hands to C code that cannot be suspended: position and who it is.
local function handed(call, about)
  if call.tag == "Invoke" then
    if call[2][1] == "gsub" then return call[4], "a gsub callback" end
    return nil
  end
  local path = about:path(call[1])
  if path == "table.sort" then return call[3], "table.sort's comparator" end
  if path == "string.gsub" then return call[4], "a gsub callback" end
  if path == "coroutine.wrap" or path == "coroutine.create" then
    return call[2], "a plain coroutine"
  end
end

local METAMETHODS = { __tostring = "__tostring", __gc = "a finaliser" }

local function report_await(fn, where, about, report)
  if not fn or about:function_awaits(fn) ~= "yes" then return end
  for _, call in ipairs(fn.calls) do
    if about:awaits(call) == "yes" then
      report(call, "EBB051", "an await in %s, where Lua cannot suspend a task%s", where,
        where == "a plain coroutine" and "; use ebb.coroutine" or "")
      return
    end
  end
  report(fn, "EBB051", "this awaits in %s, where Lua cannot suspend a task", where)
end

local function installs_coroutine(tree, about)
  for _, call in ipairs(tree.calls) do
    if call.tag == "Call" and about:path(call[1]) == "ebb.coroutine.install" then return true end
  end
  return false
end

local function check_yieldable(tree, about, report)
  local installed = installs_coroutine(tree, about)
  for _, call in ipairs(tree.calls) do
    local callback, where = handed(call, about)
    if callback and not (installed and where == "a plain coroutine") then
      report_await(about:func(callback), where, about, report)
    end
    if call.tag == "Call" and not installed and about.tasks[call.fn]
      and about:path(call[1]) == "coroutine.yield" then
      report(call, "EBB054", "nobody resumes a task that yields like this; call ebb.yield()")
    end
  end
  for name, where in pairs(METAMETHODS) do
    for _, value in ipairs(tree.fields[name] or {}) do
      report_await(about:func(value), where, about, report)
    end
  end
end

return function(tree, about, report)
  for _, call in ipairs(tree.calls) do check_blocking(call, about, report) end
  for _, fn in ipairs(tree.functions) do
    resolve.each(fn[2], function(node)
      if node.tag == "While" or node.tag == "Repeat" then check_endless(node, about, report) end
      if node.tag == "While" or node.tag == "Repeat" or node.tag == "Fornum" then
        check_swallow(node, about, report)
      end
    end)
  end
  check_yieldable(tree, about, report)
end
