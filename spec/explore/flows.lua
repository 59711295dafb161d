-- Streams, generators, pipes and game time: left early, cancelled, collected.
local ebb = require "ebb"
local support = require "spec.explore.support"
local bounded, cleanups, ended, pass = support.bounded, support.cleanups, support.ended,
  support.pass
local stream = ebb.stream

local function slow(inside, books)
  return function(v)
    local _ <close> = books.open(ebb.yield)
    inside.enter()
    local _ <close> = support.closer(inside.leave)
    pass(v % 3)
    return v * 10
  end
end

return {
  { "buffered: in order, never more than n, and left early", function(rt)
    local inside, books = bounded(2), cleanups()
    local list = stream.range(1, 6):buffered(2, slow(inside, books)):collect()
    for i = 1, 6 do assert(list[i] == i * 10) end
    books.check()
    for v in stream.range(1, 6):buffered(2, slow(inside, books)):each() do
      if v == 20 then break end
    end
    books.check()
    assert(rt:metrics().alive == 1)
  end },

  { "buffer_unordered: each once, cancelled at any moment", function()
    local inside, books, seen = bounded(3), cleanups(), {}
    local task = ebb.spawn(function()
      for v in stream.range(1, 6):buffer_unordered(3, slow(inside, books)):each() do
        assert(not seen[v])
        seen[v] = true
        ebb.yield()
      end
      for i = 1, 6 do assert(seen[i * 10]) end
    end)
    ebb.go(function()
      pass(6)
      task:cancel()
    end)
    ended(task)
    books.check()
    assert(inside.inside == 0)
  end },

  { "merge and split: every item to everyone", function()
    local a, b = ebb.channel(1), ebb.channel()
    local function feed(ch, base)
      for i = 1, 3 do ch:send(base + i) end
      ch:close()
    end
    local feeders = { ebb.spawn(feed, a, 0), ebb.spawn(feed, b, 10) }
    local one, two = stream.merge { stream.from(a), stream.from(b) }:split(2, 1)
    local function sum(s)
      local total, last_a, last_b = 0, 0, 10
      for v in s:each() do
        if v < 10 then
          assert(v > last_a)
          last_a = v
        else
          assert(v > last_b)
          last_b = v
        end
        total = total + v
      end
      return total
    end
    local first, second = ebb.spawn(sum, one), ebb.spawn(sum, two)
    assert(first:await() == 42 and second:await() == 42)
    for _, task in ipairs(feeders) do task:await() end
  end },

  { "a generator that awaits, handed from task to task and closed", function()
    local co, books = ebb.coroutine, cleanups()
    local lock = ebb.mutex()
    local gen = co.create(function()
      local _ <close> = books.open(ebb.yield)
      for i = 1, 6 do
        ebb.sleep(i % 2)
        co.yield(i)
      end
    end)
    local last = 0
    local function take()
      for _ = 1, 2 do
        local _ <close> = lock:lock()
        local ok, v = co.resume(gen)
        assert(ok and v == last + 1, v)
        last = v
      end
    end
    ebb.join(take, take)
    assert(last == 4)
    co.close(gen)
    books.check()
  end },

  { "a task that waits in coroutines within coroutines, cancelled there", function()
    local wrap = ebb.coroutine.wrap
    local books, reached = cleanups(), 0
    local ch = ebb.channel()
    local function nested(depth)
      local _ <close> = books.open(ebb.yield)
      if depth > 0 then return wrap(nested)(depth - 1) end
      local v = ch:recv()
      reached = reached + 1
      return v
    end
    local one, two = ebb.spawn(nested, 3), ebb.spawn(nested, 2)
    local sender = ebb.spawn(function()
      ebb.timeout(1, ch:send_op "a")
      ebb.timeout(1, ch:send_op "b")
    end)
    pass(2)
    one:cancel()
    ended(one)
    ended(two)
    sender:await()
    ch:close()
    assert(reached >= 1)
    books.check()
  end },

  { "a module whose chunk awaits is loaded once, whoever is cancelled", function()
    local name, n = "spec.explore.module", 0
    package.loaded[name] = nil
    package.preload[name] = function()
      pass(2)
      n = n + 1
      return { n = n }
    end
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return ebb.require(name).n end) end
    pass(1)
    tasks[1]:cancel()
    for i, task in ipairs(tasks) do
      local ok, v = task:join()
      assert(ok and v == 1 or i == 1)
    end
    assert(n == 1)
    package.preload[name], package.loaded[name] = nil, nil
  end },

  { "a pipe: bytes are read once, whoever is cancelled", function()
    local left, right = ebb.net.duplex(4)
    local sent, got = {}, {}
    local writer = ebb.spawn(function()
      for i = 1, 4 do
        assert(left:write(("%d"):format(i):rep(3)))
        sent[#sent + 1] = ("%d"):format(i):rep(3)
      end
      left:close()
    end)
    local function read()
      while true do
        local data = right:read_some(2)
        if not data then return end
        got[#got + 1] = data
      end
    end
    local first = ebb.spawn(read)
    pass(2)
    first:cancel()
    ended(first)
    ebb.spawn(read):await()
    writer:await()
    assert(table.concat(got) == table.concat(sent), table.concat(got))
    right:close()
  end },

  { "a pipe: lines under timeouts are never torn", function()
    local left, right = ebb.net.duplex(3)
    local writer = ebb.spawn(function()
      for i = 1, 3 do
        left:write("line ", i, "\n")
        ebb.sleep(1)
      end
      left:close()
    end)
    local n = 0
    while true do
      local line, why = ebb.timeout(0.5, right:read_op "l")
      if line then
        n = n + 1
        assert(line == "line " .. n, line)
      elseif why ~= "timeout" then
        break
      end
    end
    assert(n == 3)
    writer:await()
    right:close()
  end },

  { "game time: parallel and race take the time they should", function()
    local clk = ebb.clock()
    local game, n = ebb.game.on(clk), 0
    local task = game.every(0.5, function()
      n = n + 1
      return n < 4
    end)
    game.parallel { 1, function() game.sequence { 0.5, 0.25 } end }
    assert(clk:now() == 1)
    assert(game.race { 2, 0.5 } == 2)
    assert(clk:now() == 1.5)
    task:await()
    assert(n == 4 and clk:now() == 2)
  end },

  { "handles that nobody keeps: their tasks run on", function()
    local n = 0
    ebb.spawn(function()
      for _ = 1, 3 do
        ebb.spawn(function()
          pass(3)
          n = n + 1
        end)
      end
      pass(1)
    end):await()
    collectgarbage()
    ebb.sleep(1)
    assert(n == 3)
  end },

  { "finalisers that cancel, close and spawn at any switch", function()
    local books, n = cleanups(), 0
    local victim = ebb.spawn(function()
      local _ <close> = books.open(ebb.yield)
      ebb.sleep(5)
    end)
    local tasks = {}
    for i = 1, 2 do
      tasks[i] = ebb.spawn(function()
        setmetatable({}, { __gc = function()
          n = n + 1
          victim:cancel()
          ebb.go(pass, 2)
        end })
        pass(4)
      end)
    end
    for _, task in ipairs(tasks) do task:await() end
    collectgarbage()
    collectgarbage()
    assert(not ended(victim))
    assert(n >= 1)
    books.check()
  end },
}
