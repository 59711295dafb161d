--- ebb.alloc.assets: files as they are needed, kept in memory off the Lua heap as long as there is
-- room for them.
--
-- A path is in one of three states. Nothing is known of it; or it is in *flight*: one task reads
-- and parses it, however many wait for it; or there is an *entry* with its value and the guard that
-- all its memory is from. An entry that is held (pinned, or on its way to those who waited for it)
-- is never evicted; the others are among the victims, in the order in which they go.
--
-- live + reserved never exceeds the limit: live are the bytes of entries and of what is being
-- parsed, reserved those of files that are being read. Room is made before a read begins, by what
-- the file's size is then.
local core = require "ebb.core"

local check = require "ebb.check"
local victims = require "ebb.alloc.victims"

local request = core._fs

local error, next, pairs, pcall, setmetatable, tostring, type =
  error, next, pairs, pcall, setmetatable, tostring, type
local insert, remove, math_type, huge = table.insert, table.remove, math.type, math.huge
local format = string.format

local Assets, Lease = {}, {}

-- The inside of a cache and of a lease, by object.
local inside_of = setmetatable({}, { __mode = "k" })

local function cache_of(self, name)
  local cache = inside_of[self]
  if not cache or not cache.flights then check.bad(name, 1, "ebb.assets", self) end
  return cache
end

-- Calls fn(a, b) when it is closed.
local exit_meta = { __close = function(self) self.fn(self.a, self.b) end }
local function on_exit(fn, a, b)
  return setmetatable({ fn = fn, a = a, b = b }, exit_meta)
end

--- Entries ---------------------------------------------------------------------------------------

-- Who waits for room looks again.
local function room_changed(cache)
  cache.room:notify_all()
end

local function hold(cache, entry)
  if entry.holds == 0 then
    cache.victims:unlink(entry)
    cache.evictable = cache.evictable - entry.size
  end
  entry.holds = entry.holds + 1
end

local function offer(cache, entry)
  cache.victims:link(entry)
  cache.evictable = cache.evictable + entry.size
end

-- Lets go of an entry that nobody holds. All of it is done, whatever fails; returns what failed
-- first, as true, err. Its room is free from the beginning: on_evict may need some.
local function evict(cache, entry)
  cache.victims:unlink(entry)
  cache.victims:leave(entry)
  cache.evictable = cache.evictable - entry.size
  cache.entries[entry.path] = nil
  cache.count = cache.count - 1
  cache.evicted = cache.evicted + 1
  cache.live = cache.live - entry.size
  local failed, first
  if cache.on_evict then
    local ok, err = pcall(cache.on_evict, entry.path, entry.value)
    if not ok then failed, first = true, err end
  end
  local ok, err = pcall(entry.guard.close, entry.guard)
  if not ok and not failed then failed, first = true, err end
  room_changed(cache)
  return failed, first
end

local function unhold(cache, entry)
  entry.holds = entry.holds - 1
  if entry.holds > 0 then return end
  offer(cache, entry)
  if not cache.closed then
    room_changed(cache)
    return
  end
  local failed, err = evict(cache, entry)
  if failed then error(err, 0) end
end

--- Room ------------------------------------------------------------------------------------------

-- The evicted one's trouble is not that of who needs the room: it is reported as a task's error.
local function report(err)
  if core.is_cancelled(err) then error(err, 0) end
  core.go(error, err, 0)
end

-- Makes room for n bytes more: nil, or why there is none. Who has reserved nothing yet waits for
-- what is being read, or handed over, and can be evicted then; but not for what is being parsed,
-- for that may wait for us. Evicts nothing unless that is enough.
local function make_room(cache, n, may_wait)
  if n > cache.limit then return "too large" end
  while cache.live + cache.reserved + n > cache.limit do
    if cache.closed then return "closed" end
    if cache.live + cache.reserved - cache.evictable + n <= cache.limit then
      local failed, err = evict(cache, cache.victims:first())
      if failed then report(err) end
    elseif may_wait and (cache.reserved > 0 or cache.handing > 0) then
      cache.room:wait()
    else
      return "full"
    end
  end
end

--- Turns: at most cache.reads files are read at a time, the highest priority first -------------

local function enqueue(cache, flight)
  local queue, at = cache.queue, 1
  while queue[at] and queue[at].priority >= flight.priority do at = at + 1 end
  insert(queue, at, flight)
