--- What the state's allocator is measured with: scripts.lua NAME N, run by host.c.
local scripts = {}

local KEPT = {} -- what lives on for a while

local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

--- Binary trees of depth n, many short-lived beside one that stays.
function scripts.trees(n)
  local long = tree(n)
  local total = 0
  for depth = 4, n, 4 do
    for _ = 1, 1 << (n - depth + 4) do total = total + count(tree(depth)) end
  end
  return total + count(long)
end

--- n closures over a counter and a string each.
function scripts.closures(n)
  local keep, total = KEPT, 0
  for i = 1, n do
    local name = "name" .. i
    keep[i % 1000 + 1] = function() i = i + 1; return name, i end
    total = total + #name
  end
  return total
end

--- Lines of text out of small pieces.
function scripts.strings(n)
  local total = 0
  for i = 1, n // 20 do
    local parts = {}
    for k = 1, 10 do parts[k] = "part " .. (i * k) end
    local line = table.concat(parts, ", ")
    total = total + #line:upper() + #line:rep(3)
  end
  return total
end

--- Tables that grow, shrink and are replaced, of many sizes.
function scripts.churn(n)
  local keep, total = KEPT, 0
  for i = 1, n // 20 do
    local t = {}
    for k = 1, i % 60 do t[k] = k end
    for k = 1, i % 13 do t["key" .. k] = { k } end
    keep[i * 7919 % 5000 + 1] = t
    total = total + #t
  end
  return total
end

--- Hardly any allocation: what an allocator must not slow down.
function scripts.compute(n)
  local t, sum = {}, 0
  for i = 1, 1000 do t[i] = i end
  for i = 1, n * 4 do
    local at = i % 1000 + 1
    t[at] = (t[at] * 31 + i) % 65521
    sum = sum + t[at]
  end
  return sum
end

--- Large strings: memory that every allocator gets from the system.
function scripts.large(n)
  local total = 0
  for i = 1, n // 500 do total = total + #("x"):rep(20000 + i % 7 * 30000) end
  return total
end

local name, n = ...
scripts[name](tonumber(n))
