--- What the specs of streams share.
local ebb = require "ebb"
local stream = ebb.stream

local support = {}

--- A source of the numbers 1 … n (for ever without n) that counts: `pulls`, and `closed` when it was closed.
function support.source(n)
  local probe = { pulls = 0, closed = 0 }
  local closing = setmetatable({}, { __close = function() probe.closed = probe.closed + 1 end })
  probe.stream = stream.from(function(_, last)
    probe.pulls = probe.pulls + 1
    if not n or last < n then return last + 1 end
  end, nil, 0, closing)
  return probe
end

--- The items 1 … n, each `seconds` after the one before it (from when it is asked for).
function support.slow(n, seconds)
  return stream.range(1, n):inspect(function() ebb.sleep(seconds) end)
end

--- A stream of these items; a table { err = e } is an item that failed.
function support.items(list)
  return stream.iter(list):map(function(v)
    if type(v) == "table" and v.err ~= nil then return nil, v.err end
    return v
  end)
end

function support.joined(s)
  local list = s:collect()
  for i = 1, #list do
    local v = list[i]
    if type(v) == "table" then
      for k = 1, #v do v[k] = tostring(v[k]) end
      list[i] = table.concat(v, ",")
    else
      list[i] = tostring(v)
    end
  end
  return table.concat(list, " ")
end

--- Are ready tasks run in the order in which they became ready? (Under a seed they are not.)
function support.is_fifo()
  local order = {}
  for i = 1, 64 do ebb.go(function() order[#order + 1] = i end) end
  ebb.sleep(1)
  for i = 1, 64 do
    if order[i] ~= i then return false end
  end
  return true
end

--- Counts how many are inside at a time.
function support.gauge()
  local gauge = { inside = 0, most = 0, started = 0 }
  function gauge.enter()
    gauge.inside = gauge.inside + 1
    gauge.started = gauge.started + 1
    if gauge.inside > gauge.most then gauge.most = gauge.inside end
  end
  function gauge.leave() gauge.inside = gauge.inside - 1 end
  return gauge
end

return support
