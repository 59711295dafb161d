--- ebb.resource_pool: connections and the like, made when needed, at most so many, used again.
-- A semaphore counts what exists or is being made for somebody; idle values lie in a stack, the
-- one that was used last on top, so that those that are not needed grow old at the bottom.
local core = require "ebb.core"

local check = require "ebb.check"

local error, pairs, pcall, setmetatable, type =
  error, pairs, pcall, setmetatable, type
local remove = table.remove
local format = string.format

local NANOSECOND = 1e-9 -- times are whole ones, their sums as numbers nearly

local Pool, Lease = {}, {}

-- The inside of a pool and of a lease, by object.
local inside_of = setmetatable({}, { __mode = "k" })

local function pool_of(self, name)
  local inside = inside_of[self]
  if not inside or not inside.make then check.bad(name, 1, "ebb.resource_pool", self) end
  return inside
end

local function lease_of(self, name)
  local inside = inside_of[self]
  if not inside or not inside.pool then check.bad(name, 1, "ebb.lease", self) end
  return inside
end

local function end_value(pool, value)
  if pool.close then pool.close(value) end
end

-- Calls fn() when it is closed, unless it was disarmed.
local on_exit = { __close = function(self) if self.fn then self.fn() end end }

--- Idle values -----------------------------------------------------------------------------------

local start_reaper

-- One value that cannot be closed does not keep the others from it.
local go_on = {
  __close = function(self, err)
    if err ~= nil and not core.is_cancelled(err) then start_reaper(self.pool) end
  end,
}

-- Closes what has been idle for too long; runs as a task of its own while there are idle values.
local function reap(pool)
  local _ <close> = setmetatable({ pool = pool }, go_on)
  while not pool.closed and pool.idle_values[1] do
    local item = pool.idle_values[1]
    if item.since + pool.idle - core.now() > NANOSECOND then
      core.sleep_until(item.since + pool.idle)
    else
      remove(pool.idle_values, 1)
      end_value(pool, item.value)
    end
  end
end

function start_reaper(pool)
  local ok, task = pcall(core.spawn, reap, pool)
  pool.reaper = ok and task or nil
end

