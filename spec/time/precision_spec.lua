-- Timers on the real clock. Nothing here depends on how fast the machine is: only "never early".
local ebb = require "ebb"
local helper = require "spec.helper"
local system = { clock = "system" }

local function it_runs(name, fn) helper.it(name, fn, system) end

--- Runs Lua code for `seconds` of processor time.
local function busy(seconds)
  local stop, x = os.clock() + seconds, 0
  while os.clock() < stop do
    for i = 1, 1000 do x = x + i end
  end
  return x
end

describe("on the system clock", function()
  it_runs("R78 a sleep is never early", function()
    for _, s in ipairs { 1e-6, 1e-5, 1e-4, 2e-4, 5e-4, 9e-4, 1e-3, 1.1e-3, 2.5e-3, 0.01 } do
      for _ = 1, 10 do
        local start = ebb.now()
        ebb.sleep(s)
        local took = ebb.now() - start
        if took < s then error(("sleep(%g) took %.9f"):format(s, took)) end
      end
    end
  end)

  it_runs("R78 many sleeps at the same time are never early", function()
    local early, tasks = 0, {}
    for i = 1, 1000 do
      tasks[i] = ebb.spawn(function()
        local s = (i * 37 % 500) / 10000
        local start = ebb.now()
        ebb.sleep(s)
        if ebb.now() - start < s then early = early + 1 end
      end)
    end
    ebb.join_all(tasks)
    assert.equal(0, early)
  end)

  it_runs("R79 a timer armed after 50 ms of Lua work counts from now", function()
    for _, await in ipairs {
      function(s) ebb.sleep(s) end,
      function(s) ebb.await(ebb.after(s)) end,
      function(s) ebb.await(ebb.timer(s)) end,
      function(s) ebb.timeout(s, ebb.never()) end,
      function(s) ebb.timeout(s, ebb.sleep, 10) end,
      function(s) ebb.interval(s):tick() end,
      function(s) ebb.select(ebb.never(), ebb.after(s)) end,
    } do
      ebb.yield()
      busy(0.05)
      local start = ebb.now()
      await(0.01)
      local took = ebb.now() - start
      if took < 0.01 then error(("took %.9f"):format(took)) end
    end
  end)

  it_runs("ebb.now goes on during Lua work", function()
    local start = ebb.now()
    busy(0.02)
    assert.is_true(ebb.now() - start >= 0.015)
  end)

  --- Spawns sleeper(due) for each of the list and waits for them all, so that every one had its timer before the first
  -- was due: on a machine that had something else to do meanwhile it is tried again, with more time.
  local function in_time(list, sleeper)
    for _, lead in ipairs { 0.02, 0.2, 2, 20 } do
      local due, tasks = ebb.now() + lead, {}
      for i, item in ipairs(list) do tasks[i] = ebb.spawn(sleeper, due, item) end
      helper.settle()
      local is_early = ebb.now() < due
      ebb.join_all(tasks)
      if is_early then return end
    end
    error "too slow a machine"
  end

  it_runs("TM3 ends sleeps in the order of their deadlines #fifo", function()
    local log
    in_time({ 0.05, 0.01, 0.04, 0.02, 0.03 }, function(due, s)
      if s == 0.05 then log = helper.log() end -- the first
      ebb.sleep_until(due + s)
      log(s)
    end)
    assert.equal("0.01 0.02 0.03 0.04 0.05", log:text())
  end)

  it_runs("TM3 R82 equal deadlines end in the order they were armed #fifo", function()
    local list, log = {}, nil
    for i = 1, 100 do list[i] = i end
    in_time(list, function(due, i)
      if i == 1 then log = {} end
      ebb.sleep_until(due)
      log[#log + 1] = i
    end)
    assert.same(list, log)
  end)

  it_runs("an interval's ticks are never early and do not drift", function()
    local before = ebb.now()
    local iv <close> = ebb.interval(0.002, { missed = "burst" })
    local start
    for i = 1, 50 do
      local scheduled = iv:tick()
      start = start or scheduled - 0.002
      assert.is_true(start > before - 1e-6)
      assert.is_true(math.abs(start + i * 0.002 - scheduled) < 1e-6)
      assert.is_true(ebb.now() >= scheduled)
    end
  end)

  it_runs("R71 two loops that only yield do not hold a timer up", function()
    local stop = false
    for _ = 1, 2 do
      ebb.spawn(function()
        while not stop do ebb.yield() end
      end)
    end
    ebb.sleep(0.01)
    stop = true
    ebb.yield()
  end)

  it_runs("a timeout strikes a loop of awaits that are always ready", function()
    local ready = ebb.ready()
    local v, why = ebb.timeout(0.01, function()
      while true do ebb.await(ready) end
    end)
    assert.is_nil(v)
    assert.equal("timeout", why)
  end)

  it_runs("next_frame under run: 1/60 s a frame, never early by more than a frame", function()
    local start = ebb.now()
    for _ = 1, 7 do ebb.next_frame() end
    assert.is_true(ebb.now() - start >= 5 / 60)
  end)
end)
