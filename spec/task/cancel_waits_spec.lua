-- A cancel strikes every kind of await alike, and takes the waiter out of whatever it waited for.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- Each entry: a name, and a function that makes the waiting function (and, if something can be left
-- behind, a check that nothing was).
local waits = {
  { "sleep", function() return function() ebb.sleep(100) end end },
  { "sleep for ever", function() return function() ebb.sleep(math.huge) end end },
  { "sleep_until", function()
    local at = ebb.now() + 100
    return function() ebb.sleep_until(at) end
  end },
  { "a loop of yields", function() return function() while true do ebb.yield() end end end },
  { "a loop of sleep(0)", function() return function() while true do ebb.sleep(0) end end end },
  { "next_frame", function() return function() while true do ebb.next_frame() end end end },
  { "recv", function()
    local ch = ebb.channel()
    return function() ch:recv() end, function() assert.same({ 0, 0 }, { ch:waiters() }) end
  end },
  { "recv_many", function()
    local ch = ebb.channel(4)
    return function() ch:recv_many(3) end, function() assert.same({ 0, 0 }, { ch:waiters() }) end
  end },
  { "the iteration of a channel", function()
    local ch = ebb.channel(4)
    return function() for _ in ch do error("a value") end end,
      function() assert.same({ 0, 0 }, { ch:waiters() }) end
  end },
  { "send to a rendezvous", function()
    local ch = ebb.channel()
    return function() ch:send("lost") end, function()
      assert.same({ 0, 0 }, { ch:waiters() })
      assert.same({ n = 2, nil, "empty" }, table.pack(ch:try_recv()))
    end
  end },
  { "send to a full channel", function()
    local ch = ebb.channel(1)
    ch:send("kept")
    return function() ch:send("lost") end, function()
      assert.same({ 0, 0 }, { ch:waiters() })
      assert.equal("kept", ch:try_recv())
      assert.same({ n = 2, nil, "empty" }, table.pack(ch:try_recv()))
    end
  end },
  { "send_many", function()
    local ch = ebb.channel(2)
    return function() ch:send_many { 1, 2, 3, 4 } end, function()
      assert.same({ 0, 0 }, { ch:waiters() })
      assert.same({ 1, 2 }, ch:recv_many(10))
    end
  end },
  { "reserve", function()
    local ch = ebb.channel(1)
    ch:send("kept")
    return function() ch:reserve() end, function()
      assert.equal("kept", ch:try_recv())
      assert.is_true(ch:try_send("free again"))
    end
  end },
  { "await of a task", function()
    local target = ebb.spawn(ebb.sleep, 100)
    return function() target:await() end, function()
      assert.is_false(target:finished())
      target:cancel()
      target:join()
    end
  end },
  { "join of a task", function()
    local target = ebb.spawn(ebb.sleep, 100)
    return function() target:join() end, function()
      assert.is_false(target:finished())
      target:cancel()
      target:join()
    end
  end },
  { "select", function()
    local a, b = ebb.channel(), ebb.channel()
    return function() ebb.select(a, b:send_op("lost"), ebb.after(100)) end, function()
      assert.same({ 0, 0 }, { a:waiters() })
      assert.same({ 0, 0 }, { b:waiters() })
    end
  end },
  { "select over one op that never happens", function()
    return function() ebb.select { only = ebb.never() } end
  end },
  { "a token", function()
    local token = ebb.token()
    return function() token:cancelled() end, function() assert.is_false(token:is_cancelled()) end
  end },
  { "tok:run", function()
    local token = ebb.token()
    return function() token:run(ebb.sleep, 100) end,
      function() assert.is_false(token:is_cancelled()) end
  end },
  { "the body of a scope", function()
    return function() ebb.scope(function() ebb.sleep(100) end) end
  end },
  { "a scope's wait for its children", function()
    return function() ebb.scope(function(s) s:spawn(ebb.sleep, 100) end) end
  end },
  { "s:wait", function()
    return function()
      local s <close> = ebb.scope()
      s:spawn(ebb.sleep, 100)
      s:wait()
    end
  end },
  { "leaving the block of a scope object", function()
    return function()
      do
        local s <close> = ebb.scope()
        s:spawn(ebb.sleep, 100)
      end
      ebb.yield()
    end
  end },
  { "ebb.join", function() return function() ebb.join(function() ebb.sleep(100) end) end end },
  { "ebb.race", function() return function() ebb.race(function() ebb.sleep(100) end) end end },
  { "ebb.map", function() return function() ebb.map({ 100, 200 }, ebb.sleep, 1) end end },
  { "timeout", function() return function() ebb.timeout(50, ebb.sleep, 100) end end },
  { "timeout of an op", function()
    local ch = ebb.channel()
    return function() ebb.timeout(50, ch) end,
      function() assert.same({ 0, 0 }, { ch:waiters() }) end
  end },
  { "an interval's tick", function()
    local ticks = ebb.interval(50)
    return function() while true do ticks:tick() end end, function() ticks:close() end
  end },
  { "a timer", function()
    local timer = ebb.timer(100)
    return function() ebb.await(timer) end, function() timer:close() end
  end },
  { "a choice", function()
    local choice = ebb.choice(ebb.never(), ebb.after(100))
    return function() ebb.await(choice) end
  end },
}

describe("a cancel strikes", function()
  for _, case in ipairs(waits) do
    it_runs("TS10 TS24 " .. case[1], function()
      local wait, check = case[2]()
      local log = helper.log()
      local task = ebb.spawn(function()
        local _ <close> = support.closer(function(err)
          log("closed", ebb.is_cancelled(err), err.reason)
        end)
        wait()
        log("went on")
      end)
      support.settle()
      assert.is_false(task:finished())
      assert.equal("", log:text())
      assert.is_true(task:cancel("why"))
      support.near(0, support.elapsed(task.join, task))
      assert.equal("closed:true:why", log:text())
      assert.equal("cancelled", task:status())
      if check then check() end
    end)

    it_runs("TS10 and pcall around it gets the error each time: " .. case[1], function()
      local wait, check = case[2]()
      local struck = 0
      local task = ebb.spawn(function()
        for _ = 1, 3 do
          local ok, err = pcall(wait)
          if not ok and ebb.is_cancelled(err) and err.reason == "why" then struck = struck + 1 end
        end
        return struck
      end)
      support.settle()
      task:cancel("why")
      assert.equal(3, task:await())
      if check then check() end
    end)
  end
end)
