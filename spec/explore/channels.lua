-- Channels: nothing lost, nothing twice, whatever closes, is cancelled or times out meanwhile.
local ebb = require "ebb"
local support = require "spec.explore.support"
local ended, ledger, pass = support.ended, support.ledger, support.pass

local function drain(ch, book)
  for v in ch do book.got(v) end
end

local function send_all(ch, book, from, to)
  for v = from, to do
    local ok, why = ch:send(v)
    if not ok then
      assert(why == "closed")
      return
    end
    book.sent(v)
  end
end

local function cancel_against_delivery(capacity)
  return function()
    local ch, book = ebb.channel(capacity), ledger()
    local takers = {}
    for i = 1, 2 do
      takers[i] = ebb.spawn(function()
        while true do
          local v = ch:recv()
          if not v then return end
          book.got(v)
        end
      end)
    end
    local sender = ebb.spawn(send_all, ch, book, 1, 6)
    pass(2)
    takers[1]:cancel()
    ended(takers[1])
    sender:await()
    ch:close()
    takers[2]:await()
    drain(ch, book)
    book.check()
  end
end

local function timeout_against_delivery(capacity)
  return function()
    local ch, book = ebb.channel(capacity), ledger()
    local taker = ebb.spawn(function()
      local missed = 0
      while missed < 3 do
        local v, why = ebb.timeout(1, ch)
        if v then
          book.got(v)
        elseif why == "timeout" then
          missed = missed + 1
        else
          return
        end
      end
    end)
    local sender = ebb.spawn(function()
      for v = 1, 4 do
        ebb.sleep(1)
        local ok, why = ebb.timeout(1, ch:send_op(v))
        if ok then book.sent(v) else assert(why == "timeout") end
      end
      ch:close()
    end)
    sender:await()
    taker:await()
    drain(ch, book)
    book.check()
  end
end

