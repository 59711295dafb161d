--- ebb.test: the body of a test as the main task of a fresh runtime with a virtual clock. It fails
-- when tasks, handles or memory are left behind or an error went unobserved. ebb.test.explore tries
-- many schedules.
local core = require "ebb.core"

local check = require "ebb.check"

local error, ipairs, pairs, pcall, tostring, type = error, ipairs, pairs, pcall, tostring, type
local pack, unpack, concat = table.pack, table.unpack, table.concat
local census = core._census
local stderr, getenv = io.stderr, os.getenv

local SETTLE_TURNS = 100 -- for tasks that only have to run on to their ends

--- Tasks that can run to their ends without time going on do so; the others were left behind.
local function leftover(rt, main)
  for _ = 1, SETTLE_TURNS do
    if rt:metrics().ready == 0 then break end
    core.yield()
  end
  local left = {}
  for _, task in ipairs((census(rt))) do
    if task ~= main then left[#left + 1] = "\n\t" .. tostring(task) end
  end
  return left
end

--- What is not closed though nobody can reach it is closed by the collector: no leak.
local function left_open(rt, bytes_before)
  local _, busy, bytes = census(rt)
  if not busy and bytes <= bytes_before then return nil end
  collectgarbage()
  collectgarbage()
  _, busy, bytes = census(rt)
  if busy then return "something was left open: a handle, a subscription or a callback" end
  if bytes > bytes_before then
    return ("%d byte(s) of guarded memory were left behind"):format(bytes - bytes_before)
  end
end

local function unobserved(errors)
  local lines = {}
  for _, one in ipairs(errors) do
    lines[#lines + 1] = ("unobserved error of %s: %s\n%s"):format(tostring(one.task),
      tostring(one.err), tostring(one.traceback))
  end
  return concat(lines, "\n")
end

--- Runs fn once: true, results… or false, what is wrong.
local function run(fn, seed)
  local errors = {}
  local rt <close> = core.runtime {
    clock = "virtual", seed = seed, name = "test",
    on_task_error = function(task, err, traceback)
      errors[#errors + 1] = { task = task, err = err, traceback = traceback }
    end,
  }
  local _, _, bytes_before = census(rt)
  local left
  local ended = pack(pcall(rt.run, rt, function()
    local main = core.current()
    local results = pack(fn(rt))
    left = leftover(rt, main)
    return unpack(results, 1, results.n)
  end))
  local problem
  if not ended[1] then return false, ended[2] end
  if #left > 0 then problem = ("%d task(s) were left behind:%s"):format(#left, concat(left)) end
  if #errors > 0 then problem = unobserved(errors) end
  problem = problem or left_open(rt, bytes_before)
  if problem then return false, "ebb.test: " .. problem end
  return unpack(ended, 1, ended.n)
end

--- The seed goes into the message, and to standard error, since messages may be cut.
local function fail(err, seed)
  local words = seed and ("seed %d"):format(seed) or "no seed: tasks ran in order"
  stderr:write("ebb.test: failed with ", words, "\n")
  if type(err) == "string" then
    err = ("%s\n(%s)"):format(err, words)
  elseif type(err) == "table" and type(err.message) == "string" then
    pcall(function() err.message = ("%s\n(%s)"):format(err.message, words) end)
  end
  error(err, 0)
end

--- Are we where tests are declared, rather than in one? Then the test is made, not run.
local function is_declaring()
  local busted = package.loaded.busted
  local context = type(busted) == "table" and busted.context
  local current = type(context) == "table" and context.get and context.get()
  local kind = type(current) == "table" and current.descriptor
  return kind == "describe" or kind == "file" or kind == "suite"
end

local function check_seed(name, opts)
  local seed = opts.seed
  if seed ~= nil and math.type(seed) ~= "integer" then
    check.fail("bad argument #2 to '%s' (option 'seed': integer expected, got %s)", name,
      core._typename(seed))
  end
  return seed
end

local function check_options(name, opts, known)
  if opts == nil then return {} end
  if type(opts) ~= "table" then check.bad(name, 2, "table of options", opts) end
  for key in pairs(opts) do
    if not known[key] then
      check.fail("bad argument #2 to '%s' (unknown option '%s')", name, tostring(key))
    end
  end
  return opts
end

local function results_of(seed, ok, ...)
  if not ok then fail((...), seed) end
  return ...
end

--- The seed of the environment, to run a test again as it failed.
local function seed_of_environment()
  return math.tointeger(tonumber(getenv "EBB_SEED" or ""))
end

local function run_test(fn, seed)
  seed = seed or seed_of_environment()
  return results_of(seed, run(fn, seed))
end

local function run_explore(fn, first, n)
  local only = seed_of_environment()
  if only then return run_test(fn, only) end
  for seed = first, first + n - 1 do results_of(seed, run(fn, seed)) end
end

local function now_or_later(runner, ...)
  if not is_declaring() then return runner(...) end
  local args = pack(...)
  return function() return runner(unpack(args, 1, args.n)) end
end

local test = {}

--- Runs fn(rt), in a test; where tests are declared it gives a function that does, for `it`. The
-- order of tasks is shuffled by opts.seed or the environment's EBB_SEED.
local function run_now_or_later(_, fn, opts)
  check.callable("test", 1, fn)
  opts = check_options("test", opts, { seed = true })
  return now_or_later(run_test, fn, check_seed("test", opts))
end

--- Runs fn(rt) under opts.seeds different schedules (100), opts.seed being the first (1); the first
-- that fails says its seed.
function test.explore(fn, opts)
  check.callable("explore", 1, fn)
  opts = check_options("explore", opts, { seed = true, seeds = true })
  local seeds = opts.seeds or 100
  if math.type(seeds) ~= "integer" or seeds < 1 then
    check.fail("bad argument #2 to 'explore' (option 'seeds': integer >= 1 expected, got %s)",
      type(seeds) == "number" and seeds or core._typename(seeds))
  end
  return now_or_later(run_explore, fn, check_seed("explore", opts) or 1, seeds)
end

return setmetatable(test, { __call = run_now_or_later, __metatable = "ebb.test" })
