--- Ways to start tasks that are written in terms of ebb.spawn.
local core = require "ebb.core"

local check = require "ebb.check"

local task = {}

--- ebb.spawn with options: `name` for dumps, reports and tostring.
function task.spawn_with(opts, fn, ...)
  if type(opts) ~= "table" then check.bad("spawn_with", 1, "table of options", opts) end
  for key, value in pairs(opts) do
    if key ~= "name" then
      check.fail("bad argument #1 to 'spawn_with' (unknown option '%s')", tostring(key))
    end
    if type(value) ~= "string" then
      check.fail("bad argument #1 to 'spawn_with' (option 'name': string expected, got %s)",
        core._typename(value))
    end
  end
  check.callable("spawn_with", 2, fn)
  local handle = core.spawn(fn, ...)
  if opts.name then handle:name(opts.name) end
  return handle
end

local function after(due, fn, ...)
  core.sleep_until(due)
  return fn(...)
end

--- Spawns a task that runs fn(...) `seconds` from now.
function task.delay(seconds, fn, ...)
  check.seconds("delay", 1, seconds)
  check.callable("delay", 2, fn)
  return core.spawn(after, core.now() + seconds, fn, ...)
end

return task
