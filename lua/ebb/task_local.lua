--- ebb.task_local: values of a task that its children start with. The keys are objects of the core;
-- here is what calls back.
local core = require "ebb.core"

local check = require "ebb.check"

local setmetatable, typename = setmetatable, core._typename
local peek, methods = core._task_local_peek, core._task_local_methods

local task_local = {}

--- A key whose value is `default` wherever none was set.
task_local.task_local = core._task_local

local restore = { __close = function(self) self.key:set(self.value) end }

--- Runs fn(...) with `value` under the key; afterwards, however fn ends, the old value is back.
function methods.with(key, value, fn, ...)
  if typename(key) ~= "ebb.task_local" then
    check.fail("calling 'with' on bad self (ebb.task_local expected, got %s)", typename(key))
  end
  check.callable("with", 2, fn)
  local _ <close> = setmetatable({ key = key, value = peek(key) }, restore)
  key:set(value)
  return fn(...)
end

return task_local
