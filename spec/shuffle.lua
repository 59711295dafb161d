--- Loaded into busted when EBB_SPEC_SEED is set (see spec/busted.lua): each test runs under a random schedule of its
-- own, and one that fails prints the number that gives the same schedule again.
local busted = require "busted"
local core = require "ebb.core"
local ebb = require "ebb"

local base = assert(math.tointeger(tonumber(os.getenv "EBB_SPEC_SEED")), "EBB_SPEC_SEED: an integer")
local n_tests = 0
local seed = base

local make = ebb.runtime
function ebb.runtime(opts)
  if opts ~= nil and type(opts) ~= "table" then return make(opts) end
  local seeded = { seed = seed }
  for name, value in pairs(opts or {}) do seeded[name] = value end
  return make(seeded) -- a tail call: errors name the line of the caller
end

busted.subscribe({ "test", "start" }, function()
  seed = base + n_tests
  n_tests = n_tests + 1
  core._seed(ebb.current_runtime(), seed)
end)

local function told(element)
  io.stderr:write(("schedule %d of %q; again: EBB_SPEC_SEED=%d and --filter with its name\n"):format(
    seed, element.name or "?", seed))
end
busted.subscribe({ "failure", "it" }, told)
busted.subscribe({ "error", "it" }, told)
