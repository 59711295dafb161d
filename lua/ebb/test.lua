--- ebb.test: the body of a test as the main task of a fresh runtime with a virtual clock. It fails
-- when tasks, handles or memory are left behind or an error went unobserved. ebb.test.explore tries
-- many schedules.
local check = require "ebb.check"
local failure = require "ebb.test.failure"
local run = require "ebb.test.run"

local pairs, tostring, type = pairs, tostring, type
local pack, unpack = table.pack, table.unpack
local getenv = os.getenv

--- Are we where tests are declared, rather than in one? Then the test is made, not run.
local function is_declaring()
  local current = failure.current_element()
  local kind = current and current.descriptor
  return kind == "describe" or kind == "file" or kind == "suite"
end

-- What is shaken besides the order of tasks, unless the option is false.
local SHAKEN = { spurious = 1, collector = 2, yields = 4 }

local function check_options(name, opts, known)
  if opts == nil then return {} end
  if type(opts) ~= "table" then check.bad(name, 2, "table of options", opts) end
  for key, value in pairs(opts) do
    local kind = known[key]
    if not kind then
      check.fail("bad argument #2 to '%s' (unknown option '%s')", name, tostring(key))
    end
    if (math.type(value) or type(value)) ~= kind then
      check.fail("bad argument #2 to '%s' (option '%s': %s expected, got %s)", name, key, kind,
        check.came(kind, value))
    end
  end
  return opts
end

--- The sum for core._shake.
local function shaken(opts)
  local what = 0
  for name, bit in pairs(SHAKEN) do
    if opts[name] ~= false then what = what + bit end
  end
  return what
end

--- The seed of the environment, to run a test again as it failed.
local function seed_of_environment()
  return math.tointeger(tonumber(getenv "EBB_SEED" or ""))
end

local function finish(opts, seed, report, ok, ...)
  if report then failure.write(opts.trace, report.trace) end
  if not ok then failure.throw((...), seed, report) end
  return ...
end

local function run_test(fn, opts)
  local seed = opts.seed or seed_of_environment()
  return finish(opts, seed, run(fn, seed, shaken(opts), true))
end

--- The seed has failed: once more, to see how.
local function run_again(fn, opts, seed, err)
  local report, ok = run(fn, seed, shaken(opts), true)
  failure.write(opts.trace, report.trace)
  failure.throw(err, seed, report, not ok)
end

local function add(sums, report)
  sums.schedules = sums.schedules + 1
  sums.switches = sums.switches + report.switches
  sums.spurious = sums.spurious + report.nudges
  sums.collections = sums.collections + report.collections
  sums.yields = sums.yields + report.yields
  sums.digest = sums.digest * 1099511628211 ~ report.digest -- depends on their order
end

local COLLECT_AT = 8 * 1024 -- KiB more than there were: the collector was off meanwhile

local function run_explore(fn, opts)
  local what = shaken(opts)
  local sums = { schedules = 0, orders = 0, switches = 0, spurious = 0, collections = 0,
    yields = 0, digest = 0 }
  local orders = {}
  local first, n = opts.seed or 1, opts.seeds or 100
  local only = seed_of_environment()
  if only then
    run_test(fn, opts)
    return
  end
  local kib = collectgarbage "count"
  for seed = first, first + n - 1 do
    local report, ok, err = run(fn, seed, what)
    if not ok then run_again(fn, opts, seed, err) end
    add(sums, report)
    if not orders[report.order] then
      orders[report.order] = true
      sums.orders = sums.orders + 1
    end
    if collectgarbage "count" > kib + COLLECT_AT then
      collectgarbage()
      kib = collectgarbage "count"
    end
  end
  return sums
end

local function now_or_later(runner, ...)
  if not is_declaring() then return runner(...) end
  local args = pack(...)
  return function() runner(unpack(args, 1, args.n)) end -- busted makes something of results
end

local test = {}

local TEST_OPTIONS = { seed = "integer", trace = "string", spurious = "boolean",
  collector = "boolean", yields = "boolean" }

--- Runs fn(rt), in a test; where tests are declared it gives a function that does, for `it`. The
-- schedule is explored by opts.seed or the environment's EBB_SEED.
local function run_now_or_later(_, fn, opts)
  check.callable("test", 1, fn)
  return now_or_later(run_test, fn, check_options("test", opts, TEST_OPTIONS))
end

local EXPLORE_OPTIONS = { seeds = "integer" }
for name, kind in pairs(TEST_OPTIONS) do EXPLORE_OPTIONS[name] = kind end

--- Runs fn(rt) under opts.seeds different schedules (100), opts.seed being the first (1); the first
-- that fails says its seed and what led to it.
function test.explore(fn, opts)
  check.callable("explore", 1, fn)
  opts = check_options("explore", opts, EXPLORE_OPTIONS)
  if opts.seeds and opts.seeds < 1 then
    check.fail("bad argument #2 to 'explore' (option 'seeds': integer >= 1 expected, got %s)",
      opts.seeds)
  end
  return now_or_later(run_explore, fn, opts)
end

return setmetatable(test, { __call = run_now_or_later, __metatable = "ebb.test" })
