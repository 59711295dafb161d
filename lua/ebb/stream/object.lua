--- The stream object: a chain of functions to pull from, and what must be closed with it.
--
-- A pull function gives one item: its values, or nil, err for an item that failed, or nil at the
-- end (and from then on). Building a stream pulls nothing. A stage takes over the streams it
-- reads: only the last stream of a chain can be consumed, and closing any of them closes the chain
-- from its last stage upwards, each one's children first.
local core = require "ebb.core"

local check = require "ebb.check"

local error, getmetatable, ipairs, select, setmetatable =
  error, getmetatable, ipairs, select, setmetatable
local math_type = math.type
local format = string.format
local concat, pack = table.concat, table.pack
local is_cancelled, is_op = core.is_cancelled, core._is_op

local NAME = "ebb.stream"

local object = {}
local methods = {}
local meta = { __name = NAME, __metatable = NAME, __index = methods }

object.methods = methods

local function is_stream(value)
  return type(value) == "table" and getmetatable(value) == NAME
end
object.is_stream = is_stream

local function at_end() end

--- Fails unless `self` is a stream that is the caller's to consume.
local function check_self(method, self)
  if not is_stream(self) then
    local got = core._typename(self)
    check.fail("calling '%s' on bad self (ebb.stream expected, got %s)", method, got)
  end
  if self._taker then
    check.fail("'%s' on a stream that '%s' has taken over; split gives every item to several",
      method, self._taker._name)
  end
end
object.check_self = check_self

--- A stream named `name` that reads the streams `ups` (a list, taken over) through `pull`. `stop`,
-- if any, ends what the stage itself has started; it is called once, before `ups` are closed.
function object.new(name, pull, ups, stop)
  local self = { _name = name, _pull = pull, _ups = ups, _stop = stop, _busy = false }
  setmetatable(self, meta)
  if ups then
    for i = 1, #ups do ups[i]._taker = self end
  end
  return self
end

-- Closing ----------------------------------------------------------------------------------------

local close

local function close_from(ups, i)
  local up = ups[i]
  if i == #ups then return close(up) end
  local _ <close> = setmetatable({}, { __close = function() close_from(ups, i + 1) end })
  close(up)
end

--- Closes this stream, then those it reads. Every one is closed, also when closing another fails.
function close(self)
  if self._closed then return end
  self._closed = true
  self._pull = at_end
  local ups, stop = self._ups, self._stop
  local reads = ups and #ups > 0
  if not stop then
    if reads then return close_from(ups, 1) end
    return
  end
  local closer = { __close = function() if reads then close_from(ups, 1) end end }
  local _ <close> = setmetatable({}, closer)
  stop()
end
object.close = close

--- Cancels all that the stream has started and waits until it has ended. Closing twice is harmless.
function methods:close()
  if not is_stream(self) then check_self("close", self) end
  while self._taker do self = self._taker end
  close(self)
end

meta.__close = methods.close

-- Consuming --------------------------------------------------------------------------------------

local function check_idle(method, self)
  if self._busy and not self._closed then
    check.fail("'%s' while another task or function pulls from this stream", method)
  end
end

--- What every sink begins with (and then closes the stream on its way out): the function to pull
-- from.
function object.consume(method, self)
  check_self(method, self)
  check_idle(method, self)
  self._busy = true
  return self._pull
end

--- Left by an error the stream is closed; a cancel (of a timeout, say) leaves it as it was.
local guard_meta = {
  __close = function(guard, err)
    local self = guard[1]
    if self._busy then
      self._busy = false
      if not is_cancelled(err) then close(self) end
    end
  end,
}

--- A to-be-closed value for one pull that is not the last.
function object.guard(self)
  local guard = self._guard
  if not guard then
    guard = setmetatable({ self }, guard_meta)
    self._guard = guard
  end
  return guard
end

function object.idle(self, ...)
  self._busy = false
  return ...
end

local function received(self, v, ...)
  self._busy = false
  if v == nil and (...) == nil then
    close(self)
    return nil
  end
  return v, ...
end

--- The next item; nil at the end; nil, err for an item that failed.
function methods:next()
  check_self("next", self)
  check_idle("next", self)
  if self._closed then return nil end
  self._busy = true
  local _ <close> = object.guard(self)
  return received(self, self._pull())
end

local function looped(self, v, ...)
  self._busy = false
  if v ~= nil then return v, ... end
  if (...) ~= nil then error((...), 0) end
  close(self)
  return nil
end

--- for v in s:each() do: leaving the loop, however it is left, closes the stream.
function methods:each()
  check_self("each", self)
  return function()
    check_idle("each", self)
    self._busy = true
    return looped(self, self._pull())
  end, nil, nil, self
end

-- Helpers of the stages --------------------------------------------------------------------------

--- An item as one value: itself, or a table of several.
function object.one(v, ...)
  if select("#", ...) == 0 then return v end
  return pack(v, ...)
end

--- Checks what a user's function gave as an item.
function object.given(name, v, ...)
  if v == nil and (...) == nil then
    check.fail("the function of '%s' gave nil for an item (filter_map leaves items out)", name)
  end
  return v, ...
end

function object.count(name, position, value, least)
  local whole = math_type(value) == "integer" or value == math.huge
    or math_type(value) == "float" and value % 1 == 0
  if not whole then check.bad(name, position, "whole number", value) end
  if value < least then
    check.fail("bad argument #%s to '%s' (at least %d expected, got %s)",
      position, name, least, value)
  end
end

--- May `value` be read as a stream? Streams, lists, ops (channels among them), iterators.
function object.is_source(value)
  return type(value) == "table" or is_op(value) or check.is_callable(value)
end

-- Saying what it is ------------------------------------------------------------------------------

local function path_of(self)
  if self._source then return path_of(self._source) end -- one of several branches
  local ups = self._ups
  if not ups or #ups == 0 then return self._name end
  if #ups == 1 then return path_of(ups[1]) .. " > " .. self._name end
  local paths = {}
  for i, up in ipairs(ups) do paths[i] = path_of(up) end
  return self._name .. "(" .. concat(paths, ", ") .. ")"
end

function meta:__tostring()
  local state = self._closed and "closed"
    or self._taker and "taken by " .. self._taker._name or self._busy and "being read" or "open"
  return format("%s: %s, %s", NAME, path_of(self), state)
end

return object
