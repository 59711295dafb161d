-- Structure: whatever fails, ends or is cancelled, the children have ended and their cleanups have run.
local ebb = require "ebb"
local support = require "spec.explore.support"
local bounded, cleanups, ended, pass = support.bounded, support.cleanups, support.ended,
  support.pass

return {
  { "scope: failure against completion", function()
    local books, finished = cleanups(), 0
    local ok, err = pcall(ebb.scope, function(s)
      for i = 1, 4 do
        s:spawn(function()
          local _ <close> = books.open(ebb.yield)
          pass(i % 3)
          if i == 3 then error("as meant", 0) end
          finished = finished + 1
        end)
      end
      pass(2)
      return "body"
    end)
    assert(not ok and err == "as meant")
    assert(finished <= 3)
    books.check()
  end },

  { "scope: cancelled while its close waits for cleanups", function()
    local books, order = cleanups(), {}
    local task = ebb.spawn(function()
      ebb.scope(function(s)
        s:defer(function() order[#order + 1] = "first" end)
        s:defer(function() ebb.yield() order[#order + 1] = "second" end)
        for i = 1, 3 do
          s:spawn(function()
            local _ <close> = books.open(function() ebb.sleep(0.5) end)
            ebb.sleep(i)
          end)
        end
      end)
    end)
    ebb.sleep(0.5)
    for _ = 1, 2 do
      ebb.go(function() task:cancel() end)
      ebb.sleep(0.25)
    end
    ended(task)
    books.check()
    assert(order[1] == "second" and order[2] == "first" and #order == 2)
  end },

  { "scope: cancelled by itself, as an object, and used again", function()
    local books = cleanups()
    local s <close> = ebb.scope()
    for round = 1, 2 do
      for _ = 1, 3 do
        s:spawn(function()
          local _ <close> = books.open(ebb.yield)
          ebb.sleep(round)
        end)
      end
      ebb.go(function() s:cancel "enough" end)
      local ok, why, reason = s:wait()
      assert(ok or why == "cancelled" and reason == "enough")
      if not ok then assert(s:wait()) end
    end
    books.check()
  end },

  { "scopes in scopes: the innermost first", function()
    local books, open = cleanups(), 0
    local function level(depth)
      if depth == 0 then
        ebb.sleep(1)
        return
      end
      local _ <close> = books.open()
      open = open + 1
      local _ <close> = support.closer(function() open = open - 1 end)
      ebb.scope(function(s)
        s:spawn(level, depth - 1)
        s:spawn(function()
          local _ <close> = books.open(ebb.yield)
          ebb.sleep(depth)
        end)
      end)
    end
    local task = ebb.spawn(level, 3)
    pass(4)
    task:cancel()
    assert(not ended(task))
    assert(open == 0)
    books.check()
  end },

  { "join: every function to its end, the first error thrown", function()
    local n = 0
    local ok, err = pcall(ebb.join, function()
      pass(2)
      n = n + 1
    end, function()
      ebb.yield()
      n = n + 1
      error("as meant", 0)
    end, function()
      ebb.sleep(1)
      n = n + 1
    end)
    assert(not ok and err == "as meant" and n == 3)
  end },

  { "try_join and race: the losers have ended before it returns", function()
    local books = cleanups()
    local function work(n, result)
      return function()
        local _ <close> = books.open(function() ebb.sleep(0.1) end)
        pass(n)
        return result
      end
    end
    local which, v = ebb.race(work(1, "a"), work(2, "b"), work(1, "c"))
    books.check()
    assert(v == ({ "a", "b", "c" })[which])
    local value, err = ebb.try_join(work(3, 1), function()
      local _ <close> = books.open(ebb.yield)
      ebb.yield()
      return nil, "refused"
    end, function()
      local _ <close> = books.open()
      ebb.never():await()
    end)
    assert(value == nil and err == "refused")
    books.check()
  end },

  { "map: in order, never more than the limit", function()
    local inside = bounded(2)
    local list = ebb.map({ 3, 1, 2, 0, 2 }, function(n, i)
      inside.enter()
      local _ <close> = support.closer(inside.leave)
      pass(n)
      return i * 10
    end, 2)
    for i = 1, 5 do assert(list[i] == i * 10) end
    assert(inside.inside == 0 and #list == 5)
    local ok, err = pcall(ebb.map, { 1, 2, 3, 4 }, function(n)
      inside.enter()
      local _ <close> = support.closer(inside.leave)
      ebb.yield()
      if n == 2 then error("as meant", 0) end
      ebb.sleep(1)
    end, 2)
    assert(not ok and err == "as meant" and inside.inside == 0)
  end },

  { "JS1 join_set: each task once, to whoever asks", function()
    local set, seen, n = ebb.join_set(), {}, 0
    for i = 1, 5 do
      set:spawn(function()
        pass(i % 3)
        if i == 4 then error("failure", 0) end
      end)
    end
    local function take()
      for task in set do
        assert(not seen[task])
        seen[task] = true
        n = n + 1
        ebb.shield(task.join, task) -- so that a failure is looked at
      end
    end
    local one, two, three = ebb.spawn(take), ebb.spawn(take), ebb.spawn(take)
    ebb.yield()
    two:cancel()
    one:await()
    ended(two)
    three:await()
    assert(#set == 0)
    assert(n >= 4) -- the one that was cancelled may have been about to look
    set:shutdown()
  end },

  { "JS4 JS6 join_set: closed at any moment", function(rt)
    local books = cleanups()
    do
      local set <close> = ebb.join_set()
      for i = 1, 4 do
        set:spawn(function()
          local _ <close> = books.open(function() ebb.sleep(0.1) end)
          ebb.sleep(i % 2)
          pass(i)
        end)
      end
      pass(2)
      ebb.timeout(0.5, set)
    end
    books.check()
    assert(rt:metrics().alive == 1)
  end },

  { "supervise: never two of one child, none left", function()
    local running, books = {}, cleanups()
    local function child(name, fails)
      local n = 0
      return { name = name, restart = "permanent", run = function()
        assert(not running[name], "two of " .. name)
        running[name] = true
        local _ <close> = books.open(function()
          ebb.yield()
          running[name] = nil
        end)
        n = n + 1
        ebb.sleep(n)
        if n > fails then ebb.never():await() end
      end }
    end
    local task = ebb.spawn(ebb.supervise, { child("a", 1), child("b", 2), child("c", 0),
      strategy = "one_for_all", max_restarts = 10, within = 1000, on = function() end })
    ebb.go(function()
      ebb.sleep(3)
      task:cancel()
    end)
    ended(task)
    assert(next(running) == nil)
    books.check()
  end },

  { "errors reach who waits, unchanged, once", function()
    local value = {}
    local task = ebb.spawn(function()
      pass(2)
      error(value)
    end)
    local n = 0
    local joiners = {}
    for i = 1, 3 do
      joiners[i] = ebb.spawn(function()
        local ok, err = pcall(task.await, task)
        if not ok and rawequal(err, value) then n = n + 1 end
      end)
    end
    ebb.yield()
    joiners[1]:cancel()
    for _, joiner in ipairs(joiners) do ended(joiner) end
    task:join()
    assert(n >= 2)
  end },

  { "TL2 task locals: children have what was there when they were spawned", function()
    local key = ebb.task_local(0)
    local function nested(depth)
      assert(key:get() == depth)
      ebb.yield()
      if depth == 2 then return end
      ebb.join(function() key:with(depth + 1, nested, depth + 1) end, function()
        ebb.yield()
        key:set(depth + 1)
        nested(depth + 1)
      end)
      assert(key:get() == depth)
    end
    nested(0)
  end },
}
