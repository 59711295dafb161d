--- One stream read through several: split and partition. Whichever branch wants an item pulls it,
-- in its own task, and puts it into the queues of the branches it is for; a full queue holds the
-- others back.
local core = require "ebb.core"

local check = require "ebb.check"
local object = require "ebb.stream.object"

local error, setmetatable = error, setmetatable
local pack, unpack = table.pack, table.unpack
local channel, is_cancelled = core.channel, core.is_cancelled
local close, methods, new = object.close, object.methods, object.new

local BUFFER = 64
local MOST = 200 -- as many variables as a function of Lua's may have

--- Wakes who waits for room, an item, or the turn to pull: everybody looks again.
local function wake(hub)
  for i = 1, hub.n do
    local branch = hub[i]
    if branch.open and branch.waiting then
      branch.waiting = false
      branch.signal:try_send(true)
    end
  end
end

local function leave(hub, branch)
  if not branch.open then return end
  branch.open, branch.head, branch.tail = false, 1, 0
  branch.queue = {}
  hub.n_open = hub.n_open - 1
  wake(hub)
end

--- Is there room for one more item in the queues of all others?
local function may_pull(hub, branch)
  if hub.pulling then return false end
  for i = 1, hub.n do
    local other = hub[i]
    local queued = other.tail - other.head + 1
    if other ~= branch and other.open and queued >= hub.buffer then return false end
  end
  return true
end

local function put(branch, item)
  branch.tail = branch.tail + 1
  branch.queue[branch.tail] = item
end

--- Gives an item to the branches it is for; a failed one is for all.
local function distribute(hub, v, ...)
  if v == nil and (...) == nil then
    hub.ended = true
    return
  end
  local item = pack(v, ...)
  local only = v ~= nil and hub.choose and hub.choose(v, ...)
  for i = 1, hub.n do
    if hub[i].open and (not only or only == i) then put(hub[i], item) end
  end
end

--- After a pull: an error is everybody's; a cancel only concerns the task that pulled.
local turn = {
  __close = function(self, err)
    local hub = self.hub
    if not hub.done and not is_cancelled(err) then
      hub.failed, hub.err = true, err
    end
    hub.pulling = false
    wake(hub)
    if hub.failed or hub.ended then close(hub.upstream) end
  end,
}

local function pull_one(hub)
  hub.pulling, hub.done = true, false
  local _ <close> = hub.turn
  distribute(hub, hub.up())
  hub.done = true
end

local function next_of(hub, branch)
  while branch.open do
    if branch.head <= branch.tail then
      local at = branch.head
      local item = branch.queue[at]
      branch.queue[at] = nil
      branch.head = at + 1
      if branch.tail - at + 1 == hub.buffer then wake(hub) end
      return unpack(item, 1, item.n)
    elseif hub.failed then
      error(hub.err, 0)
    elseif hub.ended then
      return nil
    elseif may_pull(hub, branch) then
      pull_one(hub)
    else
      branch.waiting = true
      branch.signal:recv()
    end
  end
  return nil
end

--- A branch that is dropped holds nobody back: the collector closes it, as far as it may.
local dropped = { __gc = function(self) leave(self.hub, self.branch) end }

local function branches(name, self, n, buffer, choose)
  local hub = {
    n = n, n_open = n, up = self._pull, upstream = self, buffer = buffer, choose = choose,
  }
  hub.turn = setmetatable({ hub = hub }, turn)
  local root = new(name, nil, { self }, function()
    for i = 1, n do leave(hub, hub[i]) end
  end)
  local streams = {}
  for i = 1, n do
    local branch = { queue = {}, head = 1, tail = 0, open = true, signal = channel(1) }
    hub[i] = branch
    local sentinel = setmetatable({ hub = hub, branch = branch }, dropped)
    streams[i] = new(name, function() return next_of(sentinel.hub, branch) end, nil, function()
      leave(hub, branch)
      if hub.n_open == 0 then close(root) end
    end)
    streams[i]._source = root
  end
  return streams
end

--- n streams that each see every item; the slowest holds the others back when it is `buffer` items
-- behind.
function methods:split(n, buffer)
  object.check_self("split", self)
  object.count("split", 1, n, 1)
  if n > MOST then check.bad("split", 1, "at most 200", n) end
  if buffer == nil then buffer = BUFFER end
  object.count("split", 2, buffer, 1)
  return unpack(branches("split", self, n, buffer))
end

--- Two streams: of the items for which pred is true, and of the others.
function methods:partition(pred)
  object.check_self("partition", self)
  check.callable("partition", 1, pred)
  return unpack(branches("partition", self, 2, BUFFER, function(...)
    return pred(...) and 1 or 2
  end))
end

return methods
