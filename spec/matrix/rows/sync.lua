--- Locks and the other objects of synchronisation.
local ebb = require "ebb"

--- A wait for a lock that another task holds; complete() gives it back. wait(case) gives it back, too.
local function lock(name, of, numbers, make)
  return {
    name = name, of = of, numbers = numbers, carries = true,
    make = function()
      local release, holding = ebb.latch(1), false
      local take, wait, free, ops = make()
      -- a lock belongs to a task: one that lives as long as the case
      local holder = ebb.spawn(function()
        local guard <close> = take()
        holding = guard
        release:wait()
      end)
      while not holding do ebb.yield() end
      return {
        wait = function()
          local guard <close> = wait()
          assert(guard, "no guard")
          return "locked"
        end,
        expect = { "locked" },
        ops = ops,
        complete = function()
          holding:adopt() -- from whom gives it back
          holding:close()
          holding = nil
          release:count_down()
        end,
        check = function(_, completed)
          if not completed then assert(not free(), "two hold the lock") end
          if holding then
            release:count_down()
          end
          holder:join()
          assert(free(), "the lock is lost")
        end,
        finish = function() holder:cancel() end,
      }
    end,
  }
end

local function closing(guard)
  guard:close()
  return "locked"
end

local function try(object, method)
  return function()
    local guard = object[method](object)
    if guard then guard:close() end
    return guard ~= nil
  end
end

local function semaphore(name, of, numbers, k, op_of)
  return {
    name = name, of = of, numbers = numbers, carries = true, closes = true, lets_go = true,
    make = function()
      local sem = ebb.semaphore(3)
      local held = sem:acquire(3)
      local function let_go(permit, why)
        if not permit then return permit, why end
        local n = permit:count()
        permit:close()
        return n
      end
      return {
        wait = function() return let_go(sem:acquire(k)) end, expect = { k },
        ops = op_of and op_of(sem, k, let_go),
        complete = function() held:close() end,
        close = function() sem:close() end, objects = { sem },
        check = function(_, completed)
          if not completed then held:close() end
          assert(sem:available() == 3, "permits are lost")
        end,
      }
    end,
  }
end

local function pool()
  local made = { n = 0 }
  return ebb.resource_pool(function()
    made.n = made.n + 1
    return { number = made.n }
  end, { max = 1 }), made
end

