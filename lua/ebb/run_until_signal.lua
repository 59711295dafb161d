--- ebb.run_until_signal: a main task that Ctrl-C or SIGTERM ends in an orderly way.
local core = require "ebb.core"

local check = require "ebb.check"

local ipairs, pairs, setmetatable, tostring, type = ipairs, pairs, setmetatable, tostring, type
local format = string.format
local concat, unpack = table.concat, table.unpack
local census, current, in_task = core._census, core.current, core._in_task
local select_first, signal, spawn = core.select_first, core.signal, core.spawn

local run_until_signal = {}

local function check_options(opts)
  if opts == nil then return { "int", "term" }, 5 end
  if type(opts) ~= "table" then check.bad("run_until_signal", 2, "table of options", opts) end
  for key in pairs(opts) do
    if key ~= "signals" and key ~= "grace" then
      check.fail("bad argument #2 to 'run_until_signal' (unknown option '%s')", tostring(key))
    end
  end
  local signals, grace = opts.signals or { "int", "term" }, opts.grace or 5
  if type(signals) ~= "table" then
    check.fail("bad argument #2 to 'run_until_signal' (option 'signals': list expected, got %s)",
      core._typename(signals))
  end
  for _, name in ipairs(signals) do
    if type(name) ~= "string" then
      check.fail("bad argument #2 to 'run_until_signal' (option 'signals': names expected, got %s)",
        core._typename(name))
    end
  end
  if type(grace) ~= "number" or grace ~= grace or grace < 0 then
    check.fail("bad argument #2 to 'run_until_signal' (option 'grace': seconds >= 0 expected, "
      .. "got %s)", tostring(grace))
  end
  return signals, grace
end

local subscriptions = {
  __close = function(self)
    for _, subscription in ipairs(self) do subscription:close() end
  end,
}

--- Waits for main's end or a signal: nil or the signal's name.
local function wait(main, signals)
  local arms <close> = setmetatable({}, subscriptions)
  for i, name in ipairs(signals) do arms[i] = signal(name) end
  local which = select_first(main:join_op(), unpack(arms))
  return signals[which - 1]
end

--- Asks all that `alive()` lists to end, and waits for that until `limit` (an op) happens: what is
-- left then.
local function stop(alive, reason, limit)
  while true do
    local tasks = alive()
    if #tasks == 0 then return tasks end
    for i = #tasks, 1, -1 do tasks[i]:cancel(reason) end
    for _, task in ipairs(tasks) do
      if select_first(task:join_op(), limit) == 2 then return alive() end
    end
  end
end

local function warn(left, grace)
  local lines = {}
  for i, task in ipairs(left) do lines[i] = "\n\t" .. tostring(task) end
  io.stderr:write(format("ebb: %d task(s) did not stop within %s s:%s\n", #left, grace,
    concat(lines)))
end

--- What comes out of it: main's results or error, or nil, "cancelled" and the signal that ended it.
local function outcome(main, name)
  if name and (main:status() == "cancelled" or not main:finished()) then
    return nil, "cancelled", name
  end
  return main:await()
end

--- In a task, `main` is a task beside it; only that is ended.
local function run_beside(main, signals, grace)
  local task <close> = setmetatable({ spawn(main) },
    { __close = function(self) if self[1]:cancel() then self[1]:join() end end })
  local name = wait(task[1], signals)
  if name then
    local left = stop(function() return task[1]:finished() and {} or { task[1] } end, name,
      core.timer(grace))
    if #left > 0 then warn(left, grace) end
  end
  return outcome(task[1], name)
end

--- Everything that is alive in `rt`, but the caller.
local function all_of(rt)
  local self, others = current(), {}
  for _, task in ipairs((census(rt))) do
    if task ~= self then others[#others + 1] = task end
  end
  return others
end

local function run_alone(main, signals, grace)
  local rt <close> = core.runtime { cleanup_timeout = grace, name = "main" }
  local task, name
  local supervisor = rt:spawn(function()
    task = spawn(main)
    name = wait(task, signals)
    if not name then return end
    local left = stop(function() return all_of(rt) end, name, core.timer(grace))
    if #left > 0 then warn(left, grace) end
  end)
  rt:block_on(supervisor)
  if not name then rt:shutdown(grace) end -- main has ended; what it left behind has its cleanups
  return outcome(task, name)
end

--- Runs main() on a runtime of its own until it ends or one of the signals ("int" and "term")
-- comes: that cancels everything, waits at most `grace` seconds for the cleanups and names what did
-- not stop. Returns main's results, or nil, "cancelled" and the signal's name.
function run_until_signal.run_until_signal(main, opts)
  check.callable("run_until_signal", 1, main)
  local signals, grace = check_options(opts)
  if in_task() then return run_beside(main, signals, grace) end
  return run_alone(main, signals, grace)
end

return run_until_signal
