-- Several streams into one, one into several, and what happens when an item fails.
local ebb = require "ebb"
local stream = ebb.stream

local function list(items) return table.concat(items, " ") end

-- A stream with a pace.
local function paced(from, to, seconds)
  return stream.range(from, to):inspect(function() ebb.sleep(seconds) end)
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  -- Merged in order of arrival.
  print("merge", list(stream.merge {
    paced(1, 5, 0.2), paced(6, 10, 0.31), paced(11, 15, 0.13),
  }:collect()))

  -- Split: each part sees every item; the slowest holds the others back.
  local left, right = stream.range(1, 5):split(2)
  local sum, product = ebb.join(
    function() return left:fold(0, function(acc, x) return acc + x end) end,
    function()
      return right:fold(1, function(acc, x)
        ebb.sleep(0.1)
        return acc * x
      end)
    end)
  print("split: sum", sum, "product", product)

  local odd, even = stream.range(1, 8):partition(function(x) return x % 2 == 1 end)
  print("partition", ebb.join(
    function() return list(odd:collect()) end,
    function() return list(even:collect()) end))

  -- A failed item is nil, err. What try_ begins with stops there and returns it.
  local drawn = 0
  local function risky()
    return stream.range(1, 10):map(function(x)
      drawn = x
      if x == 5 then return nil, "error at 5" end
      return x
    end)
  end
  print("try_collect", risky():try_collect())
  print("drawn", drawn)
  print("collect", pcall(function() return risky():collect() end))

  -- With a channel in the middle, both sides at their own pace.
  local ch = ebb.channel(3)
  ebb.go(function() stream.range(1, 20):to_channel(ch) end)
  print("from a channel", stream.from(ch):take_while(function(x) return x < 8 end):count())
end)
