-- Before each scenario: the module, and what a scenario passes outcomes on with.
-- `dir` is an empty folder.
-- luacheck: globals ebb faults must is thrown go dir
package.path = "lua/?.lua;lua/?/init.lua"
ebb = require "ebb"
ebb.on_task_error(function() end)

--- The values of a call that may fail. A failure ends the scenario, which is right if a call was
-- made to fail; it must be an outcome as ebb gives them: a word, or a message and a code.
function must(value, why, code, ...)
  if value then return value, why, code, ... end
  local text = tostring(why) .. (code and " " .. tostring(code) or "")
  if type(why) ~= "string" then error("no outcome: " .. text, 0) end
  local named = why:match "^(E[%u%d_]+): "
  if named ~= nil and code ~= named then error("no code: " .. text, 0) end
  error((faults and "outcome: " or "without a failure: ") .. text, 0)
end

--- What must be so whatever fails.
function is(value, expected, what)
  if value == expected then return end
  error(("wrong: %s: %q instead of %q"):format(what or "?", tostring(value), tostring(expected)), 2)
end

--- What throws instead.
function thrown(fn)
  local ok, err = pcall(fn)
  if ok then return end
  if not tostring(err):find ": E%u+: " then error(err, 0) end
  error((faults and "outcome: " or "without a failure: ") .. tostring(err), 0)
end

--- A task; `end_of` is closed when it fails, so that nobody waits for it any more.
function go(end_of, fn)
  return ebb.spawn(function()
    local ok, a, b = pcall(fn)
    if ok then return a, b end
    end_of:close()
    error(a, 0)
  end)
end
