-- Handles and pool memory against what one would write without them:
--     lua5.4 bench/memory/registry.lua [--quick]
-- Least of 9 interleaved rounds, the empty loop taken off, the collector stopped within a round and
-- run between them. Both sides keep their memory from round to round.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
if not os.getenv "EBB_BENCH_CPATH" then
  package.cpath = "build/release/cmod/?.so;" .. package.cpath
end
local ebb = require "ebb"

local clock = os.clock
local N = arg[1] == "--quick" and 20000 or 1000000
local ROUNDS = arg[1] == "--quick" and 2 or 9

-- --- the same as the registry, in Lua ------------------------------------------------------------

local function lua_registry()
  local gens, values, free, n = {}, {}, {}, 0
  local n_free = 0
  local reg = {}
  function reg.add(value)
    local i
    if n_free > 0 then
      i, n_free = free[n_free], n_free - 1
    else
      n = n + 1
      i = n
      gens[i] = 1
    end
    values[i] = value
    return gens[i] << 32 | i
  end
  function reg.get(h)
    local i = h & 0xffffffff
    if gens[i] ~= h >> 32 then return nil, "stale" end
    return values[i]
  end
  function reg.remove(h)
    local i = h & 0xffffffff
    if gens[i] ~= h >> 32 then return nil, "stale" end
    local value = values[i]
    values[i] = nil
    gens[i] = gens[i] + 1
    n_free = n_free + 1
    free[n_free] = i
    return value
  end
  return reg
end

-- --- what is measured ----------------------------------------------------------------------------

local entity = { hp = 1 }
local reg, own, plain = ebb.alloc.registry(), lua_registry(), {}
local handles, own_handles = {}, {}
for i = 0, 1023 do
  handles[i], own_handles[i] = reg:add(entity), own.add(entity)
  plain[handles[i]] = entity
end

ebb.alloc.budget("bench", { bytes = 1 << 40, soft = 1 << 39 })
local guard, charged = ebb.guard(), ebb.guard { budget = "bench" }

local work = {
  { "empty loop", function() for i = 1, N do local _ = i & 1023 end end },
  { "table: t[h]", function() for i = 1, N do local _ = plain[handles[i & 1023]] end end },
  { "registry: reg:get(h)", function()
    for i = 1, N do local _ = reg:get(handles[i & 1023]) end
  end },
  { "registry in Lua: get(h)", function()
    local get = own.get
    for i = 1, N do local _ = get(own_handles[i & 1023]) end
  end },
  { "table: t[h] = v, t[h] = nil", function()
    local t, n = plain, 1 << 40
    for i = 1, N do
      t[n + i] = entity
      t[n + i] = nil
    end
  end },
  { "registry: add and remove", function() for _ = 1, N do reg:remove(reg:add(entity)) end end },
  { "registry in Lua: add and remove", function()
    local add, remove = own.add, own.remove
    for _ = 1, N do remove(add(entity)) end
  end },
  { "a table of 4 fields", function()
    for i = 1, N do local _ = { x = i, y = 2, z = 3, w = 4 } end
  end },
  { "g:bytes(64) and g:release", function()
    for _ = 1, N do guard:release(guard:bytes(64)) end
  end },
  { "the same with a budget", function()
    for _ = 1, N do charged:release(charged:bytes(64)) end
  end },
}

local best = {}
for _, item in ipairs(work) do item[2]() end -- warm
local mallocs = ebb.alloc.stats().pool.mallocs
for _ = 1, ROUNDS do
  for i, item in ipairs(work) do
    collectgarbage()
    collectgarbage "stop"
    local start = clock()
    item[2]()
    best[i] = math.min(best[i] or math.huge, clock() - start)
    collectgarbage "restart"
  end
end
for i, item in ipairs(work) do
  print(("%-32s %6.1f ns"):format(item[1], (best[i] - (i > 1 and best[1] or 0)) / N * 1e9))
end
print(("pool: asked the system %d times in %d allocations"):format(
  ebb.alloc.stats().pool.mallocs - mallocs, 2 * ROUNDS * N))
