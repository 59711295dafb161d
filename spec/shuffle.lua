--- Loaded into busted when EBB_SPEC_SEED is set (see spec/busted.lua): each test runs under a random schedule of its
-- own, and one that fails prints the number that gives the same schedule again. EBB_SPEC_SHAKE is what happens besides,
-- a sum: 1 tasks that wait are woken for nothing, 4 awaits that need not wait give way (see csrc/core/shake.h).
local busted = require "busted"
local core = require "ebb.core"
local ebb = require "ebb"

local base = assert(math.tointeger(tonumber(os.getenv "EBB_SPEC_SEED")), "EBB_SPEC_SEED: an integer")
local shake = math.tointeger(tonumber(os.getenv "EBB_SPEC_SHAKE" or "")) or 0
local n_tests = 0
local seed = base

local runtime = ebb.runtime -- of this name, which errors tell
function ebb.runtime(opts)
  if opts ~= nil and type(opts) ~= "table" then return runtime(opts) end
  local seeded = { seed = seed }
  for name, value in pairs(opts or {}) do seeded[name] = value end
  if shake == 0 then return runtime(seeded) end -- a tail call: errors name the line of the caller
  local rt = runtime(seeded)
  core._shake(rt, seeded.seed, shake)
  return rt
end

busted.subscribe({ "test", "start" }, function()
  seed = base + n_tests
  n_tests = n_tests + 1
  core._seed(ebb.current_runtime(), seed)
  return nil, true -- busted's own are told as well
end)

local function told(element)
  io.stderr:write(("schedule %d of %q; again: EBB_SPEC_SEED=%d and --filter with its name\n"):format(
    seed, element.name or "?", seed))
  return nil, true
end
busted.subscribe({ "failure", "it" }, told)
busted.subscribe({ "error", "it" }, told)
