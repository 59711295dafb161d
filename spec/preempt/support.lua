-- Code that misbehaves. What would go on for ever gives up after a while, so that a failure does not hang.
local ebb = require "ebb"
local helper = require "spec.helper"

local support = {}

-- The thread sanitizer lets signals through where libc is called in a way that it knows.
local function clock()
  os.time()
  return os.clock()
end
support.clock = clock

--- Computes for `seconds` of processor time.
function support.compute(seconds)
  local due, n = clock() + seconds, 0
  while clock() < due do n = n + 1 end
  return n
end

-- "For ever" lasts 3 seconds of processor time after this.
local give_up = 0
function support.begin() give_up = clock() + 3 end

function support.forever()
  while clock() < give_up do end -- luacheck: ignore
  error("nobody has stopped it", 0)
end

--- Calls fn again and again, for ever.
function support.loop(fn)
  while clock() < give_up do fn() end
  error("nobody has stopped it", 0)
end

--- A thing whose __close is fn.
function support.closing(fn) return setmetatable({}, { __close = fn }) end

--- Runs fn on a runtime with these options, on the system's clock; nothing may be left over.
function support.run(opts, fn)
  opts.clock = opts.clock or "system"
  return helper.run(fn, opts)
end

--- `it` for what real time decides. A machine that does other things for a whole slice of ours can spoil it, so it has
-- failed when it does so three times in a row.
function support.it(name, fn)
  require("busted").it(name, function()
    for _ = 1, 2 do
      if pcall(fn) then return end
    end
    fn()
  end)
end

--- Spawns fn and waits for it: its status, and its error as a string.
function support.outcome(fn, ...)
  local task = ebb.spawn(fn, ...)
  local ok, err = task:join()
  return task:status(), not ok and tostring(err) or nil
end

return support