end

local function dequeue(cache, flight)
  for i = 1, #cache.queue do
    if cache.queue[i] == flight then return remove(cache.queue, i) end
  end
end

local function next_turn(cache)
  while cache.reading < cache.reads and cache.queue[1] do
    local flight = remove(cache.queue, 1)
    flight.has_turn = true
    cache.reading = cache.reading + 1
    flight.turn:notify_one()
  end
end

local function end_turn(cache, flight)
  dequeue(cache, flight)
  cache.reserved = cache.reserved - flight.reserved
  flight.reserved = 0
  if flight.has_turn then
    flight.has_turn = false
    cache.reading = cache.reading - 1
  end
  next_turn(cache)
  room_changed(cache)
end

-- Reserves n bytes in all for the flight.
local function reserve(cache, flight, n)
  local why = make_room(cache, n - flight.reserved, flight.reserved == 0)
  if why then return why end
  cache.reserved = cache.reserved + n - flight.reserved
  flight.reserved = n
end

--- Flights ---------------------------------------------------------------------------------------

-- The file's bytes, charged to the flight; or nil and why not.
local function read(cache, flight)
  flight.turn = core.notify()
  local _ <close> = on_exit(end_turn, cache, flight)
  enqueue(cache, flight)
  next_turn(cache)
  if not flight.has_turn then flight.turn:wait() end
  local info, message, code = request.stat(flight.path)
  if not info then return nil, message, code end
  local why = reserve(cache, flight, info.type == "file" and info.size or 0)
  if why then return nil, why end
  flight.guard = core.guard(cache.guard_options)
  local bytes
  bytes, message, code = request.read_bytes(flight.path, flight.guard)
  if not bytes then return nil, message, code end
  if #bytes > flight.reserved then -- it has grown meanwhile
    why = reserve(cache, flight, #bytes)
    if why then return nil, why end
  end
  flight.size = #bytes
  cache.live = cache.live + flight.size
  if cache.live > cache.peak then cache.peak = cache.live end
  return bytes
end

-- However it ends: it is in flight no more; what has not become an entry is freed.
local function land(cache, flight)
  if cache.flights[flight.path] == flight then cache.flights[flight.path] = nil end
  flight.has_ended = true
  if flight.entry then return end
  if not flight.is_cancelled then cache.failed = cache.failed + 1 end
  local ok, err = true, nil
  if flight.guard then ok, err = pcall(flight.guard.close, flight.guard) end
  cache.live = cache.live - flight.size
  room_changed(cache)
  if not ok then error(err, 0) end
end

-- Nobody wants it any more.
local function cancel(cache, flight, reason)
  if cache.flights[flight.path] == flight then cache.flights[flight.path] = nil end
  flight.is_cancelled = true
  dequeue(cache, flight)
  flight.task:cancel(reason)
end

-- Returns nothing once there is an entry, else nil and why not.
local function fly(cache, flight)
  local _ <close> = on_exit(land, cache, flight)
  local bytes, message, code = read(cache, flight)
  if not bytes then return nil, message, code end
  local value = bytes
  if flight.parse then
    value, message, code = flight.parse(bytes, flight.path, flight.guard)
    if value == nil then return nil, message or "nothing was made", code end
  end
  -- cancelled while it was on its way already?
  if cache.flights[flight.path] ~= flight then return nil, "cancelled" end
  local entry = {
    path = flight.path, value = value, size = flight.size, guard = flight.guard,
    priority = false, list = false, prev = false, next = false,
    holds = flight.n_waiters, pins = 0,
  }
  cache.entries[entry.path] = false -- what may run out of memory comes first
  cache.victims:rank(entry, flight.priority)
  cache.entries[entry.path] = entry
  cache.handing = cache.handing + flight.n_waiters
  cache.count = cache.count + 1
  flight.entry = entry
  if entry.holds == 0 then offer(cache, entry) end
end

local function start(cache, path, opts)
  local flight = {
    path = path, parse = opts and opts.parse, priority = opts and opts.priority or 0,
    n_waiters = 0, size = 0, reserved = 0,
  }
  flight.task = core.spawn(fly, cache, flight)
  cache.flights[path] = flight
  flight.task:name("asset " .. path)
  cache.loads = cache.loads + 1
  return flight
end

-- One of those who wait goes on, with what came or without.
local function leave(cache, flight)
  if flight.entry then
    cache.handing = cache.handing - 1
    unhold(cache, flight.entry)
  elseif not flight.has_ended then
    flight.n_waiters = flight.n_waiters - 1
    if flight.n_waiters == 0 and not flight.is_cancelled then
      cancel(cache, flight, "nobody waits for it any more")
    end
  end
end

local function join_flight(cache, flight, opts)
  local priority = opts and opts.priority
  if priority and priority > flight.priority then
    flight.priority = priority
    if dequeue(cache, flight) then enqueue(cache, flight) end
  end
  local waiting = on_exit(leave, cache, flight)
  flight.n_waiters = flight.n_waiters + 1
  local _ <close> = waiting
  local ok, err, message, code = flight.task:join()
  if cache.closed then return nil, "closed" end
  if not ok then error(err, 0) end
  if not flight.entry then return nil, message, code end
  -- for the caller, before the hold of those who wait is given up
  hold(cache, flight.entry)
  return flight.entry
end

-- The entry of the path, held; or nil and why there is none.
local function obtain(cache, path, opts)
  if cache.closed then return nil, "closed" end
  local entry = cache.entries[path]
  if entry then
    cache.hits = cache.hits + 1
    if opts and opts.priority then cache.victims:rank(entry, opts.priority) end
    hold(cache, entry)
    return entry
  end
  cache.misses = cache.misses + 1
  return join_flight(cache, cache.flights[path] or start(cache, path, opts), opts)
end

--- Leases ----------------------------------------------------------------------------------------

--- Gives up the pin.
function Lease:close()
  local lease = inside_of[self]
  if not lease or not lease.leases then check.bad("close", 1, "ebb.asset_lease", self) end
  local entry, cache = lease.entry, lease.leases
  if not entry then return end
  lease.entry, self.value = false, nil
  entry.pins = entry.pins - 1
  if entry.pins == 0 then cache.pinned = cache.pinned - 1 end
  unhold(cache, entry)
end

local lease_meta = {
  __name = "ebb.asset_lease", __metatable = "ebb.asset_lease", __index = Lease,
  __close = Lease.close,
  __gc = function(self)
    if inside_of[self] then self:close() end
  end,
  __tostring = function(self)
    return format("ebb.asset_lease: %s, %s", self.path,
      inside_of[self].entry and "held" or "given back")
  end,
}

-- A lease of nothing, as yet: closing it is harmless.
local function new_lease(owner, cache, path)
  local lease = setmetatable({ path = path, value = false }, lease_meta)
  inside_of[lease] = { leases = cache, entry = false, owner = owner }
  return lease
end

-- The entry's hold becomes the lease's.
local function pin(cache, lease, entry)
  inside_of[lease].entry, lease.value = entry, entry.value
  entry.pins = entry.pins + 1
  if entry.pins == 1 then cache.pinned = cache.pinned + 1 end
end

--- The cache -------------------------------------------------------------------------------------

local function check_names(name, position, opts, known)
  if type(opts) ~= "table" then check.bad(name, position, "table of options", opts) end
  for key in next, opts do
    if not known[key] then
      check.fail("bad argument #%d to '%s' (unknown option '%s')", position, name, tostring(key))
    end
  end
end

-- Two values for what is to be expected, three for the system's errors.
local function refusal(message, code)
  if code == nil then return nil, message end
  return nil, message, code
end

local load_options = { priority = true, parse = true }

local function check_load(name, path, opts)
  check.text(name, 1, "path", path)
  if opts == nil then return end
  check_names(name, 2, opts, load_options)
  local priority = opts.priority
  if priority ~= nil and (type(priority) ~= "number" or priority ~= priority) then
    check.bad(name, 2, "option 'priority': number", priority)
  end
  check.callable_option(name, 2, opts, "parse")
end

--- The value of the file at `path`, loaded if need be; it is good until the next await: pin it to
-- keep it.
function Assets:load(path, opts)
  local cache = cache_of(self, "load")
  check_load("load", path, opts)
  local entry, message, code = obtain(cache, path, opts)
  if not entry then return refusal(message, code) end
  local value = entry.value
  unhold(cache, entry)
  return value
end

--- The same as a lease: lease.value is good until the lease is closed.
function Assets:pin(path, opts)
  local cache = cache_of(self, "pin")
  check_load("pin", path, opts)
  local lease = new_lease(self, cache, path)
  local entry, message, code = obtain(cache, path, opts)
  if not entry then return refusal(message, code) end
  pin(cache, lease, entry)
  return lease
end

--- The value if it is there now: nil, "absent". Never waits.
function Assets:get(path)
  local cache = cache_of(self, "get")
  check.text("get", 1, "path", path)
  if cache.closed then return nil, "closed" end
  local entry = cache.entries[path]
  if not entry then return nil, "absent" end
  if entry.holds == 0 then
    cache.victims:unlink(entry)
    cache.victims:link(entry) -- as the one used last
  end
  return entry.value
end

--- Lets go of it now: true; nil, "absent"; or nil, "pinned".
function Assets:evict(path)
  local cache = cache_of(self, "evict")
  check.text("evict", 1, "path", path)
  local entry = cache.entries[path]
  if not entry then return nil, "absent" end
  if entry.holds > 0 then return nil, "pinned" end
  local failed, err = evict(cache, entry)
  if failed then error(err, 0) end
  return true
end

function Assets:stats()
  local cache = cache_of(self, "stats")
  return {
    live = cache.live, peak = cache.peak, limit = cache.limit, reserved = cache.reserved,
    count = cache.count, pinned = cache.pinned, reading = cache.reading, queued = #cache.queue,
    loads = cache.loads, hits = cache.hits, misses = cache.misses,
    failed = cache.failed, evicted = cache.evicted,
  }
end

--- Everything goes but what is pinned, which goes when its last lease ends. Who waits for a load
-- gets nil, "closed". All is done, whatever fails; the first error is thrown then.
function Assets:close()
  local cache = cache_of(self, "close")
  if cache.closed then return end
  cache.closed = true
  for _, flight in pairs(cache.flights) do cancel(cache, flight, "the cache was closed") end
  local failed, first
  while true do
    local entry = cache.victims:first()
    if not entry then break end
    local ok, err = evict(cache, entry)
    if ok and not failed then failed, first = true, err end
  end
  if failed then error(first, 0) end
end

function Assets:is_closed()
  return cache_of(self, "is_closed").closed
end

local assets_meta = {
  __name = "ebb.assets", __metatable = "ebb.assets", __index = Assets,
  __close = Assets.close,
  __gc = function(self)
    if inside_of[self] then self:close() end
  end,
  __tostring = function(self)
    local cache = inside_of[self]
    return format("ebb.assets: %d of %s bytes in %d files%s", cache.live,
      cache.limit == huge and "any number of" or cache.limit, cache.count,
      cache.closed and ", closed" or "")
  end,
}

local options = { bytes = true, on_evict = true, reads = true, budget = true }

local function check_count(opts, name, least)
  local value = opts[name]
  if value ~= nil and value ~= huge and (math_type(value) ~= "integer" or value < least) then
    check.bad("assets", 1, format("option '%s': integer of at least %d", name, least), value)
  end
end

--- A cache of at most `bytes`. Options: on_evict(path, value); reads, how many files are read at a
-- time (4); budget, the name of one (ebb.alloc.budget) that the memory is charged to, too.
local function assets(opts)
  check_names("assets", 1, opts, options)
  if opts.bytes == nil then check.bad("assets", 1, "option 'bytes': integer of at least 0", nil) end
  check_count(opts, "bytes", 0)
  check_count(opts, "reads", 1)
  check.callable_option("assets", 1, opts, "on_evict")
  local guard_options = opts.budget ~= nil and { budget = opts.budget } or nil
  if guard_options then core.guard(guard_options):close() end -- throws if there is none
  local self = {}
  inside_of[self] = {
    limit = opts.bytes, reads = opts.reads or 4, on_evict = opts.on_evict,
    guard_options = guard_options, entries = {}, flights = {}, queue = {},
    victims = victims.new(), room = core.notify(), closed = false,
    live = 0, peak = 0, reserved = 0, evictable = 0, handing = 0,
    count = 0, pinned = 0, reading = 0,
    loads = 0, hits = 0, misses = 0, failed = 0, evicted = 0,
  }
  return setmetatable(self, assets_meta)
end

return { assets = assets }
