--- Ways to start tasks that are written in terms of ebb.spawn.
local core = require "ebb.core"

local check = require "ebb.check"

local task = {}

local expected = { name = "string", cpu = "number" }

local function check_option(key, value)
  if not expected[key] then
    check.fail("bad argument #1 to 'spawn_with' (unknown option '%s')", tostring(key))
  end
  if type(value) ~= expected[key] then
    check.fail("bad argument #1 to 'spawn_with' (option '%s': %s expected, got %s)", key,
      expected[key], core._typename(value))
  end
  if value ~= value or value == 0 or (key == "cpu" and value < 0) then
    check.fail("bad argument #1 to 'spawn_with' (option '%s': more than 0 expected)", key)
  end
end

--- ebb.spawn with options: `name` for dumps, reports and tostring; `cpu`, seconds that the task and
-- all that it spawns may compute.
function task.spawn_with(opts, fn, ...)
  if type(opts) ~= "table" then check.bad("spawn_with", 1, "table of options", opts) end
  for key, value in pairs(opts) do check_option(key, value) end
  check.callable("spawn_with", 2, fn)
  local handle = core.spawn(fn, ...)
  if opts.name then handle:name(opts.name) end
  if opts.cpu then
    local ok, err = pcall(core._set_cpu, handle, opts.cpu)
    if not ok then -- it must not run without
      handle:cancel()
      error(err, 0)
    end
  end
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
