-- Join sets, callbacks, supervisors, clocks and game time.
local ebb = require "ebb"
local support = require "spec.explore.support"

return {
  { "JS3 JS5 join_set: takers that are cancelled, time out or lose take nothing", function()
    local set = ebb.join_set()
    local taken = 0
    for i = 1, 8 do set:spawn(ebb.sleep, i % 3) end
    local takers = {}
    for i = 1, 4 do
      takers[i] = ebb.spawn(function()
        while true do
          local which, task = ebb.select(set, ebb.after(0.5))
          if which == 1 then
            if not task then return end
            taken = taken + 1
          end
        end
      end)
    end
    ebb.sleep(1)
    local ended_well = takers[1]:cancel()
    takers[1]:join()
    assert(ended_well)
    set:cancel_all()
    for i = 2, 4 do takers[i]:await() end
    assert(taken == 8, taken)
  end },

  { "a callback against a cancel and a timeout", function()
    local cb, op = ebb.callback()
    local waiters = {}
    for i = 1, 4 do waiters[i] = ebb.spawn(ebb.timeout, 1, op) end
    ebb.go(function() cb "value" end)
    ebb.go(function() waiters[1]:cancel() end)
    for i = 2, 4 do assert(waiters[i]:await() == "value") end
    local ok, value = waiters[1]:join()
    assert(value == "value" or not ok)
  end },

  { "supervise: every strategy runs to its end", function()
    local running, runs = {}, 0
    local function child(name, fails)
      local n = 0
      return { name = name, restart = "transient", run = function()
        assert(not running[name])
        running[name] = true
        runs = runs + 1
        local _ <close> = support.closer(function()
          ebb.yield()
          running[name] = nil
        end)
        n = n + 1
        ebb.sleep(n)
        if n <= fails then error("failure", 0) end
      end }
    end
    for _, strategy in ipairs { "one_for_one", "one_for_all", "rest_for_one" } do
      ebb.supervise {
        child("a", 2), child("b", 1), child("c", 2),
        strategy = strategy, max_restarts = 10, within = 1000, on = function() end,
      }
      assert(next(running) == nil)
    end
    assert(runs >= 3 * 8)
  end },

  { "supervise: cancelled at any moment it leaves nothing running", function(rt)
    local task = ebb.spawn(ebb.supervise, {
      { run = function() ebb.sleep(0.3) error "x" end },
      { run = function() ebb.sleep(100) end },
      strategy = "one_for_all", max_restarts = math.huge, on = function() end,
    })
    ebb.sleep(0.8)
    task:cancel()
    task:join()
    assert(rt:metrics().alive == 1)
  end },

  { "PT7 clock: deadlines come in order and never early", function()
    local clk = ebb.clock()
    local last, n = 0, 0
    ebb.scope(function(s)
      for i = 1, 20 do
        local due = (i * 7 % 20) / 4
        s:spawn(function()
          clk:sleep_until(due)
          assert(clk:now() >= due)
          n = n + 1
          last = math.max(last, due)
        end)
      end
      s:spawn(function()
        for i = 1, 10 do
          clk:scale(i % 3 + 0.5)
          if i % 4 == 0 then clk:pause() else clk:resume() end
          ebb.sleep(0.2)
        end
        clk:resume()
      end)
    end)
    assert(n == 20 and last == 4.75)
  end },

  { "game: parallel, race and every take the time they should", function()
    local clk = ebb.clock()
    local game = ebb.game.on(clk)
    local n = 0
    local task = game.every(0.5, function()
      n = n + 1
      return n < 8
    end)
    game.parallel { 1, function() game.sequence { 0.5, 1 } end, 0.25 }
    assert(clk:now() == 1.5)
    assert(game.race { 2, 0.5, function() game.wait(1) end } == 2)
    assert(clk:now() == 2)
    task:await()
    assert(clk:now() == 4)
  end },
}
