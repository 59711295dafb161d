--- Stages that look at the clock or wait for something besides the item.
local core = require "ebb.core"

local check = require "ebb.check"
local object = require "ebb.stream.object"
local puller = require "ebb.stream.puller"

local select, setmetatable = select, setmetatable
local huge, pack, unpack = math.huge, table.pack, table.unpack
local await, channel, now = core.await, core.channel, core.now
local report, scope, shield = core._report, core.scope, core.shield
local sleep_until, timeout_at, token, try_select =
  core.sleep_until, core.timeout_at, core.token, core.try_select
local methods, new = object.methods, object.new

local function check_seconds(name, self, position, seconds)
  check.seconds(name, position, seconds)
  object.check_self(name, self)
end

-- take_until -------------------------------------------------------------------------------------

local struck = { __close = function(self) self.stop:cancel() end }

local function watch(stop, op)
  local _ <close> = setmetatable({ stop = stop }, struck)
  await(op)
end

--- Ends as soon as the op happens, also when items are ready; a pull that waits then is cancelled.
function methods:take_until(op)
  object.check_self("take_until", self)
  if not core._is_op(op) then check.bad("take_until", 1, "operation", op) end
  local up, done = self._pull, false
  local children, watcher, stop
  local function finish()
    done = true
    if watcher and watcher:status() == "failed" then shield(watcher.await, watcher) end
    return nil
  end
  local function pulled(v, ...)
    if v == nil and stop:is_cancelled() then return finish() end
    return v, ...
  end
  return new("take_until", function()
    if done then return nil end
    if stop and stop:is_cancelled() or try_select(op) then return finish() end
    if not watcher then
      stop, children = token(), scope { collect = true }
      watcher = children:spawn(watch, stop, op)
    end
    return pulled(stop:run(up))
  end, { self }, function()
    if not watcher then return end
    local unseen = not done
    puller.close_scope(children)
    if unseen and watcher:status() == "failed" then report(watcher) end
  end)
end

-- timeout ----------------------------------------------------------------------------------------

--- An item that is not there after `seconds` is nil, "timeout", once; it is waited for on the next
-- pull.
function methods:timeout(seconds)
  check_seconds("timeout", self, 1, seconds)
  local up, group = self._pull, nil
  return new("timeout", function()
    if not group then
      group = puller.new()
      group:add(up)
    elseif group.late then
      return group:take()
    end
    local function timed(v, ...)
      if v == nil and group.late then return nil, "timeout" end
      return v, ...
    end
    return timed(group:take(now() + seconds))
  end, { self }, function()
    if group then group:close() end
  end)
end

-- chunks_timeout ---------------------------------------------------------------------------------

--- Lists of n items, or of what has come when `seconds` have passed since the first of them.
function methods:chunks_timeout(n, seconds)
  object.check_self("chunks_timeout", self)
  object.count("chunks_timeout", 1, n, 1)
  check.seconds("chunks_timeout", 2, seconds)
  local up, group = self._pull, nil
  local batch, size, due, failed = {}, 0, nil, nil
  local function flush()
    local full = batch
    batch, size, due = {}, 0, nil
    return full
  end
  local pull
  local function add(v, ...)
    if v == nil then
      if size == 0 then return nil, ... end
      if not group.late and (...) ~= nil then failed = pack(nil, ...) end
      return flush()
    end
    size = size + 1
    batch[size] = object.one(v, ...)
    if size == n then return flush() end
    due = due or now() + seconds
    return pull()
  end
  function pull()
    if failed then
      local values = failed
      failed = nil
      return unpack(values, 1, values.n)
    end
    return add(group:take(due))
  end
  return new("chunks_timeout", function()
    if not group then
      group = puller.new()
      group:add(up)
    end
    return pull()
  end, { self }, function()
    if group then group:close() end
  end)
end

-- throttle ---------------------------------------------------------------------------------------

--- At least `seconds` between an item and the next; the first comes at once. It waits before it
-- pulls.
function methods:throttle(seconds)
  check_seconds("throttle", self, 1, seconds)
  local up, due = self._pull, nil
  local function passed(v, ...)
    if v ~= nil then due = now() + seconds end
    return v, ...
  end
  return new("throttle", function()
    if due then sleep_until(due) end
    return passed(up())
  end, { self })
end

-- debounce ---------------------------------------------------------------------------------------

--- Puts an item into `last`; those that failed are all kept. False at the end.
local function observe(last, seconds, v, ...)
  if v == nil and (...) == nil then return false end
  if v == nil then
    last.failed[#last.failed + 1] = pack(nil, ...)
  else
    last.v, last.rest = v, select("#", ...) > 0 and pack(...) or nil
    last.due = now() + seconds
  end
  return true
end

local over = { __close = function(self) self.signal:try_send(self) end }

local function observer(ended, last, seconds, up)
  local _ <close> = ended
  local signal = ended.signal
  while observe(last, seconds, up()) do signal:try_send(true) end
end

--- An item only when no other has come for `seconds`; the last one at the end at once. A task of
-- its own watches, so that the others are dropped also while the consumer is busy.
function methods:debounce(seconds)
  check_seconds("debounce", self, 1, seconds)
  local up, children, task, signal = self._pull, nil, nil, nil
  local last, ended, taken = { failed = {} }, false, false
  local function give()
    local v, rest = last.v, last.rest
    last.v, last.rest, last.due = nil, nil, nil
    if rest then return v, unpack(rest, 1, rest.n) end
    return v
  end
  return new("debounce", function()
    if not task then
      children, signal = scope { collect = true }, channel(huge)
      task = children:spawn(observer, setmetatable({ signal = signal }, over), last, seconds, up)
    end
    while true do
      local failed = table.remove(last.failed, 1)
      if failed then return unpack(failed, 1, failed.n) end
      if last.due and (ended or now() >= last.due) then return give() end
      if ended then
        taken = true
        shield(task.await, task)
        return nil
      end
      local got
      if last.due then got = timeout_at(last.due, signal) else got = signal:recv() end
      if got and got ~= true then ended = true end
    end
  end, { self }, function()
    if not task then return end
    puller.close_scope(children)
    if not taken and task:status() == "failed" then report(task) end
  end)
end

return methods
