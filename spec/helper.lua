--- Helpers shared by the specs: run a body as the main task of a fresh runtime and check that nothing is left behind.
local ebb = require "ebb"

local helper = {}

--- A fresh virtual-clock runtime; errors nobody took are collected in `rt_errors[rt]`.
-- @param opts options of ebb.runtime, merged over { clock = "virtual" }
function helper.runtime(opts)
  local merged = { clock = "virtual" }
  local errors = {}
  merged.on_task_error = function(task, err, traceback)
    errors[#errors + 1] = { task = task, err = err, traceback = traceback }
  end
  for k, v in pairs(opts or {}) do merged[k] = v end
  local rt = ebb.runtime(merged)
  return rt, errors
end

--- Runs fn(errors, rt) as the main task of a fresh virtual-clock runtime; fails when a task is still alive
-- afterwards or when a task's error went unobserved (unless the body emptied the list `errors`).
-- Returns what fn returned.
function helper.run(fn, opts)
  local rt, errors = helper.runtime(opts)
  local results = table.pack(pcall(rt.run, rt, function() return fn(errors, rt) end))
  local alive = rt:metrics().alive
  rt:close()
  if not results[1] then error(results[2], 0) end
  if alive ~= 0 then error(("%d task(s) left alive"):format(alive), 2) end
  if #errors > 0 then
    error("unobserved task error: " .. tostring(errors[1].err) .. "\n" .. tostring(errors[1].traceback), 0)
  end
  return table.unpack(results, 2, results.n)
end

--- `it` whose body runs inside helper.run.
function helper.it(name, fn, opts)
  return require("busted").it(name, function() helper.run(fn, opts) end)
end

--- The same, and once more under 200 schedules: for bodies where the order of tasks does not matter.
function helper.it_seeded(name, fn)
  helper.it(name, fn)
  require("busted").it(name .. " (seeds)", function()
    for seed = 1, 200 do helper.run(fn, { seed = seed }) end
  end)
end

--- random(n) gives 1 to n, by a generator of its own (xorshift), so that a seed means the same everywhere.
function helper.random(seed)
  local state = seed * 2654435761 + 88172645463325252
  return function(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 11) % n + 1
  end
end

-- Where more than the order is shaken, some tasks may have many turns before others have one.
local IS_SHAKEN = (os.getenv "EBB_SPEC_SHAKE" or "") ~= ""
local SETTLE_TURNS = IS_SHAKEN and 20000 or 100

--- In a task: gives way until every other task waits or has ended, whatever the schedule (or for a hundred times, if
-- there are some that never come to rest).
function helper.settle()
  local rt = ebb.current_runtime()
  for _ = 1, SETTLE_TURNS + (IS_SHAKEN and 20 * rt:metrics().alive or 0) do
    ebb.yield()
    if rt:metrics().ready == 0 then return end
  end
end

--- In a task, on the system's clock: waits until fn() gives `expected`, for half a minute at most; fails otherwise.
function helper.eventually(expected, fn)
  for _ = 1, 6000 do
    if fn() == expected then return end
    ebb.sleep(0.005)
  end
  require("luassert").equal(expected, fn())
end

--- Collects all that nobody refers to, and what finalisers let go.
function helper.collect()
  collectgarbage()
  collectgarbage()
end

--- Calls fn(...), which must throw; returns the error (and checks that tostring(err) contains `text`, plain).
function helper.throws(text, fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then error("expected an error containing " .. string.format("%q", text), 2) end
  if text and not tostring(err):find(text, 1, true) then
    error(("expected an error containing %q, got %q"):format(text, tostring(err)), 2)
  end
  return err
end

--- A list that tasks append to; log:text() joins it with blanks.
function helper.log()
  local list = {}
  return setmetatable(list, { __index = { text = function(self) return table.concat(self, " ") end },
    __call = function(self, ...)
      local parts = table.pack(...)
      for i = 1, parts.n do parts[i] = tostring(parts[i]) end
      self[#self + 1] = table.concat(parts, ":")
    end })
end

return helper
