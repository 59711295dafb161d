--- Several streams as one: zip, chain, concat, merge.
local check = require "ebb.check"
local object = require "ebb.stream.object"
local puller = require "ebb.stream.puller"
local source = require "ebb.stream.source"

local rawequal, select = rawequal, select
local pack, unpack = table.pack, table.unpack
local close, methods, new = object.close, object.methods, object.new

local combine = {}

--- The streams of s:name(other, …): self and the arguments.
local function with_others(name, self, ...)
  object.check_self(name, self)
  local n = select("#", ...)
  if n == 0 then check.bad(name, 1, "stream, list, operation or iterator", nil) end
  local list = { self, ... }
  for i = 2, n + 1 do
    for j = 1, i - 1 do
      if rawequal(list[i], list[j]) then
        check.fail("bad argument #%d to '%s' (the same stream twice)", i - 1, name)
      end
    end
    list[i] = source.open(name, i - 1, list[i])
  end
  return list
end

-- zip --------------------------------------------------------------------------------------------

--- Pulls one after the other. What was pulled stays in `held` when a later pull is cancelled. An
-- item that failed makes its whole tuple fail.
local function zipped(streams)
  local n, held, have, failed, done = #streams, {}, 0, nil, false
  local function hold(v, ...)
    if v == nil and (...) == nil then
      done = true
      return false
    end
    have = have + 1
    if v == nil then
      failed = failed or pack(nil, ...)
    else
      held[have] = object.one(v, ...)
    end
    return true
  end
  return new("zip", function()
    if done or n == 0 then return nil end
    while have < n do
      if not hold(streams[have + 1]._pull()) then return nil end
    end
    have = 0
    if not failed then return unpack(held, 1, n) end
    local values = failed
    failed = nil
    return unpack(values, 1, values.n)
  end, streams)
end

function combine.zip(list)
  return zipped(source.open_list("zip", list))
end

function methods:zip(...)
  return zipped(with_others("zip", self, ...))
end

-- chain ------------------------------------------------------------------------------------------

local function chained(name, streams)
  local n, at = #streams, 1
  local pull
  local function got(v, ...)
    if v == nil and (...) == nil and at <= n then
      local ended = streams[at]
      at = at + 1
      close(ended)
      return pull()
    end
    return v, ...
  end
  function pull()
    if at > n then return nil end
    return got(streams[at]._pull())
  end
  return new(name, pull, streams)
end

function combine.concat(list)
  return chained("concat", source.open_list("concat", list))
end

function methods:chain(...)
  return chained("chain", with_others("chain", self, ...))
end

-- merge ------------------------------------------------------------------------------------------

--- In order of arrival: a task for each stream pulls an item when the consumer wants one, and keeps
-- it until it is taken; streams that are ready take turns.
local function merged(streams)
  local n, group = #streams, nil
  return new("merge", function()
    if n == 0 then return nil end
    if not group then
      group = puller.new()
      for i = 1, n do group:add(streams[i]._pull, streams[i]) end
    end
    return group:take()
  end, streams, function()
    n = 0
    if group then group:close() end
  end)
end

function combine.merge(list)
  return merged(source.open_list("merge", list))
end

function methods:merge(...)
  return merged(with_others("merge", self, ...))
end

return combine
