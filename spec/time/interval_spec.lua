-- ebb.interval: ticks that do not drift, and what happens to ticks that were missed.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack
local near = support.near

--- Ticks n times: gives the scheduled and the real times, in seconds since `start`.
local function ticks(iv, start, n)
  local scheduled, real = {}, {}
  for i = 1, n do
    scheduled[i] = iv:tick() - start
    real[i] = ebb.now() - start
  end
  return scheduled, real
end

local function near_all(expected, actual)
  assert.equal(#expected, #actual)
  for i = 1, #expected do near(expected[i], actual[i]) end
end

--- First tick at 300, then a stall of 650 (now it is 950), then n further ticks.
local function after_stall(missed, n)
  local start = ebb.now()
  local iv <close> = ebb.interval(300, { missed = missed })
  near(start + 300, iv:tick())
  ebb.sleep(650)
  return ticks(iv, start, n)
end

describe("interval", function()
  it_runs("IV1 IV2 ticks every period, the first a period from now", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(0.5)
    local scheduled, real = ticks(iv, start, 4)
    near_all({ 0.5, 1, 1.5, 2 }, scheduled)
    near_all({ 0.5, 1, 1.5, 2 }, real)
  end)

  it_runs("IV1 immediate: the first tick comes at once", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(2, { immediate = true })
    local scheduled, real = ticks(iv, start, 3)
    near_all({ 0, 2, 4 }, scheduled)
    near_all({ 0, 2, 4 }, real)
  end)

  it_runs("never drifts: n ticks end n periods after the start, busy or not", function()
    for _, missed in ipairs { "skip", "burst" } do
      local start = ebb.now()
      local iv <close> = ebb.interval(0.1, { missed = missed })
      for i = 1, 1000 do
        iv:tick()
        ebb.sleep((i * 7 % 10) / 101)
      end
      near(start + 100.1, iv:tick())
      near(start + 100.1, ebb.now())
    end
  end)

  it_runs("never drifts: one period less with immediate", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(1 / 3, { immediate = true })
    for _ = 1, 3001 do iv:tick() end
    near(start + 1000, ebb.now())
  end)

  it_runs("IV3 burst: missed ticks come back to back until it has caught up", function()
    local scheduled, real = after_stall("burst", 4)
    near_all({ 600, 900, 1200, 1500 }, scheduled)
    near_all({ 950, 950, 1200, 1500 }, real)
  end)

  it_runs("IV4 delay: the late tick at once, the next a period after it", function()
    local _, real = after_stall("delay", 4)
    near_all({ 950, 1250, 1550, 1850 }, real)
  end)

  it_runs("IV5 skip: the late tick at once, then the next multiple", function()
    local scheduled, real = after_stall("skip", 3)
    near_all({ 600, 1200, 1500 }, scheduled)
    near_all({ 950, 1200, 1500 }, real)
  end)

  it_runs("IV9 skip is what it does when nothing is said", function()
    local _, real = after_stall(nil, 3)
    near_all({ 950, 1200, 1500 }, real)
    local start = ebb.now()
    local iv <close> = ebb.interval(300)
    ebb.sleep(650)
    _, real = ticks(iv, start, 3)
    near_all({ 650, 900, 1200 }, real)
  end)

  it_runs("IV3 to IV5 after a stall of many periods", function()
    local expected = { skip = { 95, 100, 110 }, delay = { 95, 105, 115 }, burst = { 95, 95, 95 } }
    for missed, times in pairs(expected) do
      local start = ebb.now()
      local iv <close> = ebb.interval(10, { missed = missed })
      ebb.sleep(95)
      local _, real = ticks(iv, start, 3)
      near_all(times, real)
    end
  end)

  it_runs("IV8 a tick that nobody took is not lost", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(10)
    assert.equal(2, (ebb.select(iv, ebb.after(4))))
    assert.same({ n = 3, nil, "timeout", 4 }, pack(ebb.timeout(4, iv)))
    near(start + 10, iv:tick())
    near(start + 10, ebb.now())
  end)

  it_runs("is an op: await and select tick", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(1)
    near(start + 1, (ebb.await(iv)))
    local index, at = ebb.select(ebb.never(), iv)
    assert.equal(2, index)
    near(start + 2, at)
    local which
    which, at = ebb.select { tick = iv, late = ebb.after(5) }
    assert.equal("tick", which)
    near(start + 3, at)
  end)

  it_runs("IV7 reset: the next tick is a period from now, missed ones are discarded", function()
    for _, missed in ipairs { "skip", "delay", "burst" } do
      local start = ebb.now()
      local iv <close> = ebb.interval(10, { missed = missed })
      ebb.sleep(3)
      iv:reset()
      near(start + 13, iv:tick())
      near(start + 13, ebb.now())
      ebb.sleep(34)
      iv:reset()
      local _, real = ticks(iv, start, 2)
      near_all({ 57, 67 }, real)
    end
  end)

  it_runs("IV7 reset while a task waits for the tick moves it", function()
    local start = ebb.now()
    local iv <close> = ebb.interval(10)
    local task = ebb.spawn(function()
      iv:tick()
      return ebb.now() - start
    end)
    ebb.sleep(6)
    iv:reset()
    near(16, task:await())
  end)

  it_runs("for t in iv gives the scheduled times", function()
    local start, seen = ebb.now(), {}
    local iv <close> = ebb.interval(2)
    for t in iv do
      seen[#seen + 1] = t - start
      if #seen == 3 then break end
    end
    near_all({ 2, 4, 6 }, seen)
    near(start + 8, iv:tick())
  end)

  it_runs("close ends the loop and the waiting tick", function()
    local iv = ebb.interval(10)
    local rounds = 0
    local task = ebb.spawn(function()
      for _ in iv do rounds = rounds + 1 end
      return "ended"
    end)
    ebb.sleep(25)
    local start = ebb.now()
    iv:close()
    iv:close()
    assert.equal("ended", task:await())
    assert.equal(start, ebb.now())
    assert.equal(2, rounds)
    assert.same({ n = 2, nil, "closed" }, pack(iv:tick()))
  end)

  it_runs("TM6 close and collection leave no timer behind", function(_, rt)
    local before = rt:metrics().timers
    for _ = 1, 100 do
      local iv <close> = ebb.interval(100)
      ebb.timeout(0.1, iv)
    end
    assert.equal(before, rt:metrics().timers)
    for _ = 1, 100 do ebb.timeout(0.1, ebb.interval(100)) end
    collectgarbage()
    collectgarbage()
    assert.equal(before, rt:metrics().timers)
  end)

  it_runs("a body slower than the period: skip keeps to the grid", function()
    local start, seen = ebb.now(), {}
    local iv <close> = ebb.interval(10)
    for i = 1, 5 do
      iv:tick()
      seen[i] = ebb.now() - start
      ebb.sleep(13)
    end
    -- each tick is late by what its body took too long, and the next is a multiple again
    for i = 2, 5 do assert.is_true(seen[i] - seen[i - 1] >= 13 - 1e-6) end
    near(10, seen[1])
    near(23, seen[2])
  end)

  it_runs("IV1 refuses a wrong period and wrong options", function()
    for _, bad in ipairs { 0, -1, 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1", ebb.interval, bad)
    end
    helper.throws("bad argument #1", ebb.interval)
    helper.throws(nil, ebb.interval, 1, { missed = "sometimes" })
    helper.throws(nil, ebb.interval, 1, { missed = 42 })
    helper.throws("bad argument #2", ebb.interval, 1, "skip")
    helper.throws("unknown option 'imediate'", ebb.interval, 1, { imediate = true })
  end)

  it_runs("says what it is", function()
    local iv <close> = ebb.interval(1)
    assert.truthy(tostring(iv):find("ebb.interval", 1, true))
    assert.is_true(type(getmetatable(iv)) ~= "table")
  end)
end)

describe("a tick that is a little late", function()
  helper.it("IV6 does not count as missed: delay goes on from where it should have come", function()
    local rt = ebb.current_runtime()
    local iv = ebb.interval(1, { missed = "delay" })
    local start = ebb.now()
    iv:tick()
    rt:advance(1.003) -- 3 ms late
    iv:tick()
    iv:tick()
    assert.is_true(math.abs(ebb.now() - start - 3) < 1e-9, ebb.now() - start)
  end)
end)

describe("a reset", function()
  helper.it("between a tick and its waiter leaves the waiter its tick", function()
    local iv = ebb.interval(1)
    ebb.go(function()
      ebb.sleep(1)
      iv:reset()
    end)
    helper.settle()
    local task = ebb.spawn(iv.tick, iv)
    assert.equal(1, task:await())
  end)
end)

describe("a tick whose waiter runs late", function()
  --- The ticks of an interval of 1 second, and when they were had, where time goes on between the first one and its
  -- waiter's turn.
  local function late(missed)
    local rt = helper.runtime()
    local had, hand = {}, nil
    rt:spawn(function()
      hand = ebb.clock { manual = true }
      local clk = hand:child()
      local iv = clk:interval(1, { missed = missed })
      for i = 1, 3 do had[i] = { iv:tick(), clk:now() } end
    end)
    rt:step()
    hand:advance(1)
    hand:advance(4.5)
    for _ = 1, 3 do
      rt:step()
      hand:advance(0.5)
    end
    rt:close()
    return had
  end

  it("is had at once; then skip goes on at the next multiple, delay a period later, burst catches up", function()
    assert.same({ { 1, 5.5 }, { 6, 6 } }, late "skip")
    assert.same({ { 1, 5.5 }, { 6.5, 6.5 } }, late "delay")
    assert.same({ { 1, 5.5 }, { 2, 5.5 }, { 3, 5.5 } }, late "burst")
  end)
end)
