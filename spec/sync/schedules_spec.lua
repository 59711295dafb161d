-- Everything at once under random schedules, with cancels and timeouts at any moment: nothing is
-- lost, nothing is held for ever, and whoever should be alone is.
local ebb = require "ebb"
local helper = require "spec.helper"

local SEEDS = 200

local function under_seeds(fn)
  for seed = 1, SEEDS do
    local ok, err = pcall(helper.run, function() fn(seed) end, { seed = seed })
    if not ok then error(("seed %d: %s"):format(seed, tostring(err)), 0) end
  end
end

-- A generator of its own, so that a seed means the same everywhere.
local function random_of(seed)
  local state = seed * 2654435761 % 2147483647 + 1
  return function(n)
    state = state * 48271 % 2147483647
    return state % n + 1
  end
end

-- Spawns n tasks of body(i), cancels some of them at random moments, waits for all.
local function crowd(n, random, body)
  local tasks = {}
  for i = 1, n do tasks[i] = ebb.spawn(body, i) end
  for _ = 1, n do
    if random(2) == 1 then ebb.yield() else ebb.sleep(random(3) / 100) end
    local task = tasks[random(n)]
    task:cancel()
    if random(3) == 1 then task:cancel() end
  end
  for i = 1, n do
    local ok, err = tasks[i]:join()
    if not ok and tasks[i]:status() == "failed" then error(err, 0) end
  end
end

-- Waits a moment, or not at all.
local function pause(random)
  local n = random(3)
  if n == 1 then ebb.yield() elseif n == 2 then ebb.sleep(random(5) / 100) end
end