local function put_idle(pool, value)
  pool.idle_values[#pool.idle_values + 1] = { value = value, since = core.now() }
  -- outside of tasks nobody may ever run it: then old ones are found by acquire; a reaper may have
  -- ended with its runtime, even before it began
  if pool.idle and core._in_task() and (not pool.reaper or pool.reaper:finished()) then
    start_reaper(pool)
  end
end

-- The idle value used last that is still good, or nil; in a task.
local function take_idle(pool)
  while true do
    local item = remove(pool.idle_values)
    if not item then return nil end
    local value = item.value
    -- whoever ends the check early, by an error or a cancel, leaves no value behind
    local fate <close> = setmetatable({ fn = function() end_value(pool, value) end }, on_exit)
    local is_old = pool.idle and item.since + pool.idle - core.now() <= NANOSECOND
    if not is_old and (not pool.check or pool.check(value)) and not pool.closed then
      fate.fn = nil
      return value
    end
  end
end

--- Leases ----------------------------------------------------------------------------------------

local lease_meta

local function new_lease(pool, permit, value)
  local lease = { value = value }
  inside_of[lease] = { pool = pool, permit = permit }
  pool.n_leased = pool.n_leased + 1
  return setmetatable(lease, lease_meta)
end

-- The permit is of an acquire that has succeeded; it goes back if nothing comes of it.
local function lease_with(pool, permit)
  local _ <close> = permit
  local value = take_idle(pool)
  if value == nil then
    if pool.closed then return nil, "closed" end
    local why, code
    value, why, code = pool.make()
    if value == nil then return nil, why or "nothing was made", code end
    if pool.closed then
      end_value(pool, value)
      return nil, "closed"
    end
  end
  return new_lease(pool, permit:split(1), value)
end

-- Ends the lease: what it held, or nil the second time.
local function give_up(self, lease)
  local permit, value = lease.permit, self.value
  lease.permit, self.value = nil, nil
  if permit then lease.pool.n_leased = lease.pool.n_leased - 1 end
  return permit, value
end

--- The value goes back to the pool.
function Lease:close()
  local lease = lease_of(self, "close")
  local permit <close>, value = give_up(self, lease)
  if not permit or value == nil then return end
  if lease.pool.closed then
    end_value(lease.pool, value)
  else
    put_idle(lease.pool, value)
  end
end

--- The value is closed instead of being used again.
function Lease:discard()
  local lease = lease_of(self, "discard")
  local permit <close>, value = give_up(self, lease)
  if permit and value ~= nil then end_value(lease.pool, value) end
end

-- A finaliser cannot wait: a task closes what has no pool to go back to.
local function collect(self)
  local lease = inside_of[self]
  if not lease or not lease.permit then return end
  local permit <close>, value = give_up(self, lease)
  if not permit or value == nil then return end
  if not lease.pool.closed then
    put_idle(lease.pool, value)
  elseif lease.pool.close then
    pcall(core.go, lease.pool.close, value)
  end
end

lease_meta = {
  __name = "ebb.lease", __metatable = "ebb.lease", __index = Lease,
  __close = Lease.close, __gc = collect,
  __tostring = function(self)
    return "ebb.lease: " .. (inside_of[self].permit and "held" or "given back")
  end,
}

--- Pools -----------------------------------------------------------------------------------------

--- A lease of an idle or a new value; waits while `max` are leased. nil, "closed"; or what make
-- returned instead of a value.
function Pool:acquire()
  local pool = pool_of(self, "acquire")
  local permit, why = pool.permits:acquire()
  if not permit then return nil, why end
  return lease_with(pool, permit)
end

--- The same without waiting for a lease to end: nil, "empty". (make and check may wait.)
function Pool:try_acquire()
  local pool = pool_of(self, "try_acquire")
  local permit, why = pool.permits:try_acquire()
  if not permit then return nil, why end
  return lease_with(pool, permit)
end

--- fn(value, ...) with a leased value.
function Pool:with(fn, ...)
  local pool = pool_of(self, "with")
  check.callable("with", 1, fn)
  local permit, why = pool.permits:acquire()
  if not permit then return nil, why end
  local lease <close>, reason, code = lease_with(pool, permit)
  if not lease then return nil, reason, code end
  return fn(lease.value, ...)
end

--- Closes the idle values; who waits gets nil, "closed", leased values are closed when they come
-- back. All are closed, whatever fails; the first error is thrown then.
function Pool:close()
  local pool = pool_of(self, "close")
  if pool.closed then return end
  pool.closed = true
  pool.permits:close()
  local failed, first
  while true do
    local item = remove(pool.idle_values)
    if not item then break end
    local ok, err = pcall(end_value, pool, item.value)
    if not ok and not failed then failed, first = true, err end
  end
  if failed then error(first, 0) end
end

function Pool:is_closed()
  return pool_of(self, "is_closed").closed
end

--- How many values are leased, and how many idle.
function Pool:size()
  local pool = pool_of(self, "size")
  return pool.n_leased, #pool.idle_values
end

local pool_meta = {
  __name = "ebb.resource_pool", __metatable = "ebb.resource_pool", __index = Pool,
  __close = Pool.close,
  __tostring = function(self)
    local pool = inside_of[self]
    return format("ebb.resource_pool: %d leased, %d idle%s", pool.n_leased, #pool.idle_values,
      pool.closed and ", closed" or "")
  end,
}

local options = { max = true, idle = true, check = true, close = true }

local function check_options(opts)
  if type(opts) ~= "table" then check.bad("resource_pool", 2, "table of options", opts) end
  for key in pairs(opts) do
    if not options[key] then
      check.fail("bad argument #2 to 'resource_pool' (unknown option '%s')", tostring(key))
    end
  end
  check.callable_option("resource_pool", 2, opts, "check")
  check.callable_option("resource_pool", 2, opts, "close")
  local idle = opts.idle
  if idle ~= nil and (type(idle) ~= "number" or idle ~= idle) then
    check.bad("resource_pool", 2, "option 'idle': number of seconds", idle)
  end
  local max = opts.max
  if max ~= nil and max ~= math.huge and (math.type(max) ~= "integer" or max < 1) then
    check.bad("resource_pool", 2, "option 'max': integer above 0", max)
  end
end

--- make() → value, or nil, err. Options: max, how many at a time; idle, seconds until an unused one
-- is closed; check(value), false when it cannot be used again; close(value).
local function resource_pool(make, opts)
  check.callable("resource_pool", 1, make)
  opts = opts or {}
  check_options(opts)
  local max = opts.max
  local self = setmetatable({}, pool_meta)
  inside_of[self] = {
    make = make, check = opts.check, close = opts.close, idle = opts.idle,
    permits = core.semaphore((max == nil or max == math.huge) and math.maxinteger or max),
    idle_values = {}, n_leased = 0, closed = false,
  }
  return self
end

return { resource_pool = resource_pool }
