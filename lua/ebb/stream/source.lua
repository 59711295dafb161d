--- Where items come from. What closes with the source (the closing value of an iterator, an
-- interval) is opened by the first pull.
local core = require "ebb.core"

local check = require "ebb.check"
local object = require "ebb.stream.object"

local getmetatable, type = getmetatable, type
local format = string.format
local floor, ceil, math_type, ult = math.floor, math.ceil, math.type, math.ult
local maxinteger, mininteger = math.maxinteger, math.mininteger
local await, interval, is_op = core.await, core.interval, core._is_op
local new = object.new

local source = {}

--- The items of a list, as it is when they are pulled.
function source.iter(list)
  if type(list) ~= "table" then check.bad("iter", 1, "list", list) end
  local i, stopped = 0, false
  return new("iter", function()
    if stopped then return nil end
    local v = list[i + 1]
    if v ~= nil then i = i + 1 end
    return v
  end, nil, function() stopped = true end)
end

local function check_number(position, value)
  if type(value) ~= "number" then check.bad("range", position, "number", value) end
  if value ~= value then
    check.fail("bad argument #%d to 'range' (number expected, got NaN)", position)
  end
end

--- How often `by` (positive as unsigned) fits into `span`, both unsigned.
local function unsigned_quotient(span, by)
  if by < 0 then return ult(span, by) and 0 or 1 end
  if span >= 0 then return span // by end
  local quotient = (span >> 1) // by << 1
  if not ult(span - quotient * by, by) then quotient = quotient + 1 end
  return quotient
end

--- Counted beforehand, as the language does, so that nothing wraps around.
local function integer_range(first, last, step)
  local after -- how many come after `first`, unsigned
  if step > 0 then
    if last < first then return new("range", function() return nil end) end
    local limit = last >= maxinteger and maxinteger or floor(last)
    after = unsigned_quotient(limit - first, step)
  else
    if last > first then return new("range", function() return nil end) end
    local limit = last <= mininteger and mininteger or ceil(last)
    after = unsigned_quotient(first - limit, -step)
  end
  return new("range", function()
    local v = first
    if after ~= 0 then
      after = after - 1
      first = v + step
    else
      first = nil
    end
    return v
  end, nil, function() first, after = nil, 0 end)
end

--- The numbers from first to last, as a numeric for loop gives them.
function source.range(first, last, step)
  check_number(1, first)
  check_number(2, last)
  if step == nil then step = 1 else check_number(3, step) end
  if step == 0 then check.fail("bad argument #3 to 'range' (step is zero)") end
  if math_type(first) == "integer" and math_type(step) == "integer" then
    return integer_range(first, last, step)
  end
  return new("range", function()
    local v = first
    if v == nil or step > 0 and v > last or step < 0 and v < last then
      first = nil
      return nil
    end
    first = v + step + 0.0
    return v + 0.0
  end, nil, function() first = nil end)
end

--- fn(state) gives an item and the next state; a nil item ends the stream, with a state or
-- without, and fn is not called again.
function source.unfold(state, fn)
  check.callable("unfold", 2, fn)
  local stopped = false
  return new("unfold", function()
    if stopped then return nil end
    local v, after = fn(state)
    if v == nil then
      stopped = true
      return nil
    end
    state = after
    return v
  end, nil, function() stopped = true end)
end

--- nil alone, nil, "closed" and nil, "eof" are the end; any other nil, err is an item that failed.
local function from_function(f, state, control, closing)
  local stopped = false
  local function got(v, ...)
    if v ~= nil then
      control = v
      return v, ...
    end
    local why = ...
    if why ~= nil and why ~= "closed" and why ~= "eof" then return nil, ... end
    stopped = true
    return nil
  end
  return new("from", function()
    if stopped then return nil end
    return got(f(state, control))
  end, nil, function()
    stopped = true
    local _ <close> = closing
  end)
end

local function from_op(op)
  local stopped = false
  local only_once = getmetatable(op) == "ebb.task"
  local function got(v, ...)
    if only_once then stopped = true end
    if v ~= nil then return v, ... end
    local why = ...
    if why ~= nil and why ~= "closed" and why ~= "eof" then return nil, ... end
    stopped = true
    return nil
  end
  return new("from", function()
    if stopped then return nil end
    return got(await(op))
  end, nil, function() stopped = true end)
end

--- What an op gives each time it is performed (a channel receives, an interval ticks; a task has
-- one result), or an iterator with its state, as in a for loop: from(pairs(t)),
-- from(io.lines(path)).
function source.from(origin, ...)
  if object.is_stream(origin) then
    object.check_self("from", origin)
    return origin
  end
  if is_op(origin) then return from_op(origin) end
  if check.is_callable(origin) then return from_function(origin, ...) end
  check.bad("from", 1, "operation, channel or iterator", origin)
end

--- A stream of anything that can be read as one; lists too.
function source.open(name, position, value)
  if object.is_stream(value) then
    object.check_self(name, value)
    return value
  end
  if is_op(value) or check.is_callable(value) then return source.from(value) end
  if type(value) == "table" then return source.iter(value) end
  check.bad(name, position, "stream, list, operation or iterator", value)
end

--- A list of streams out of a list of anything that can be read as one.
function source.open_list(name, list)
  if object.is_stream(list) then
    check.fail("bad argument #1 to '%s' (list of streams expected, got ebb.stream)", name)
  end
  if type(list) ~= "table" then check.bad(name, 1, "list of streams", list) end
  local streams, seen = {}, {}
  for i = 1, #list do
    local value = list[i]
    if not object.is_source(value) then
      local expected = "stream, list, operation or iterator"
      check.bad(name, format("1[%d]", i), expected, value)
    end
    if object.is_stream(value) and seen[value] then
      check.fail("bad argument #1[%d] to '%s' (the same stream twice)", i, name)
    end
    seen[value] = true
    streams[i] = source.open(name, format("1[%d]", i), value)
  end
  return streams
end

--- Ticks every `period` seconds from the first pull on; the items are the times they were due.
function source.interval(period)
  check.seconds("interval", 1, period)
  if period <= 0 then
    check.fail("bad argument #1 to 'interval' (more than 0 seconds expected, got %s)", period)
  end
  local ticks, stopped
  return new("interval", function()
    if stopped then return nil end
    if not ticks then ticks = interval(period) end
    return (ticks:tick())
  end, nil, function()
    stopped = true
    if ticks then ticks:close() end
  end)
end

function source.empty()
  return new("empty", function() return nil end)
end

local function check_item(name, v)
  if v == nil then check.bad(name, 1, "value", v) end
end

function source.once(v)
  check_item("once", v)
  return new("once", function()
    local given = v
    v = nil
    return given
  end, nil, function() v = nil end)
end

function source.repeat_(v)
  check_item("repeat_", v)
  return new("repeat_", function() return v end, nil, function() v = nil end)
end

return source
