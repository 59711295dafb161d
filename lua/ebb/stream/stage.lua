--- Stages that look at one item at a time. Functions get all values of an item and may await; an
-- item that failed passes by them (but is counted by take, skip, step_by and enumerate).
local check = require "ebb.check"
local object = require "ebb.stream.object"
local source = require "ebb.stream.source"

local pack, select, unpack = table.pack, select, table.unpack
local close, count, given = object.close, object.count, object.given
local methods, new = object.methods, object.new

--- The checks of a stage that takes a function; the function to pull from.
local function with_function(name, self, fn)
  object.check_self(name, self)
  check.callable(name, 1, fn)
  return self._pull
end

local function with_count(name, self, n, least)
  object.check_self(name, self)
  count(name, 1, n, least)
  return self._pull
end

local function mapped(fn, v, ...)
  if v == nil then return nil, ... end
  return given("map", fn(v, ...))
end

function methods:map(fn)
  local up = with_function("map", self, fn)
  return new("map", function() return mapped(fn, up()) end, { self })
end

local function filtered(up, pred, v, ...)
  if v == nil or pred(v, ...) then return v, ... end
  return filtered(up, pred, up())
end

function methods:filter(pred)
  local up = with_function("filter", self, pred)
  return new("filter", function() return filtered(up, pred, up()) end, { self })
end

--- Items for which fn gives nil are left out.
function methods:filter_map(fn)
  local up = with_function("filter_map", self, fn)
  local pull, tried
  function tried(v, ...)
    if v == nil and (...) == nil then return pull() end
    return v, ...
  end
  local function apply(v, ...)
    if v == nil then return nil, ... end
    return tried(fn(v, ...))
  end
  function pull() return apply(up()) end
  return new("filter_map", pull, { self })
end

local function inspected(fn, v, ...)
  if v ~= nil then fn(v, ...) end
  return v, ...
end

function methods:inspect(fn)
  local up = with_function("inspect", self, fn)
  return new("inspect", function() return inspected(fn, up()) end, { self })
end

--- Items become 1, v…, 2, v…, and so on.
function methods:enumerate()
  object.check_self("enumerate", self)
  local up, i = self._pull, 0
  local function numbered(v, ...)
    if v == nil then
      if (...) ~= nil then i = i + 1 end
      return nil, ...
    end
    i = i + 1
    return i, v, ...
  end
  return new("enumerate", function() return numbered(up()) end, { self })
end

--- The first n items; the one after them is not pulled.
function methods:take(n)
  local up = with_count("take", self, n, 0)
  local function taken(...)
    n = n - 1
    return ...
  end
  return new("take", function()
    if n <= 0 then return nil end
    return taken(up())
  end, { self })
end

function methods:skip(n)
  local up = with_count("skip", self, n, 0)
  return new("skip", function()
    while n > 0 do
      local v, err = up()
      if v == nil and err == nil then return nil end
      n = n - 1
    end
    return up()
  end, { self })
end

--- Ends at the first item for which pred is false; that item is lost.
function methods:take_while(pred)
  local up = with_function("take_while", self, pred)
  local done = false
  local function judged(v, ...)
    if v == nil or pred(v, ...) then return v, ... end
    done = true
    return nil
  end
  return new("take_while", function()
    if done then return nil end
    return judged(up())
  end, { self })
end

--- Leaves out items until pred is false for the first time; pred is not called again.
function methods:skip_while(pred)
  local up = with_function("skip_while", self, pred)
  local skipping = true
  local function judged(v, ...)
    if v == nil then return nil, ... end
    if pred(v, ...) then return judged(up()) end
    skipping = false
    return v, ...
  end
  return new("skip_while", function()
    if skipping then return judged(up()) end
    return up()
  end, { self })
end

--- The first item and every n-th after it.
function methods:step_by(n)
  local up = with_count("step_by", self, n, 1)
  local over = 0
  local function stepped(...)
    over = n - 1
    return ...
  end
  return new("step_by", function()
    while over > 0 do
      local v, err = up()
      if v == nil and err == nil then return nil end
      over = over - 1
    end
    return stepped(up())
  end, { self })
end

--- Yields each new state fn(state, v…); a nil state ends the stream.
function methods:scan(init, fn)
  object.check_self("scan", self)
  check.callable("scan", 2, fn)
  local up, state, done = self._pull, init, false
  local function next_state(new_state, ...)
    if new_state == nil then
      if (...) == nil then done = true end
      return nil, ...
    end
    state = new_state
    return new_state, ...
  end
  local function apply(v, ...)
    if v == nil then return nil, ... end
    return next_state(fn(state, v, ...))
  end
  return new("scan", function()
    if done then return nil end
    return apply(up())
  end, { self })
