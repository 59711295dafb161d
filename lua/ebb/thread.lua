--- ebb.thread: work on other threads. The threads, channels and pools are ebb.core's; here is what
-- is written in Lua.
local core = require "ebb.core"
local check = require "ebb.check"
local group = require "ebb.group"

local own = core._thread
local error, pcall, type = error, pcall, type
local format = string.format
local math_type = math.type

--- Fails unless `probe`, a method of the type `expected`, takes `self`.
local function check_self(name, self, expected, probe)
  if not pcall(probe, self) then
    check.fail("calling '%s' on bad self (%s expected, got %s)", name, expected,
      core._typename(self))
  end
end

local thread = { spawn = own.spawn, channel = own.channel }

--- ebb.thread.pool{ workers = n } → pool: n workers (one per core unless said).
function thread.pool(opts)
  if opts ~= nil and type(opts) ~= "table" then
    error(format("bad argument #1 to 'pool' (table of options expected, got %s)", type(opts)), 2)
  end
  local n = opts and opts.workers
  if n == nil then
    n = own.n_cores()
  elseif math_type(n) ~= "integer" or n < 1 or n > 1024 then
    error(format("bad argument #1 to 'pool' (workers: integer from 1 to 1024 expected, got %s)",
      check.came("integer", n)), 2)
  end
  return own.pool(n)
end

local n_workers = own.pool_methods.workers

--- pool:map(list, fn) → ordered list of the first results of fn(item, i), on the workers. The first
-- error cancels the rest and is thrown; so is that the system gives no thread.
function own.pool_methods:map(list, fn)
  check_self("map", self, "ebb.thread.pool", n_workers)
  if type(list) ~= "table" then
    error(format("bad argument #1 to 'map' (list expected, got %s)", type(list)), 2)
  end
  if type(fn) ~= "string" then check.callable("map", 2, fn) end
  local limit = 2 * n_workers(self) -- what is queued beyond that only takes memory
  return group.map(list, function(item, i)
    local value, why, code = self:call(fn, item, i)
    if value == nil and code ~= nil and self:counts() == 0 then
      error(format("cannot start a thread (%s)", why), 0)
    end
    return value
  end, limit)
end

local channel = own.channel_methods
local is_closed, recv, send, try_recv = channel.is_closed, channel.recv, channel.send,
  channel.try_recv

--- ch:recv_many(max) → list of 1 to max values, or nil, "closed".
function channel:recv_many(max)
  check_self("recv_many", self, "ebb.thread.channel", is_closed)
  if math_type(max) ~= "integer" or max < 1 then
    check.bad("recv_many", 1, "integer of at least 1", max)
  end
  local value, why = recv(self)
  if value == nil then return nil, why end
  local list, n = { value }, 1
  while n < max do
    value = try_recv(self)
    if value == nil then break end
    n = n + 1
    list[n] = value
  end
  return list
end

--- ch:send_many(list) → number sent: all, or fewer and "closed".
function channel:send_many(list)
  check_self("send_many", self, "ebb.thread.channel", is_closed)
  if type(list) ~= "table" then
    error(format("bad argument #1 to 'send_many' (list expected, got %s)", type(list)), 2)
  end
  for i = 1, #list do
    local ok, why = send(self, list[i])
    if not ok then return i - 1, why end
  end
  return #list
end

return thread
