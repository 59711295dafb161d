-- What crossing a thread costs, in real time: lua5.4 bench/threads.lua [--quick]
-- Medians of five rounds. On a machine with other work the figures are good for an order of
-- magnitude, not more.
local ebb = require "ebb"

local quick = arg[1] == "--quick"
local rounds = quick and 1 or 5

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- fn(n) → real seconds per operation, by the median.
local function measure(n, fn)
  n = quick and n // 100 or n
  local seconds = {}
  for i = 1, rounds do
    local from = ebb.now()
    fn(n)
    seconds[i] = (ebb.now() - from) / n
  end
  return median(seconds)
end

local function row(name, value, unit) print(("%-52s %10.2f %s"):format(name, value, unit)) end

-- A megabyte or so of what programs have: records with strings, numbers, lists.
local function records(n)
  local list = {}
  for i = 1, n do
    local name = ("name %d of a record"):format(i)
    list[i] = { id = i, name = name, weight = i * 0.5, tags = { "a", "b", i } }
  end
  return list
end

local function stream(capacity, value)
  return function(n)
    local ch = ebb.thread.channel(capacity)
    local t = ebb.thread.spawn(function(input)
      local count = 0
      for _ in input do count = count + 1 end
      return count
    end, ch)
    for _ = 1, n do ch:send(value) end
    ch:close()
    assert(select(2, t:join()) == n)
  end
end

ebb.run(function()
  local function nothing(x) return x end
  ebb.blocking(nothing) -- the thread and its state are made once
  row("ebb.blocking, one after the other", 1e6 * measure(20000, function(n)
    for i = 1, n do ebb.blocking(nothing, i) end
  end), "us a call")
  row("ebb.blocking, 64 at a time", 1e6 * measure(20000, function(n)
    local list = {}
    for i = 1, n do list[i] = i end
    ebb.map(list, function(i) return ebb.blocking(nothing, i) end, 64)
  end), "us a call")
  row("thread channel of 1024, integers", 1e6 * measure(200000, stream(1024, 1)), "us a value")
  row("thread channel of 0, integers", 1e6 * measure(20000, stream(0, 1)), "us a value")
  local kilobyte = ("x"):rep(1024)
  row("thread channel of 1024, strings of 1 KiB", 1e6 * measure(100000, stream(1024, kilobyte)),
    "us a value")

  local ch, value = ebb.thread.channel(1), records(5000)
  local bytes = 0
  for _, r in ipairs(value) do -- names of fields, the strings, 8 bytes for a number
    bytes = bytes + #"idnameweighttags" + #r.name + #"ab" + 3 * 8
  end
  local each = measure(quick and 100 or 20, function(n)
    for _ = 1, n do
      ch:try_send(value)
      ch:try_recv()
    end
  end)
  row("copying records (strings, numbers, small tables)", bytes / each / 1e6, "MB/s there and back")
  local text = ("x"):rep(1 << 20)
  each = measure(quick and 100 or 200, function(n)
    for _ = 1, n do
      ch:try_send(text)
      ch:try_recv()
    end
  end)
  row("copying a string of 1 MiB", #text / each / 1e6, "MB/s there and back")
  row("a thread: spawn and join", 1e6 * measure(200, function(n)
    for _ = 1, n do ebb.thread.spawn(nothing, 1):join() end
  end), "us")
end)
