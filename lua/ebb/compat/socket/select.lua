--- socket.select: the task waits until one of the sockets can be read or written.
local base = require "ebb.compat.socket.base"
local core = require "ebb.core"

local error, ipairs, pairs, setmetatable, type = error, ipairs, pairs, setmetatable, type
local format = string.format
local sort, unpack = table.sort, table.unpack
local huge, max = math.huge, math.max
local now, select_first, timer = core.now, core.select_first, core.timer
local raw = core._descriptor

local SETSIZE <const> = 1024

local socket_select = { _SETSIZE = SETSIZE, _SOCKETINVALID = base.INVALID }

--- A table that lets go of the descriptors that are not ours when it closes.
local Borrowed = { __close = function(self)
  for _, descriptor in pairs(self) do descriptor:detach() end
end }

--- The object for a number: ours, or one for the time of this call.
local function descriptor_of(fd, borrowed)
  local found = base.by_fd[fd]
  if found and found:fd() == fd then return found end
  borrowed[fd] = borrowed[fd] or raw.adopt(fd)
  return borrowed[fd]
end

--- The sockets of a list with a number, by their numbers.
local function collect(list, position, borrowed)
  local arms = {}
  if list == nil then return arms end
  if type(list) ~= "table" then
    error(format("bad argument #%d to 'select' (table expected, got %s)", position, type(list)), 4)
  end
  local i = 1
  while list[i] ~= nil do
    local object = list[i]
    local fd = object.getfd and object:getfd()
    if type(fd) == "number" and fd >= 0 then
      if fd >= SETSIZE then
        error(("bad argument #%d to 'select' (descriptor too large for set size)")
          :format(position), 4)
      end
      arms[#arms + 1] = { object = object, fd = fd, descriptor = descriptor_of(fd, borrowed) }
    end
    i = i + 1
  end
  return arms
end

local function by_number(a, b) return a.fd < b.fd end

--- The ready ones, by position and as keys, those with something buffered first.
local function ready(arms, to_write, dirty)
  local found = {}
  local function add(arm)
    if found[arm.object] then return end
    found[#found + 1] = arm.object
    found[arm.object] = #found
  end
  for _, arm in ipairs(dirty or {}) do add(arm) end
  for _, arm in ipairs(arms) do
    -- one that was closed meanwhile is for its user to find out
    if arm.descriptor:ready(to_write) or arm.descriptor:fd() < 0 then add(arm) end
  end
  return found
end

local function dirty_ones(readers)
  local dirty = {}
  for _, arm in ipairs(readers) do
    local object = arm.object
    if object.dirty and object:dirty() then dirty[#dirty + 1] = arm end
  end
  return dirty
end

local function ops_of(readers, writers, left)
  local ops = {}
  for _, arm in ipairs(readers) do ops[#ops + 1] = arm.descriptor:readable_op() end
  for _, arm in ipairs(writers) do ops[#ops + 1] = arm.descriptor:writable_op() end
  if left then ops[#ops + 1] = timer(left) end
  return ops
end

--- The readable ones of readers and the writable ones of writers, as lists that also have the
-- sockets as keys; both empty and "timeout" when none is within so many seconds.
function socket_select.select(reading, writing, seconds)
  local borrowed <close> = setmetatable({}, Borrowed)
  local readers = collect(reading, 1, borrowed)
  local writers = collect(writing, 2, borrowed)
  local dirty = dirty_ones(readers)
  sort(readers, by_number)
  sort(writers, by_number)
  local due = seconds and seconds >= 0 and now() + seconds
  while true do
    local readable, writable = ready(readers, false, dirty), ready(writers, true)
    if #readable > 0 or #writable > 0 then return readable, writable end
    local left = due and max(due - now(), 0)
    if left == 0 then return readable, writable, "timeout" end
    local ops = ops_of(readers, writers, left)
    if #ops == 0 then return core.sleep(huge) end
    select_first(unpack(ops))
  end
end

return socket_select
