-- Locks and their like: exclusive, fair to the cancelled, permits conserved.
local ebb = require "ebb"
local support = require "spec.explore.support"
local bounded, ended, pass = support.bounded, support.ended, support.pass

return {
  { "mutex: hand-over against cancel", function()
    local m, inside, turns = ebb.mutex(), bounded(1), 0
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(function()
        for _ = 1, 2 do
          local _ <close> = m:lock()
          local _ <close> = support.closer(inside.leave)
          inside.enter()
          ebb.yield()
          turns = turns + 1
        end
      end)
    end
    pass(3)
    tasks[2]:cancel()
    tasks[3]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    assert(turns >= 4 and inside.inside == 0)
    assert(m:try_lock()):close()
  end },

  { "mutex: hand-over against timeout", function()
    local m, inside, late = ebb.mutex(), bounded(1), 0
    ebb.scope(function(s)
      for _ = 1, 3 do
        s:spawn(function()
          for _ = 1, 2 do
            local guard <close>, why = ebb.timeout(1, m)
            if guard then
              inside.enter()
              ebb.sleep(1)
              inside.leave()
            else
              assert(why == "timeout")
              late = late + 1
            end
          end
        end)
      end
    end)
    assert(late <= 4 and inside.inside == 0)
    assert(m:try_lock()):close()
  end },

  { "mutex: with, and a body that fails or is cancelled", function()
    local m, inside = ebb.mutex { n = 0 }, bounded(1)
    local function add(how)
      m:with(function(value)
        inside.enter()
        local _ <close> = support.closer(inside.leave)
        local n = value.n
        ebb.yield()
        if how == "fails" then error("as meant", 0) end
        value.n = n + 1
        ebb.yield()
      end)
    end
    local a, b, c = ebb.spawn(add), ebb.spawn(add, "fails"), ebb.spawn(add)
    pass(2)
    c:cancel()
    a:await()
    assert(select(2, b:join()) == "as meant")
    ended(c)
    m:with(function(value) assert(value.n == 1 or value.n == 2) end)
  end },

  { "rwlock: readers together, writers alone", function()
    local rw = ebb.rwlock()
    local readers, writers, n_written = 0, 0, 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        for _ = 1, 2 do
          local _ <close> = rw:read()
          readers = readers + 1
          assert(writers == 0)
          local _ <close> = support.closer(function() readers = readers - 1 end)
          ebb.yield()
        end
      end)
    end
    for i = 4, 5 do
      tasks[i] = ebb.spawn(function()
        local guard <close> = rw:write()
        writers = writers + 1
        assert(writers == 1 and readers == 0)
        do
          local _ <close> = support.closer(function() writers = writers - 1 end)
          ebb.yield()
          n_written = n_written + 1
        end
        guard:downgrade()
        readers = readers + 1
        local _ <close> = support.closer(function() readers = readers - 1 end)
        ebb.yield()
        assert(writers == 0)
      end)
    end
    pass(2)
    tasks[1]:cancel()
    tasks[5]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    assert(readers == 0 and writers == 0 and n_written >= 1)
    assert(rw:try_write()):close()
  end },

  { "semaphore: permits are conserved", function()
    local sem, held = ebb.semaphore(3), 0
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(function()
        for _ = 1, 2 do
          local k = i % 3 + 1
          local permit <close>, why = ebb.timeout(2, sem:acquire_op(k))
          if permit then
            held = held + k
            assert(held <= 3)
            local _ <close> = support.closer(function() held = held - k end)
            if i % 2 == 0 then ebb.sleep(1) else ebb.yield() end
          else
            assert(why == "timeout")
          end
        end
      end)
    end
    pass(3)
    tasks[3]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    assert(held == 0 and sem:available() == 3, sem:available())
  end },

  { "semaphore: who leaves the queue lets those behind it go on", function()
    local sem, got = ebb.semaphore(2), {}
    local function take(i, k)
      return ebb.spawn(function()
        local _ <close> = sem:acquire(k)
        got[i] = ebb.now()
        ebb.yield()
      end)
    end
    local held = sem:acquire(1)
    local large = take(1, 2)
    while not large:waiting_on() do ebb.yield() end
    assert(not sem:try_acquire(1), "overtook the one that waits")
    local small, other = take(2, 1), take(3, 1)
    ebb.go(function() large:cancel() end)
    ebb.sleep(1)
    assert(not got[1] and got[2] == 0 and got[3] == 0, "left to wait")
    held:close()
    for _, task in ipairs { large, small, other } do ended(task) end
    assert(sem:available() == 2)
  end },

  { "semaphore: closed against waiters and givers", function()
    local sem, got, refused = ebb.semaphore(1), 0, 0
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(function()
        local permit <close>, why = sem:acquire()
        if permit then
          got = got + 1
          ebb.yield()
        else
          assert(why == "closed")
          refused = refused + 1
        end
      end)
    end
    pass(2)
    sem:close()
    for _, task in ipairs(tasks) do task:await() end
    assert(got + refused == 4)
  end },

  { "semaphore: what is added wakes who can go on", function()
    local sem, done = ebb.semaphore(0), 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        assert(sem:acquire(i)):forget()
        done = done + i
      end)
    end
    ebb.go(function() sem:add(2) end)
    ebb.go(function() sem:add(1) end)
    pass(1)
    ebb.go(function() sem:add(3) end)
    for _, task in ipairs(tasks) do task:await() end
    assert(done == 6 and sem:available() == 0)
  end },

  { "barrier: one leader a round, nobody left behind", function()
    local barrier, leaders, round = ebb.barrier(3), 0, { 0, 0, 0 }
    ebb.scope(function(s)
      for i = 1, 3 do
        s:spawn(function()
          for k = 1, 3 do
            round[i] = k
            if barrier:wait() then leaders = leaders + 1 end
            for j = 1, 3 do assert(round[j] >= k, "let through too early") end
          end
        end)
      end
    end)
    assert(leaders == 3)
  end },

  { "notify: a notification of one that is cancelled goes on to the next", function()
    local n, woken, notify = 0, 0, ebb.notify()
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(function()
        n = n + 1
        notify:wait()
        woken = woken + 1
      end)
    end
    while n < 4 do ebb.yield() end
    ebb.go(function() tasks[1]:cancel() end)
    for _ = 1, 3 do ebb.go(function() notify:notify_one() end) end
    ebb.sleep(1)
    assert(woken == 3, woken)
    if tasks[1]:status() == "done" then notify:notify_one() end
    for _, task in ipairs(tasks) do ended(task) end
  end },

  { "once: one computes, an attempt that is cancelled is made again", function()
    local inside, n = bounded(1), 0
    local once = ebb.once(function()
      local _ <close> = support.closer(inside.leave)
      inside.enter()
      ebb.sleep(1)
      n = n + 1
      return n
    end)
    local tasks = {}
    for i = 1, 4 do tasks[i] = ebb.spawn(function() return (once:get()) end) end
    pass(2)
    tasks[1]:cancel()
    ebb.sleep(0.5)
    tasks[2]:cancel()
    for i = 1, 4 do
      local ok, v = tasks[i]:join()
      assert(not ok or v == 1)
      assert(ok or i <= 2)
    end
    assert(n == 1)
  end },

  { "latch: nobody goes before it is open", function()
    local latch, counted = ebb.latch(3), 0
    local waiters = {}
    for i = 1, 3 do
      waiters[i] = ebb.spawn(function()
        latch:wait()
        assert(counted == 3)
      end)
    end
    for _ = 1, 3 do
      ebb.go(function()
        ebb.yield()
        counted = counted + 1
        latch:count_down()
      end)
    end
    waiters[2]:cancel()
    for _, task in ipairs(waiters) do ended(task) end
    latch:wait()
  end },

  { "resource pool: never more than max, each closed once", function()
    local live, made, closed = bounded(2), 0, {}
    local pool = ebb.resource_pool(function()
      ebb.yield()
      live.enter()
      made = made + 1
      return { id = made }
    end, { max = 2, close = function(value)
      assert(not closed[value.id], "closed twice")
      closed[value.id] = true
      live.leave()
    end })
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(function()
        local lease <close> = pool:acquire()
        if not lease then return end
        local value = lease.value
        assert(not value.used)
        local _ <close> = support.closer(function() value.used = nil end)
        value.used = true
        ebb.yield()
        if i == 2 then lease:discard() end
      end)
    end
    pass(1)
    tasks[3]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    pool:close()
    pass(3)
    local n = 0
    for _ in pairs(closed) do n = n + 1 end
    assert(n == made and live.inside == 0, live.inside)
  end },

  { "philosophers who give up and try again", function()
    local forks = { ebb.mutex(), ebb.mutex(), ebb.mutex() }
    local meals, at = 0, bounded(1)
    ebb.scope(function(s)
      for i = 1, 3 do
        s:spawn(function()
          local mine, other = forks[i], forks[i % 3 + 1]
          for try = 1, 100 do
            local _ <close> = mine:lock()
            local second <close> = ebb.timeout(i / 8, other)
            if second then
              at.enter() -- with three forks only one can have two
              ebb.yield()
              at.leave()
              meals = meals + 1
              return
            end
            assert(try < 100, "nobody eats")
          end
        end)
      end
    end)
    assert(meals == 3)
  end },
}