return {
  lock("mutex", { "Mutex:lock", "Mutex:lock_op", "ebb.Mutex" }, "MX1 MX4 MX5 SE10", function()
    local m = ebb.mutex()
    return function() return m:lock() end, function() return m:lock() end, try(m, "try_lock"), {
      lock_op = function() return m:lock_op():map(closing) end,
      itself = function() return ebb.map_op(m, closing) end,
    }
  end),
  lock("mutex, with", { "Mutex:with" }, "MX9 MX5", function()
    local m = ebb.mutex()
    return function() return m:lock() end, function()
      return m:with(function() return setmetatable({}, { __close = function() end }) end)
    end, try(m, "try_lock")
  end),
  lock("rwlock, read", { "Rwlock:read", "Rwlock:read_op" }, "RW1 RW2", function()
    local rw = ebb.rwlock()
    return function() return rw:write() end, function() return rw:read() end, try(rw, "try_write"),
      { read_op = function() return rw:read_op():map(closing) end }
  end),
  lock("rwlock, write after a reader", { "Rwlock:write", "Rwlock:write_op" }, "RW1 RW7 MX5", function()
    local rw = ebb.rwlock()
    return function() return rw:read() end, function() return rw:write() end, try(rw, "try_write"),
      { write_op = function() return rw:write_op():map(closing) end }
  end),
  lock("rwlock, write after a writer", { "Rwlock:write" }, "RW1 MX5", function()
    local rw = ebb.rwlock()
    return function() return rw:write() end, function() return rw:write() end, try(rw, "try_write")
  end),
  semaphore("semaphore", { "Semaphore:acquire", "Semaphore:acquire_op", "ebb.Semaphore" }, "SM1 SM8", 1,
    function(sem, k, let_go)
      return { acquire_op = function() return sem:acquire_op(k):map(let_go) end,
        itself = function() return ebb.map_op(sem, let_go) end }
    end),
  semaphore("semaphore, all permits", { "Semaphore:acquire" }, "SM1 SM3 SM8", 3, function(sem, k, let_go)
    return { acquire_op = function() return sem:acquire_op(k):map(let_go) end }
  end),
  {
    name = "semaphore, some of the permits", of = { "Semaphore:acquire" }, numbers = "SM8",
    carries = true, closes = true, lets_go = true,
    make = function()
      local sem = ebb.semaphore(0)
      sem:add(1)
      return {
        wait = function()
          local permit, why = sem:acquire(2)
          if not permit then return permit, why end
          permit:close()
          return "two"
        end,
        expect = { "two" }, objects = { sem },
        complete = function() sem:add(1) end,
        close = function() sem:close() end,
        check = function(_, completed) assert(sem:available() == (completed and 2 or 1), "permits are lost") end,
      }
    end,
  },
  {
    name = "barrier", of = { "Barrier:wait", "ebb.Barrier" }, numbers = "BA1 BA3", carries = false, ready = false,
    one_at_a_time = true,
    make = function()
      local barrier = ebb.barrier(2)
      return {
        wait = function() return barrier:wait() end, ops = { itself = function() return barrier end },
        -- the other party comes without waiting, if somebody is there
        complete = function() return ebb.try_select(barrier) ~= nil end,
        expect = { false }, objects = { barrier },
        -- nobody is counted who went away: one comes and waits, the second completes it
        check = function()
          local first = ebb.spawn(barrier.wait, barrier)
          while first:status() ~= "waiting" do ebb.yield() end
          assert(barrier:wait() == true and first:await() == false)
        end,
      }
    end,
  },
  {
    name = "notify, notify_one", of = { "Notify:wait", "ebb.Notify" }, numbers = "NO1 NO6", carries = false,
    make = function()
      local notify = ebb.notify()
      return {
        wait = function() return notify:wait() end, ops = { itself = function() return notify end },
        complete = function() notify:notify_one() end, expect = { true }, objects = { notify },
        check = function(taken, completed)
          local stored = ebb.try_select(notify) ~= nil
          assert(stored == (completed and not taken), stored and "twice" or "the notification is lost")
        end,
      }
    end,
  },
  {
    name = "notify, notify_all", of = { "Notify:wait" }, numbers = "NO3", carries = false, ready = false,
    make = function()
      local notify = ebb.notify()
      return {
        wait = function() return notify:wait() end, ops = { itself = function() return notify end },
        complete = function() notify:notify_all() end, expect = { true }, objects = { notify },
        check = function() assert(ebb.try_select(notify) == nil, "notify_all stores nothing") end,
      }
    end,
  },
  {
    name = "latch", of = { "Latch:wait", "ebb.Latch" }, numbers = "SO1", carries = nil,
    make = function()
      local latch = ebb.latch(2)
      return {
        wait = function() return latch:wait() end, ops = { itself = function() return latch end },
        complete = function() latch:count_down(2) end, expect = { true }, objects = { latch },
        check = function(_, completed) assert(latch:count() == (completed and 0 or 2)) end,
      }
    end,
  },
  {
    name = "once, the one that computes", of = { "Once:get" }, numbers = "OC1 OC2", carries = nil, ready = "either",
    one_at_a_time = true,
    make = function()
      local latch, calls = ebb.latch(1), 0
      local once = ebb.once(function()
        calls = calls + 1
        latch:wait()
        return "v", calls
      end)
      return {
        wait = function() return (once:get()) end, expect = { "v" },
        complete = function() latch:count_down() end, objects = { once },
        check = function(taken, completed)
          if completed then
            local v, n = once:get()
            assert(v == "v" and n <= 2 and once:is_done())
            if taken then assert(n == 1, "computed twice") end
          else
            assert(not once:is_done())
          end
        end,
      }
    end,
  },
  {
    name = "once, one that waits for another", of = { "Once:get" }, numbers = "OC1 OC2", carries = nil,
    ready = "either",
    make = function()
      local latch, calls = ebb.latch(1), 0
      local once = ebb.once(function()
        calls = calls + 1
        latch:wait()
        return "v"
      end)
      local first = ebb.spawn(once.get, once)
      while calls == 0 do ebb.yield() end
      return {
        wait = function() return once:get() end, expect = { "v" },
        complete = function() latch:count_down() end,
        check = function(_, completed)
          if completed then assert(first:await() == "v") else assert(not first:finished()) end
          assert(calls == 1, "computed twice")
        end,
        finish = function()
          first:cancel()
          first:join()
        end,
      }
    end,
  },
  {
    name = "resource_pool, acquire", of = { "ResourcePool:acquire" }, carries = nil, ready = "either",
    closes = true, lets_go = true,
    make = function()
      local p, made = pool()
      local held = p:acquire()
      return {
        wait = function()
          local lease <close>, why = p:acquire()
          if not lease then return lease, why end
          return lease.value.number
        end,
        expect = { 1 }, complete = function() held:close() end, close = function() p:close() end,
        check = function(_, completed)
          if not completed then held:close() end
          if not p:is_closed() then
            local lease = assert(p:try_acquire(), "the value is lost")
            lease:close()
            assert(made.n == 1, "made twice")
          end
        end,
        finish = function() p:close() end, objects = { p },
      }
    end,
  },
  {
    name = "resource_pool, with", of = { "ResourcePool:with" }, carries = nil, ready = "either",
    closes = true, lets_go = true,
    make = function()
      local p = pool()
      local held = p:acquire()
      return {
        wait = function() return p:with(function(value) return value.number end) end,
        expect = { 1 }, complete = function() held:close() end, close = function() p:close() end,
        check = function(_, completed)
          if not completed then held:close() end
          if not p:is_closed() then assert(p:try_acquire(), "the value is lost"):close() end
        end,
        finish = function() p:close() end, objects = { p },
      }
    end,
  },
  {
    name = "resource_pool, a value that is being made", of = { "ResourcePool:acquire" },
    carries = nil, ready = "either",
    make = function()
      local latch, making = ebb.latch(1), 0
      local p = ebb.resource_pool(function()
        making = making + 1
        local _ <close> = setmetatable({}, { __close = function() making = making - 1 end })
        latch:wait()
        return "value"
      end, { max = 1 })
      return {
        wait = function()
          local lease <close>, why = p:acquire()
          return lease and lease.value, why
        end,
        expect = function(value) return value == "value" end,
        complete = function() latch:count_down() end,
        check = function(_, completed)
          assert(making == 0)
          latch:count_down(completed and 0 or 1)
          local lease <close> = assert(ebb.timeout(1, p.acquire, p), "the place is lost")
          assert(lease.value == "value")
        end,
        finish = function() p:close() end, objects = { p },
      }
    end,
  },
}
