-- Very many timers at once: order, cancelling, memory.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local near = support.near

local n_timers = 100000

--- Pseudo-random whole numbers from 1 to n, always the same.
local function generator()
  local state = 12345
  return function(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % n + 1
  end
end

describe("10^5 timers", function()
  it_runs("TM3 end in the order of deadlines, equal ones in that of arming #fifo", function(_, rt)
    local random = generator()
    local start, seconds, order = ebb.now(), {}, {}
    for i = 1, n_timers do
      seconds[i] = random(5000) / 8
      ebb.go(function()
        ebb.sleep(seconds[i])
        order[#order + 1] = i
        if ebb.now() - start < seconds[i] - 1e-6 then error("early: " .. i) end
      end)
    end
    ebb.yield()
    assert.equal(n_timers, rt:metrics().timers)
    ebb.sleep(5000 / 8 + 1)
    assert.equal(n_timers, #order)
    for k = 2, n_timers do
      local i, j = order[k - 1], order[k]
      if not (seconds[i] < seconds[j] or seconds[i] == seconds[j] and i < j) then
        error(("%d before %d"):format(i, j))
      end
    end
    assert.equal(0, rt:metrics().timers)
  end)

  it_runs("R82 with one deadline end in the order of arming, at one time #fifo", function()
    local start, n = ebb.now(), 0
    for i = 1, n_timers do
      ebb.go(function()
        ebb.sleep(10)
        n = n + 1
        if n ~= i then error("out of order: " .. i) end
        near(10, ebb.now() - start)
      end)
    end
    ebb.sleep(11)
    assert.equal(n_timers, n)
  end)

  it_runs("TM6 made and cancelled leave none", function(_, rt)
    local before = rt:metrics().timers
    local random = generator()
    for i = 1, n_timers do
      assert(ebb.timeout(random(1000), ebb.ready(i)) == i)
    end
    assert.equal(before, rt:metrics().timers)
    local ch = ebb.channel(1)
    for i = 1, n_timers do
      ch:try_send(i)
      ebb.select_first(ebb.after(random(1000)), ch)
    end
    assert.equal(before, rt:metrics().timers)
  end)

  it_runs("TM6 armed and cancelled in random order leave none, the others fire", function(_, rt)
    local random = generator()
    local tasks, fired, expected = {}, 0, 0
    local n = n_timers // 5
    for i = 1, n do
      local s = random(100000) / 16
      tasks[i] = ebb.spawn(function()
        ebb.sleep(s)
        fired = fired + 1
      end)
    end
    helper.settle()
    assert.equal(n, rt:metrics().timers)
    for i = 1, n do
      if random(2) == 1 then tasks[i]:cancel() else expected = expected + 1 end
    end
    assert.equal(expected, rt:metrics().timers)
    ebb.sleep(100000 / 16 + 1)
    assert.equal(expected, fired)
    assert.equal(0, rt:metrics().timers)
  end)

  it_runs("over times from microseconds to years", function()
    local start, last, n = ebb.now(), 0, 0
    for e = 0, 46 do
      for m = 0, 9 do
        local s = 2 ^ e * 1e-6 * (1 + m / 10)
        ebb.go(function()
          ebb.sleep(s)
          local took = ebb.now() - start
          if took < s * (1 - 1e-9) - 1e-7 then error(("sleep(%g) took %g"):format(s, took)) end
          if took > s * (1 + 1e-9) + 1e-6 then error(("sleep(%g) took %g"):format(s, took)) end
          if took < last then error("out of order") end
          last, n = took, n + 1
        end)
      end
    end
    ebb.sleep(2 ^ 47 * 1e-6)
    assert.equal(470, n)
  end)

  it_runs("as intervals of different periods: every tick of each comes", function()
    local start, counts = ebb.now(), {}
    local tasks = {}
    for i = 1, 500 do
      counts[i] = 0
      tasks[i] = ebb.spawn(function()
        local iv <close> = ebb.interval(i)
        for _ in iv do counts[i] = counts[i] + 1 end
      end)
    end
    ebb.sleep_until(start + 1000.5)
    for i = 1, 500 do
      tasks[i]:cancel()
      assert.equal(1000 // i, counts[i])
    end
    for i = 1, 500 do tasks[i]:join() end
  end)
end)