describe("under random schedules", function()
  it("R40 R97 R98 locks and permits are neither lost nor shared", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local m, rw, sem = ebb.mutex(), ebb.rwlock(), ebb.semaphore(3)
      local alone, readers, writers, out = 0, 0, 0, 0
      crowd(12, random, function()
        for _ = 1, 4 do
          local what = random(5)
          if what == 1 then
            m:with(function()
              alone = alone + 1
              local _ <close> = setmetatable({}, { __close = function() alone = alone - 1 end })
              assert(alone == 1)
              pause(random)
            end)
          elseif what == 2 then
            local _ <close> = rw:read()
            readers = readers + 1
            local _ <close> = setmetatable({}, { __close = function() readers = readers - 1 end })
            assert(writers == 0)
            pause(random)
          elseif what == 3 then
            local guard <close> = rw:write()
            writers = writers + 1
            do
              local _ <close> = setmetatable({}, { __close = function() writers = writers - 1 end })
              assert(writers == 1 and readers == 0)
              pause(random)
            end
            guard:downgrade()
            assert(writers == 0)
            pause(random)
          elseif what == 4 then
            local n = random(3)
            local _ <close> = sem:acquire(n)
            out = out + n
            local _ <close> = setmetatable({}, { __close = function() out = out - n end })
            assert(out <= 3)
            pause(random)
          else
            local _, got = ebb.select(sem:acquire_op(random(3)), m, rw:read_op(), rw:write_op(),
              ebb.after(random(3) / 100))
            local _ <close> = type(got) == "userdata" and got or nil
            pause(random)
          end
        end
      end)
      assert.equal("ebb.mutex: unlocked", tostring(m))
      assert.equal("ebb.rwlock: unlocked", tostring(rw))
      assert.equal("ebb.semaphore: 3 of 3 available", tostring(sem))
    end)
  end)

  it("NO6 no notification is lost", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local notify, taken, sent = ebb.notify(), 0, 0
      local sender = ebb.spawn(function()
        for _ = 1, 20 do
          -- one at a time: a second one that is kept would be dropped
          while sent > taken do ebb.sleep(0.01) end
          sent = sent + 1
          notify:notify_one()
          pause(random)
        end
      end)
      local steady = ebb.spawn(function()
        while true do
          notify:wait()
          taken = taken + 1
        end
      end)
      crowd(10, random, function()
        if random(2) == 1 then notify:wait() else
          local i = ebb.select(notify, ebb.after(random(4) / 100))
          if i ~= 1 then return end
        end
        taken = taken + 1
      end)
      sender:await()
      while taken < sent do ebb.sleep(0.01) end
      steady:cancel()
      assert.equal(20, taken)
    end)
  end)

  it("R93 each subscriber gets every value or the count of those it missed", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local b = ebb.broadcast(random(5))
      local sender = ebb.spawn(function()
        for i = 1, 40 do
          b:send(i)
          pause(random)
        end
        b:close()
      end)
      local subs = {}
      for i = 1, 10 do subs[i] = { sub = b:subscribe(), next = 1 } end
      local function step(s, v, why, missed)
        if v then
          assert(v == s.next)
          s.next = v + 1
        elseif why == "lagged" then
          s.next = s.next + missed
        end
        return v or why == "lagged"
      end
      crowd(10, random, function(i)
        local s = subs[i]
        while step(s, s.sub:recv()) do pause(random) end
      end)
      sender:await()
      for i = 1, 10 do -- what a cancelled task has left is still there
        local s = subs[i]
        while step(s, s.sub:recv()) do end
        assert.equal(41, s.next)
        s.sub:close()
      end
      assert.equal(0, #b)
    end)
  end)

  it("WA13 the last value of a watch reaches everybody", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local w, reached = ebb.watch(0), 0
      for i = 1, 10 do
        ebb.go(function()
          local sub <close> = w:subscribe()
          if i % 2 == 0 then
            assert(sub:wait_for(function(v) return v == 20 end) == 20)
          else
            while sub:changed() do if sub:get() == 20 then break end end
          end
          reached = reached + 1
        end)
      end
      ebb.sleep(0.01)
      for v = 1, 20 do
        w:set(v)
        pause(random)
      end
      w:close()
      ebb.sleep(1)
      assert.equal(10, reached)
    end)
  end)

  it("OC2 a once is computed, whoever gives up", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local computing, done = 0, 0
      local once = ebb.once(function()
        computing = computing + 1
        local _ <close> = setmetatable({}, { __close = function() computing = computing - 1 end })
        assert(computing == 1)
        pause(random)
        if random(3) == 1 then return nil, "again" end
        done = done + 1
        return done
      end)
      crowd(10, random, function()
        local v = once:get()
        assert(v == nil or v == 1)
      end)
      repeat local v = once:get() until v
      assert.equal(1, done)
    end)
  end)

  it("BA3 barriers let through groups of n, whoever gives up", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local barrier, leaders, others = ebb.barrier(3), 0, 0
      crowd(15, random, function()
        pause(random)
        local ok, leader = ebb.select(barrier, ebb.after(1))
        if ok == 1 then
          if leader then leaders = leaders + 1 else others = others + 1 end
        end
      end)
      -- a cancel that comes after the wake may hide that somebody was let through
      assert.is_true(others <= 2 * 5 and leaders <= 5)
      assert.equal("ebb.barrier: 0 of 3 waiting", tostring(barrier))
    end)
  end)

  it("a pool makes no more than it may and gets all back", function()
    under_seeds(function(seed)
      local random = random_of(seed)
      local alive = 0
      local pool = ebb.resource_pool(function()
        pause(random)
        alive = alive + 1
        return { n = alive }
      end, { max = 3, close = function()
        alive = alive - 1
      end, check = function()
        pause(random)
        return random(4) > 1
      end })
      crowd(12, random, function()
        for _ = 1, 3 do
          pool:with(function()
            assert(alive <= 3)
            pause(random)
          end)
        end
      end)
      local leased, idle = pool:size()
      assert.equal(0, leased)
      assert.equal(alive, idle)
      pool:close()
      assert.equal(0, alive)
    end)
  end)
end)
