-- ebb.thread.channel: one channel, tasks of several threads.
local ebb = require "ebb"
local helper = require "spec.helper"

local real = { clock = "system" }

-- A task that has begun to wait: the order in which tasks run may be shuffled by a seed.
local function parked(...)
  local task = ebb.spawn(...)
  while task:status() ~= "waiting" do ebb.yield() end
  return task
end

describe("a thread channel", function()
  helper.it("is a channel within one thread too", function()
    local ch = ebb.thread.channel(2)
    assert.equal(2, ch:capacity())
    assert.is_true(ch:send(1))
    assert.is_true(ch:try_send { 2 })
    assert.equal(2, #ch)
    assert.same({ nil, "full" }, { ch:try_send(3) })
    local task = parked(function() return ch:send(3) end)
    ebb.yield()
    assert.same({ 0, 1 }, { ch:waiters() })
    assert.equal(1, ch:recv())
    assert.is_true(task:await())
    assert.same({ 2 }, ch:recv())
    assert.equal(3, ch:recv())
    assert.same({ nil, "empty" }, { ch:try_recv() })
    assert.equal("ebb.thread.channel: 0/2, open", tostring(ch))
    assert.equal(math.huge, ebb.thread.channel(math.huge):capacity())
  end)

  helper.it("of capacity 0 hands over to one who waits", function()
    local ch = ebb.thread.channel()
    assert.same({ nil, "full" }, { ch:try_send(1) })
    local task = parked(function() return ch:recv() end)
    ebb.yield()
    assert.same({ 1, 0 }, { ch:waiters() })
    assert.is_true(ch:try_send "x")
    assert.same({ nil, "full" }, { ch:try_send "y" })
    assert.equal("x", task:await())
    local sender = parked(function() return ch:send "z" end)
    ebb.yield()
    assert.equal("waiting", sender:status())
    assert.equal("z", ch:recv())
    assert.is_true(sender:await())
  end)

  helper.it("closed: senders are told, receivers drain first", function()
    local ch = ebb.thread.channel(1)
    ch:send(1)
    local sender = parked(function() return ch:send(2) end)
    ebb.yield()
    ch:close()
    ch:close()
    assert.is_true(ch:is_closed())
    assert.same({ nil, "closed" }, { sender:await() })
    assert.same({ nil, "closed" }, { ch:send(3) })
    assert.same({ nil, "closed" }, { ch:try_send(3) })
    assert.equal(1, ch:recv())
    assert.same({ nil, "closed" }, { ch:recv() })
    assert.same({ nil, "closed" }, { ch:try_recv() })
    local empty = ebb.thread.channel()
    local receiver = parked(function() return empty:recv() end)
    ebb.yield()
    empty:close()
    assert.same({ nil, "closed" }, { receiver:await() })
  end)

  it("takes no nil, and says what is wrong", function()
    local ch = ebb.thread.channel(1)
    helper.throws("nil cannot be sent", ch.send, ch)
    helper.throws("nil cannot be sent", ch.try_send, ch, nil)
    helper.throws("nil cannot be sent", ch.send_op, ch)
    helper.throws("integer >= 0 expected, got -1", ebb.thread.channel, -1)
    helper.throws("bad argument #1", ebb.thread.channel, "x")
    helper.throws("recv_many", ch.recv_many, ch, 0)
    helper.throws("send_many", ch.send_many, ch, 7)
  end)

  helper.it("many at once", function()
    local ch = ebb.thread.channel(10)
    assert.equal(5, ch:send_many { 1, 2, 3, 4, 5 })
    assert.same({ 1, 2 }, ch:recv_many(2))
    assert.same({ 3, 4, 5 }, ch:recv_many(10))
    ch:close()
    assert.same({ 0, "closed" }, { ch:send_many { 1 } })
    assert.same({ nil, "closed" }, { ch:recv_many(3) })
  end)

  helper.it("in a select: one arm happens, the other value stays", function()
    local a, b = ebb.thread.channel(1), ebb.thread.channel(1)
    a:send "a"
    b:send "b"
    local i, v = ebb.select(a, b)
    assert.equal(({ "a", "b" })[i], v)
    assert.equal(1, #a + #b)
    assert.same({ 3 - i, ({ "b", "a" })[i] }, { ebb.select(a:recv_op(), b:recv_op()) })
    assert.is_nil(ebb.try_select(a, b))
    local full = ebb.thread.channel(1)
    full:send(1)
    assert.same({ 1, "late" }, { ebb.select(ebb.after(0.001):map(function() return "late" end), full:send_op(2)) })
    assert.equal(1, #full)
    assert.equal(1, full:recv())
    assert.same({ 2, true }, { ebb.select(ebb.never(), full:send_op(2)) })
    assert.equal(2, full:recv())
  end)

  helper.it("carries a timeout and a cancel without losing anything", function()
    local ch = ebb.thread.channel()
    assert.same({ nil, "timeout", 1 }, { ebb.timeout(1, ch) })
    assert.same({ nil, "timeout", 1 }, { ebb.timeout(1, ch.send, ch, "never") })
    local task = parked(function() return ch:recv() end)
    ebb.yield()
    task:cancel()
    ebb.yield()
    assert.same({ 0, 0 }, { ch:waiters() })
    local wide = ebb.thread.channel(1)
    local receiver = parked(function() return wide:recv() end)
    ebb.yield()
    wide:send "kept" -- the receiver is told, and cancelled before it looks
    receiver:cancel()
    ebb.yield()
    assert.equal("kept", wide:recv())
  end)

  helper.it("one who was told and left passes it on", function()
    local ch = ebb.thread.channel(4)
    local first = parked(function() return ch:recv() end)
    local second = parked(function() return ch:recv() end)
    ebb.yield()
    ch:send "for the second"
    first:cancel()
    assert.equal("for the second", second:await())
  end)

  helper.it("goes to another thread and back, in order", function()
    local there, back = ebb.thread.channel(4), ebb.thread.channel()
    local t = ebb.thread.spawn(function(input, output)
      for v in input do output:send(v * 2) end
      output:close()
      return "done"
    end, there, back)
    ebb.go(function()
      for i = 1, 500 do there:send(i) end
      there:close()
    end)
    local n = 0
    for v in back do
      n = n + 1
      assert.equal(2 * n, v)
    end
    assert.equal(500, n)
    assert.same({ true, "done" }, { t:join() })
  end, real)

  helper.it("sent through a channel, and through itself", function()
    local ch, reply = ebb.thread.channel(1), ebb.thread.channel(1)
    local t = ebb.thread.spawn(function(requests)
      for request in requests do request.reply:send(request.n + 1) end
    end, ch)
    for i = 1, 20 do
      ch:send { n = i, reply = reply }
      assert.equal(i + 1, reply:recv())
    end
    ch:close()
    assert.is_true(t:join())
  end, real)

  -- Two threads produce, two consume with selects and timeouts that strike all the time: each value
  -- arrives once.
  helper.it("loses nothing and doubles nothing between threads that select and time out", function()
    local ch, out = ebb.thread.channel(3), ebb.thread.channel(math.huge)
    local N = 300
    local threads = {}
    for p = 1, 2 do
      threads[#threads + 1] = ebb.thread.spawn(function(to, from, n)
        local ebb = require "ebb" -- luacheck: ignore
        for i = from, from + n - 1 do
          repeat
            local which = ebb.select(to:send_op(i), ebb.after(0.0001))
          until which == 1
        end
      end, ch, (p - 1) * N + 1, N)
    end
    local consumers = {}
    for _ = 1, 2 do
      consumers[#consumers + 1] = ebb.thread.spawn(function(from, to)
        local ebb = require "ebb" -- luacheck: ignore
        while true do
          local v, why = ebb.timeout(0.0001, from)
          if v then to:send(v) elseif why == "closed" then return end
        end
      end, ch, out)
    end
    for _, t in ipairs(threads) do assert.is_true(t:join()) end
    ch:close()
    for _, t in ipairs(consumers) do assert.is_true(t:join()) end
    local seen, n = {}, 0
    while #out > 0 do
      local v = out:recv()
      assert.is_nil(seen[v])
      seen[v] = true
      n = n + 1
    end
    assert.equal(2 * N, n)
  end, real)

  it("counts as something that may wake: waiting for it is no deadlock", function()
    local ch = ebb.thread.channel()
    ebb.thread.spawn(function(out)
      require("ebb").sleep(0.02)
      out:send "came"
    end, ch)
    assert.equal("came", ebb.run(function() return ch:recv() end))
  end)
end)
