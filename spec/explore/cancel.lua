-- Cancel and time: against completion, cleanups, shields and each other.
local ebb = require "ebb"
local support = require "spec.explore.support"
local cleanups, ended, pass = support.cleanups, support.ended, support.pass

return {
  { "timer against cancel", function()
    local n_done, n_cancelled = 0, 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function() ebb.sleep(1) n_done = n_done + 1 end)
    end
    ebb.spawn(function()
      ebb.sleep(1)
      for i = 1, 3 do tasks[i]:cancel() end
    end):await()
    for i = 1, 3 do
      if not ended(tasks[i]) then n_cancelled = n_cancelled + 1 end
    end
    assert(n_done + n_cancelled == 3)
  end },

  { "timeouts in timeouts, and a cancel at the same moment", function()
    local books = cleanups()
    local task = ebb.spawn(function()
      local inner_why
      local ok, why = ebb.timeout(2, function()
        local _ <close> = books.open()
        local _, inner = ebb.timeout(2, function()
          local _ <close> = books.open(function() ebb.sleep(0.5) end)
          ebb.sleep(2)
          return true
        end)
        inner_why = inner
        ebb.yield()
        return "late"
      end)
      assert(inner_why == nil, "of two equal deadlines the outer one wins")
      assert(ok == nil and why == "timeout" or ok == "late")
    end)
    ebb.go(function()
      ebb.sleep(2)
      task:cancel()
    end)
    ended(task)
    books.check()
  end },

  { "a deadline against what comes at the same moment", function()
    local n = 0
    local o = ebb.oneshot()
    local waiter = ebb.spawn(function()
      local v, why = ebb.timeout(1, o)
      if v then n = n + 1 else assert(why == "timeout") end
    end)
    local sender = ebb.spawn(function()
      ebb.sleep(1)
      o:send "value"
    end)
    waiter:await()
    sender:await()
    if o:try_recv() then n = n + 1 end
    assert(n == 1, n)
  end },

  { "deadlines strike what waits for a lock or a value, in a shield or not", function()
    local books, ch, lock = cleanups(), ebb.channel(), ebb.mutex()
    local tasks, n_got = {}, 0
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        local v, why = ebb.timeout(i, function()
          local _ <close> = books.open(function() ebb.sleep(0.25) end)
          local _ <close> = lock:lock()
          local whole = false
          ebb.shield(function()
            ebb.sleep(0.5)
            whole = true
          end)
          assert(whole, "a deadline struck through a shield")
          return (ch:recv())
        end)
        if v then n_got = n_got + 1 else assert(why == "timeout") end
        assert(ebb.now() <= i + 0.75)
      end)
    end
    local sent = ebb.spawn(function()
      ebb.sleep(1)
      return (ebb.timeout(5, ch:send_op "value"))
    end)
    for _, task in ipairs(tasks) do task:await() end
    ch:close()
    assert(n_got == (sent:await() and 1 or 0))
    books.check()
    assert(lock:try_lock()):close()
  end },

  { "cancelled before its first run: never runs", function()
    local ran = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function() ran[i] = true end)
    end
    tasks[2]:cancel()
    for i = 1, 3 do ended(tasks[i]) end
    assert(ran[1] and not ran[2] and ran[3])
    assert(tasks[2]:status() == "cancelled")
  end },

  { "cancelled twice while its cleanups await: each runs once", function()
    local books = cleanups()
    local tasks = {}
    for i = 1, 2 do
      tasks[i] = ebb.spawn(function()
        local _ <close> = books.open(function() ebb.sleep(1) end)
        local _ <close> = books.open(function() pass(2) end)
        ebb.sleep(i)
        local _ <close> = books.open()
        ebb.never():await()
      end)
    end
    local killers = {}
    for i = 1, 3 do
      killers[i] = ebb.spawn(function()
        ebb.sleep(i / 2)
        for _, task in ipairs(tasks) do task:cancel("again " .. i) end
      end)
    end
    for _, task in ipairs(tasks) do assert(not ended(task)) end
    for _, task in ipairs(killers) do task:await() end
    books.check()
  end },

  { "a shield holds until its end, then the cancel is thrown", function()
    local books, whole = cleanups(), 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        local _ <close> = books.open()
        ebb.shield(function()
          local _ <close> = books.open()
          pass(2)
          ebb.sleep(0.1)
          whole = whole + 1
        end)
        ebb.sleep(i)
      end)
    end
    pass(2)
    tasks[1]:cancel()
    tasks[2]:cancel()
    local n_begun = books.opened
    for _, task in ipairs(tasks) do ended(task) end
    books.check()
    assert(whole >= n_begun // 2, "a shielded body was cut short")
    assert(books.opened == 2 * whole)
  end },

  { "tokens: a parent strikes its children's regions, not its siblings'", function()
    local root, books = ebb.token(), cleanups()
    local left, right = root:child(), root:child()
    local outcome = {}
    local tasks = {}
    for i, token in ipairs { left, right, root } do
      tasks[i] = ebb.spawn(function()
        local ok, why = token:run(function()
          local _ <close> = books.open(ebb.yield)
          ebb.sleep(5)
          return true
        end)
        outcome[i] = ok or why
      end)
    end
    ebb.go(function() left:cancel "left" end)
    pass(2)
    ebb.go(function() root:cancel "root" end)
    for _, task in ipairs(tasks) do task:await() end
    for i = 1, 3 do assert(outcome[i] == "cancelled", outcome[i]) end
    assert(left:is_cancelled() and right:is_cancelled())
    assert(ebb.now() < 5)
    books.check()
    left:close()
    right:close()
    root:close()
  end },

  { "cancel against the end: joiners see one outcome", function()
    local task = ebb.spawn(function()
      pass(2)
      return "result"
    end)
    local seen = {}
    local joiners = {}
    for i = 1, 3 do
      joiners[i] = ebb.spawn(function()
        local ok, v = task:join()
        seen[i] = ok and v or "cancelled"
      end)
    end
    ebb.yield()
    local was_alive = task:cancel()
    for _, joiner in ipairs(joiners) do joiner:await() end
    assert(seen[1] == seen[2] and seen[2] == seen[3])
    assert(seen[1] == "cancelled" or seen[1] == "result")
    assert(was_alive or seen[1] == "result")
  end },

  { "a callback against cancel and timeout", function()
    local cb, op = ebb.callback()
    local waiters = {}
    for i = 1, 3 do waiters[i] = ebb.spawn(ebb.timeout, 1, op) end
    ebb.go(function() cb "value" end)
    ebb.go(function() waiters[1]:cancel() end)
    for i = 2, 3 do assert(waiters[i]:await() == "value") end
    local ok, v = waiters[1]:join()
    assert(v == "value" or not ok)
  end },

  { "an interval: scheduled times grow, whatever resets or closes it", function()
    local iv, last, n = ebb.interval(1, { missed = "burst" }), 0, 0
    local ticker = ebb.spawn(function()
      for at in iv do
        assert(at > last)
        last = at
        n = n + 1
        if n == 2 then ebb.sleep(2.5) end
      end
    end)
    ebb.spawn(function()
      ebb.sleep(6.5)
      iv:close()
    end):await()
    ticker:await()
    assert(n == 6, n)
  end },

  { "a timer that is reset and closed under its waiters", function()
    local tm = ebb.timer(1)
    local fired, closed = 0, 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        local ok, why = tm:await()
        if why == "closed" then closed = closed + 1 else fired = fired + 1 end
        assert(ok or why == "closed")
      end)
    end
    local resets = ebb.spawn(function() ebb.sleep(1) tm:reset(1) end)
    local closes = ebb.spawn(function() ebb.sleep(2) tm:close() end)
    tasks[3]:cancel()
    resets:await()
    closes:await()
    for i = 1, 2 do tasks[i]:await() end
    ended(tasks[3])
    assert(fired + closed == 2)
    tm:close()
  end },

  { "a clock that is paused and scaled: nobody wakes early", function()
    local clk, n = ebb.clock(), 0
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        clk:sleep_until(i)
        assert(clk:now() >= i)
        n = n + 1
      end)
    end
    ebb.spawn(function()
      for k = 1, 4 do
        clk:scale(k)
        if k % 2 == 0 then clk:pause() else clk:resume() end
        ebb.sleep(0.25)
      end
      clk:resume()
    end):await()
    tasks[2]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    assert(n >= 2)
  end },

  { "retry within a timeout leaves nothing behind", function()
    local books, calls = cleanups(), 0
    local task = ebb.spawn(function()
      return ebb.timeout(2, function()
        return ebb.retry(function()
          local _ <close> = books.open(ebb.yield)
          calls = calls + 1
          ebb.sleep(0.3)
          if calls < 5 then error("failure", 0) end
          return "page"
        end, { attempts = 10, delay = 0.1, factor = 1 })
      end)
    end)
    ebb.go(function()
      ebb.sleep(1.6)
      if ebb.now() > 1.65 then task:cancel() end
    end)
    assert(task:await() == "page")
    books.check()
  end },

  { "memory of guards against cancel", function()
    local books = cleanups()
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        local g <close> = ebb.guard()
        local data = g:bytes(64)
        local list = g:vec "u8"
        local cleanup = books.open()
        g:defer(function() getmetatable(cleanup).__close() end)
        for k = 1, 4 do
          list:push(k)
          data[k] = i
          ebb.yield()
        end
        local other = g:guard()
        other:bytes(16)
        assert(data[1] == i and #list == 4)
        ebb.sleep(1)
      end)
    end
    pass(3)
    tasks[1]:cancel()
    ebb.sleep(0.5)
    tasks[2]:cancel()
    for _, task in ipairs(tasks) do ended(task) end
    books.check()
  end },
}
