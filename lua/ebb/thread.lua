--- ebb.thread: work on other threads. The threads, channels and pools are ebb.core's; here is what
-- is written in Lua.
local core = require "ebb.core"
local group = require "ebb.group"

local own = core._thread
local error, type = error, type
local format = string.format
local math_type = math.type

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
    error("bad argument #1 to 'pool' (workers: integer from 1 to 1024 expected)", 2)
  end
  return own.pool(n)
end

--- pool:map(list, fn) → ordered list of the first results of fn(item, i), on the workers. The first
-- error cancels the rest and is thrown.
function own.pool_methods:map(list, fn)
  if type(list) ~= "table" then
    error(format("bad argument #1 to 'map' (list expected, got %s)", type(list)), 2)
  end
  local limit = 2 * self:workers() -- what is queued beyond that only takes memory
  return group.map(list, function(item, i) return self:call(fn, item, i) end, limit)
end

local channel = own.channel_methods

--- ch:recv_many(max) → list of 1 to max values, or nil, "closed".
function channel:recv_many(max)
  if math_type(max) ~= "integer" or max < 1 then
    error("bad argument #1 to 'recv_many' (integer >= 1 expected)", 2)
  end
  local value, why = self:recv()
  if value == nil then return nil, why end
  local list, n = { value }, 1
  while n < max do
    value = self:try_recv()
    if value == nil then break end
    n = n + 1
    list[n] = value
  end
  return list
end

--- ch:send_many(list) → number sent: all, or fewer and "closed".
function channel:send_many(list)
  if type(list) ~= "table" then
    error(format("bad argument #1 to 'send_many' (list expected, got %s)", type(list)), 2)
  end
  for i = 1, #list do
    local ok, why = self:send(list[i])
    if not ok then return i - 1, why end
  end
  return #list
end

return thread