end

--- One after another the items of the streams (lists, ops, iterators) that fn gives.
local function flattened(name, self, fn)
  local up, pull = self._pull, nil
  local inner
  local function from_inner(v, ...)
    if v == nil and (...) == nil then
      local ended = inner
      inner = nil
      close(ended)
      return pull()
    end
    return v, ...
  end
  local function from_outer(v, ...)
    if v == nil then return nil, ... end
    local value
    if fn then value = fn(v, ...) else value = v end
    if not object.is_source(value) then
      local what = fn and "what the function of '%s' gave" or "an item of '%s'"
      check.fail(what .. " is no stream, list, operation or iterator", name)
    end
    inner = source.open(name, 1, value)
    return pull()
  end
  function pull()
    if inner then return from_inner(inner._pull()) end
    return from_outer(up())
  end
  return new(name, pull, { self }, function()
    if inner then close(inner) end
  end)
end

function methods:flat_map(fn)
  with_function("flat_map", self, fn)
  return flattened("flat_map", self, fn)
end

function methods:flatten()
  object.check_self("flatten", self)
  return flattened("flatten", self)
end

--- Lists of n items (their first values; of an item with several values a table of them), the last
-- one shorter. An item that failed comes after the list of what was before it.
function methods:chunks(n)
  local up = with_count("chunks", self, n, 1)
  local batch, size, failed = {}, 0, nil
  local function flush()
    local full = batch
    batch, size = {}, 0
    return full
  end
  local pull
  local function add(v, ...)
    if v == nil then
      if size == 0 then return nil, ... end
      if (...) ~= nil then failed = pack(...) end
      return flush()
    end
    size = size + 1
    batch[size] = object.one(v, ...)
    if size == n then return flush() end
    return pull()
  end
  function pull()
    if failed then
      local values = failed
      failed = nil
      return nil, unpack(values, 1, values.n)
    end
    return add(up())
  end
  return new("chunks", pull, { self })
end

--- Ends for good at the first end of what it reads.
function methods:fuse()
  object.check_self("fuse", self)
  local up, done = self._pull, false
  local function seen(v, ...)
    if v == nil and (...) == nil then done = true end
    return v, ...
  end
  return new("fuse", function()
    if done then return nil end
    return seen(up())
  end, { self })
end

--- Leaves out items that equal the one before (all values do).
function methods:dedup()
  object.check_self("dedup", self)
  local up, last, rest = self._pull, nil, nil
  local pull
  local function compared(v, ...)
    if v == nil then return nil, ... end
    local n = select("#", ...)
    local same = v == last and (rest and rest.n or 0) == n
    for i = 1, same and n or 0 do same = same and rest[i] == (select(i, ...)) end
    if same then return pull() end
    last, rest = v, n > 0 and pack(...) or nil
    return v, ...
  end
  function pull() return compared(up()) end
  return new("dedup", pull, { self })
end

--- Over and over what came the first time, which is kept in memory.
function methods:cycle()
  object.check_self("cycle", self)
  local up, kept, n, at = self._pull, {}, 0, nil
  local pull
  local function keep(v, ...)
    if v == nil then
      if (...) ~= nil then return nil, ... end
      if n == 0 then return nil end
      at = 0
      return pull()
    end
    n = n + 1
    kept[n] = select("#", ...) == 0 and { v, n = 1 } or pack(v, ...)
    return v, ...
  end
  function pull()
    if not at then return keep(up()) end
    if n == 0 then return nil end
    at = at % n + 1
    return unpack(kept[at], 1, kept[at].n)
  end
  return new("cycle", pull, { self }, function() n = 0 end)
end

--- The same items, and :peek().
function methods:peekable()
  object.check_self("peekable", self)
  local up, held = self._pull, nil
  local self_peekable = new("peekable", function()
    local values = held
    if not values then return up() end
    held = nil
    return unpack(values, 1, values.n)
  end, { self })
  function self_peekable._peek()
    if not held then held = pack(up()) end
    return unpack(held, 1, held.n)
  end
  return self_peekable
end

--- The next item, which stays the next one; nil at the end; nil, err for one that failed.
function methods:peek()
  object.check_self("peek", self)
  local peek = self._peek
  if not peek then check.fail "'peek' on a stream that is not peekable; use s:peekable()" end
  if self._closed then return nil end
  object.consume("peek", self)
  local _ <close> = object.guard(self)
  return object.idle(self, peek())
end

return methods