return {
  { "select against close", function()
    local a, b, book = ebb.channel(), ebb.channel(1), ledger()
    local takers = {}
    for i = 1, 2 do
      takers[i] = ebb.spawn(function()
        local open = { a = a, b = b }
        while next(open) do
          local which, v, why = ebb.select(open)
          if v then
            book.got(v)
          else
            assert(why == "closed")
            open[which] = nil
          end
        end
      end)
    end
    local one = ebb.spawn(send_all, a, book, 1, 4)
    local two = ebb.spawn(send_all, b, book, 11, 14)
    pass(3)
    a:close()
    one:await()
    two:await()
    b:close()
    takers[1]:await()
    takers[2]:await()
    book.check()
  end },

  { "cancel against delivery, rendezvous", cancel_against_delivery(0) },
  { "cancel against delivery, bounded", cancel_against_delivery(1) },
  { "cancel against delivery, unbounded", cancel_against_delivery(math.huge) },
  { "timeout against delivery, rendezvous", timeout_against_delivery(0) },
  { "timeout against delivery, bounded", timeout_against_delivery(2) },

  { "a sender that is cancelled has sent or has not", function()
    local ch, book = ebb.channel(1), ledger()
    local senders = {}
    for i = 1, 3 do
      senders[i] = ebb.spawn(function()
        for k = 1, 2 do
          assert(ch:send(i * 10 + k))
          book.sent(i * 10 + k)
        end
      end)
    end
    local taker = ebb.spawn(drain, ch, book)
    pass(2)
    senders[2]:cancel()
    for _, task in ipairs(senders) do ended(task) end
    ch:close()
    taker:await()
    book.check()
  end },

  { "selects that send meet selects that receive", function()
    local a, b, book = ebb.channel(), ebb.channel(), ledger()
    local function both(base)
      for k = 1, 3 do
        local v = base + k
        local which, got = ebb.select(a:send_op(v), b:send_op(v), a, b)
        if which <= 2 then book.sent(v) else book.got(got) end
      end
    end
    local tasks = { ebb.spawn(both, 10), ebb.spawn(both, 20), ebb.spawn(both, 30) }
    -- an odd number of exchanges may leave one alone
    local rest = ebb.spawn(function()
      while true do
        local _, v = ebb.select(a, b)
        book.got(v)
      end
    end)
    local n_alone = 0
    for _, task in ipairs(tasks) do
      while not task:finished() do
        local _, late = ebb.timeout(5, task:join_op())
        if late == "timeout" then
          n_alone = n_alone + 1
          assert(n_alone < 10)
          ebb.select(a:send_op(100 + n_alone), task:join_op())
        end
      end
      task:await()
    end
    rest:cancel()
    ended(rest)
    book.check()
  end },

  { "permits against close and cancel", function()
    local ch, book = ebb.channel(2), ledger()
    local makers = {}
    for i = 1, 3 do
      makers[i] = ebb.spawn(function()
        local permit <close> = ch:reserve()
        if not permit then return end
        ebb.yield()
        if i == 2 then return end -- the slot goes back
        permit:send(i)
        book.sent(i)
      end)
    end
    local taker = ebb.spawn(drain, ch, book)
    pass(1)
    makers[3]:cancel()
    pass(1)
    ch:close()
    for _, task in ipairs(makers) do ended(task) end
    taker:await()
    book.check()
    assert(#ch == 0)
  end },

  { "many at a time against cancel", function()
    local ch, book = ebb.channel(2), ledger()
    local sent
    local sender = ebb.spawn(function()
      sent = ch:send_many { 1, 2, 3, 4, 5, 6, 7 }
    end)
    local first = ebb.spawn(function()
      while true do
        local list = ch:recv_many(3)
        if not list then return end
        for _, v in ipairs(list) do book.got(v) end
      end
    end)
    pass(2)
    first:cancel()
    ended(first)
    local second = ebb.spawn(function()
      local last = 0
      while true do
        local list = ch:recv_many(2)
        if not list then return end
        for _, v in ipairs(list) do
          assert(v > last, "out of order")
          last = v
          book.got(v)
        end
      end
    end)
    sender:await()
    assert(sent == 7)
    for v = 1, 7 do book.sent(v) end
    ch:close()
    second:await()
    book.check()
  end },

  { "counted senders: the last one closed or collected closes the channel", function()
    local ch, book = ebb.channel(1), ledger()
    local taker = ebb.spawn(drain, ch, book)
    local function sender(i, closes)
      local tx = ch:sender()
      return ebb.spawn(function()
        assert(tx:send(i))
        book.sent(i)
        if closes then tx:close() end
        tx = nil -- luacheck: ignore
      end)
    end
    local tasks = { sender(1, true), sender(2, false), sender(3, false) }
    for i, task in ipairs(tasks) do
      ended(task)
      tasks[i] = nil
    end
    for _ = 1, 50 do
      if taker:finished() then break end
      collectgarbage()
      ebb.yield()
    end
    assert(taker:finished(), "the channel was not closed")
    taker:await()
    book.check()
  end },

  { "oneshot: sent against closed and cancelled", function()
    local o = ebb.oneshot()
    local n_got, sent = 0, false
    local function take()
      local v = o:recv()
      if v then n_got = n_got + 1 end
    end
    local first, second = ebb.spawn(take), ebb.spawn(take)
    local sender = ebb.spawn(function() sent = o:send "value" == true end)
    ebb.go(function() first:cancel() end)
    sender:await()
    ended(first)
    o:close()
    second:await()
    if o:try_recv() then n_got = n_got + 1 end
    assert(n_got == (sent and 1 or 0), n_got)
  end },

  { "broadcast: each subscriber has every message or its number", function()
    local b = ebb.broadcast(2)
    local function listen(sub, late)
      local last, n = 0, 0
      while true do
        local v, why, missed = sub:recv()
        if v then
          assert(v > last, "out of order")
          last = v
          n = n + 1
        elseif why == "lagged" then
          n = n + missed
        else
          assert(why == "closed")
          return n
        end
        if late then pass(3) end
      end
    end
    local subs = {}
    for i = 1, 3 do subs[i] = ebb.spawn(listen, b:subscribe(), i == 2) end
    pass(1)
    subs[3]:cancel()
    for v = 1, 7 do
      b:send(v)
      ebb.yield()
    end
    b:close()
    assert(subs[1]:await() == 7)
    assert(subs[2]:await() == 7)
    ended(subs[3])
  end },

  { "watch: the last value is seen, even when it is closed then", function()
    local w = ebb.watch(0)
    local function follow(sub)
      local last = 0
      while true do
        local ok = sub:changed()
        if not ok then break end
        local v = sub:get()
        assert(v > last)
        last = v
      end
      return math.max(last, sub:get())
    end
    local one, two = ebb.spawn(follow, w:subscribe()), ebb.spawn(follow, w:subscribe())
    local three = w:subscribe()
    local waits = ebb.spawn(function() return (three:wait_for(function(v) return v >= 5 end)) end)
    ebb.spawn(function()
      for v = 1, 5 do
        w:set(v)
        if v % 2 == 0 then ebb.yield() end
      end
      w:close()
    end):await()
    assert(one:await() == 5 and two:await() == 5)
    assert(waits:await() == 5)
  end },

  { "a choice with functions that is lost has not happened", function()
    local ch, book = ebb.channel(1), ledger()
    local mapped = 0
    local op = ebb.choice(ch:map(function(v)
      if not v then return end
      mapped = mapped + 1
      ebb.yield()
      return v
    end), ebb.after(1))
    local function take()
      for _ = 1, 3 do
        local which, v = ebb.await(op)
        if which == 1 and v then book.got(v) end
      end
    end
    local a, b = ebb.spawn(take), ebb.spawn(take)
    local sender = ebb.spawn(function()
      for v = 1, 4 do
        ebb.sleep(v % 2)
        assert(ch:send(v))
        book.sent(v)
      end
      ch:close()
    end)
    a:await()
    b:await()
    assert(mapped == book.n_got())
    drain(ch, book)
    sender:await()
    book.check()
  end },

  { "a finaliser closes what a task waits for", function()
    local ch, other = ebb.channel(), ebb.channel()
    local closed_by
    local taker = ebb.spawn(function()
      local which = ebb.select(ch, other)
      closed_by = which
    end)
    ebb.spawn(function()
      setmetatable({}, { __gc = function() ch:close() end })
      pass(3)
    end):await()
    collectgarbage()
    collectgarbage()
    taker:await()
    assert(closed_by == 1)
    other:close()
  end },
}
