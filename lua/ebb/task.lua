--- Ways to start tasks that are written in terms of ebb.spawn.
local core = require "ebb.core"

local check = require "ebb.check"

local error, pairs, pcall = error, pairs, pcall
local math_type, tostring, type = math.type, tostring, type

local task = {}

local expected = { name = "string", cpu = "number", memory = "integer" }

local function check_option(key, value)
  if not expected[key] then
    check.fail("bad argument #1 to 'spawn_with' (unknown option '%s')", tostring(key))
  end
  local kind = key == "memory" and math_type(value) or type(value)
  if kind ~= expected[key] then
    check.fail("bad argument #1 to 'spawn_with' (option '%s': %s expected, got %s)", key,
      expected[key], check.came(expected[key], value))
  end
  if value ~= value or value == 0 or (key ~= "name" and value < 0) then
    check.fail("bad argument #1 to 'spawn_with' (option '%s': more than 0 expected, got %s)", key,
      check.came("number", value))
  end
end

-- It must not run without its quotas.
local function set_quota(handle, set, quota)
  if not quota then return end
  local ok, err = pcall(set, handle, quota)
  if not ok then
    handle:cancel()
    error(err, 0)
  end
end

--- ebb.spawn with options: `name` for dumps, reports and tostring; `cpu`, seconds that the task and
-- all that it spawns may compute; `memory`, bytes that they may have in use.
function task.spawn_with(opts, fn, ...)
  if type(opts) ~= "table" then check.bad("spawn_with", 1, "table of options", opts) end
  for key, value in pairs(opts) do check_option(key, value) end
  check.callable("spawn_with", 2, fn)
  if opts.memory then core._check_memory() end
  local handle = core.spawn(fn, ...)
  if opts.name then handle:name(opts.name) end
  set_quota(handle, core._set_memory, opts.memory)
  set_quota(handle, core._set_cpu, opts.cpu)
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
