-- Random selects of many tasks over a few channels: every value is taken once or is still there.
local ebb = require "ebb"
local helper = require "spec.helper"
local pack = table.pack

local n_seeds = 200
local capacities = { 0, 0, 1, 2, math.huge }

--- A random arm. What it gives when it has happened goes through the books first.
local function arm(random, world, depth)
  local way = random(8)
  local ch = world.channels[random(#world.channels)]
  if way <= 3 then
    return ebb.map_op(ch, function(v, why)
      if v ~= nil then world.take(v) else assert(why == "closed" and world.closed) end
    end)
  elseif way <= 5 then
    local v = { world.next() }
    return ch:send_op(v):map(function(ok, why)
      if ok then world.give(v) else assert(why == "closed" and world.closed) end
    end)
  elseif way == 6 then
    return ch:reserve_op():map(function(permit)
      if permit and random(2) == 1 then
        local v = { world.next() }
        world.give(v)
        permit:send(v)
      end
      if permit then permit:close() end
    end)
  elseif way == 7 and depth < 3 then
    local list = {}
    for i = 1, random(3) do list[i] = arm(random, world, depth + 1) end
    return ebb.choice(table.unpack(list))
  end
  return ebb.after(random(4) / 2)
end

local function worker(random, world)
  local performs = { ebb.select, ebb.select, ebb.select_first, ebb.try_select }
  for _ = 1, 15 do
    local set = {}
    for i = 1, random(4) do set[i] = arm(random, world, 1) end
    if random(5) == 1 then
      ebb.timeout(random(3) / 2, ebb.select, set)
    else
      set[#set + 1] = ebb.after(random(5))
      performs[random(4)](set)
    end
    if random(3) == 1 then ebb.sleep(random(2) / 2) end
  end
end

local function new_world(random)
  local world = { channels = {}, closed = false, given = {}, taken = {}, n_taken = 0, n = 0 }
  for i = 1, random(3) do world.channels[i] = ebb.channel(capacities[random(#capacities)]) end
  function world.next()
    world.n = world.n + 1
    return world.n
  end
  function world.give(v)
    assert(not world.given[v])
    world.given[v] = true
  end
  function world.take(v)
    assert(not world.taken[v], "taken twice")
    world.taken[v] = true
    world.n_taken = world.n_taken + 1
  end
  return world
end

local function random_program(seed)
  local random = helper.random(seed)
  local world, tasks = new_world(random), {}
  for i = 1, 2 + random(6) do tasks[i] = ebb.spawn(worker, random, world) end
  for _ = 1, random(3) - 1 do
    ebb.sleep(random(10) / 4)
    for _ = 1, random(3) do ebb.yield() end
    tasks[random(#tasks)]:cancel()
  end
  for _, task in ipairs(tasks) do
    local ok, err = task:join()
    if not ok and task:status() ~= "cancelled" then error(err, 0) end
  end
  world.closed = true
  for _, ch in ipairs(world.channels) do
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
    ch:close()
    for v in ch do world.take(v) end
    assert.equal(0, #ch)
  end
  for v in pairs(world.taken) do assert(world.given[v], "taken, but not given") end
  for v in pairs(world.given) do assert(world.taken[v], "given, but lost") end
  return world.n_taken
end

local function all_seeds(opts)
  local n_taken = 0
  for seed = 1, n_seeds do
    if opts then opts.seed = seed end
    local ok, result = pcall(helper.run, function() return random_program(seed) end, opts)
    if not ok then error(("seed %d: %s"):format(seed, tostring(result)), 0) end
    n_taken = n_taken + result
  end
  assert.is_true(n_taken > 10 * n_seeds)
end

describe("random selects", function()
  it("SE9 R65 R66 R67 lose and double nothing (200 random programs)", function() all_seeds() end)

  it("SE9 R65 R66 R67 nor with a shuffled ready queue (200 random programs)", function()
    all_seeds({})
  end)
end)
