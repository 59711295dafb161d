-- The virtual clock: stands still while anything is ready, jumps when all wait, is moved by hand.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local near = support.near

describe("the virtual clock under run", function()
  it_runs("PT2 jumps to the next timer when all tasks wait", function()
    local start, real = ebb.now(), os.time()
    ebb.sleep(24 * 3600)
    near(start + 24 * 3600, ebb.now())
    assert.is_true(os.time() - real < 60)
  end)

  it_runs("PT2 visits every deadline on its way", function()
    local start, seen = ebb.now(), {}
    for i = 1, 5 do
      ebb.spawn(function()
        ebb.sleep(i * 1000)
        seen[i] = ebb.now() - start
      end)
    end
    ebb.sleep(6000)
    for i = 1, 5 do near(i * 1000, seen[i]) end
  end)

  it_runs("PT1 stands still while anything is ready", function()
    local start, stop = ebb.now(), false
    local task = ebb.spawn(function()
      for _ = 1, 1000 do
        ebb.yield()
        assert.equal(start, ebb.now())
      end
      stop = true
    end)
    ebb.sleep(1)
    assert.is_true(stop)
    near(start + 1, ebb.now())
    task:await()
  end)

  it_runs("PT2 ten years of a job that runs every hour", function()
    local start, n = ebb.now(), 0
    local iv <close> = ebb.interval(3600)
    for _ in iv do
      n = n + 1
      if n == 87600 then break end
    end
    assert.equal(87600, n)
    assert.is_true(math.abs(ebb.now() - start - 87600 * 3600) < 1e-3)
  end)

  it("PT5 R85 two runs with one seed are the same, another seed is another order", function()
    local function trace(seed)
      local log = helper.log()
      helper.run(function()
        local ch = ebb.channel(2)
        local tasks = {}
        local start = ebb.now()
        for i = 1, 8 do
          tasks[i] = ebb.spawn(function()
            for k = 1, 5 do
              ebb.sleep(i * k % 4)
              ch:send(i * 10 + k)
              log("sent", i, k, ("%.3f"):format(ebb.now() - start))
            end
          end)
        end
        local reader = ebb.spawn(function()
          for v in ch do
            log("got", v)
            local which = ebb.select(ebb.after(1), ebb.after(1), ebb.ready())
            log(which)
          end
        end)
        ebb.join_all(tasks)
        ch:close()
        reader:await()
      end, { seed = seed })
      return log:text()
    end
    assert.equal(trace(1), trace(1))
    assert.equal(trace(99), trace(99))
    assert.not_equal(trace(1), trace(99))
  end)

  it("R83 gives the order that the real clock gives #fifo", function()
    local function trace(clock, lead) -- `lead` seconds are enough for all to have begun
      local log = helper.log()
      helper.run(function()
        local tasks, base = {}, ebb.now() + lead
        for i, s in ipairs { 0.03, 0.01, 0.02, 0.05, 0.04 } do
          tasks[i] = ebb.spawn(function()
            ebb.sleep_until(base + s)
            log(i, s)
          end)
        end
        ebb.join_all(tasks)
      end, { clock = clock })
      return log:text()
    end
    local expected, got = trace("virtual", 0.01), nil
    for _, lead in ipairs { 0.01, 0.5, 5 } do
      got = trace("system", lead)
      if got == expected then break end
    end
    assert.equal(expected, got)
  end)
end)

describe("rt:advance", function()
  it_runs("PT3 from a task: makes timers due, the tasks run at the next await", function(_, rt)
    local start, log = ebb.now(), helper.log()
    for i = 1, 3 do
      ebb.spawn(function()
        ebb.sleep(i)
        log(i)
      end)
    end
    helper.settle()
    rt:advance(2.5)
    near(start + 2.5, ebb.now())
    assert.equal("", log:text())
    support.settle()
    table.sort(log)
    assert.equal("1 2", log:text())
    near(start + 2.5, ebb.now())
    ebb.sleep(1)
    assert.equal("1 2 3", log:text())
    near(start + 3.5, ebb.now())
  end)

  it("PT3 between steps: nothing moves without it", function()
    local rt = helper.runtime()
    local log = helper.log()
    rt:spawn(function()
      for i = 1, 3 do
        ebb.sleep(10)
        log(i)
      end
    end)
    for _ = 1, 10 do rt:step(1) end
    assert.equal("", log:text())
    rt:advance(9.999)
    rt:step(1)
    assert.equal("", log:text())
    rt:advance(0.001)
    assert.equal("", log:text())
    rt:step(1)
    assert.equal("1", log:text())
    rt:advance(10)
    rt:step(1)
    assert.equal("1 2", log:text())
    rt:advance(10)
    rt:step(1)
    assert.equal("1 2 3", log:text())
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)

  it("PT3 by less than a millisecond, and over many deadlines in order #fifo", function()
    local rt = helper.runtime()
    local log = helper.log()
    for _, s in ipairs { 0.0003, 0.0001, 0.0002 } do
      rt:spawn(function()
        ebb.sleep(s)
        log(s)
      end)
    end
    rt:step(1)
    rt:advance(0.00015)
    rt:step(1)
    assert.equal("0.0001", log:text())
    rt:advance(1)
    rt:step(1)
    assert.equal("0.0001 0.0002 0.0003", log:text())
    rt:close()
  end)

  it("step tells the next deadline in seconds from now, or nil", function()
    local rt = helper.runtime()
    assert.is_nil(rt:step(1).next_deadline)
    rt:spawn(ebb.sleep, 10)
    rt:spawn(ebb.sleep, 4)
    local info = rt:step(1)
    near(4, info.next_deadline)
    assert.equal(2, info.alive)
    assert.equal(0, info.ready)
    rt:advance(3)
    near(1, rt:step(1).next_deadline)
    rt:advance(1)
    info = rt:step(1)
    near(6, info.next_deadline)
    assert.equal(1, info.alive)
    rt:advance(6)
    info = rt:step(1)
    assert.is_nil(info.next_deadline)
    assert.equal(0, info.alive)
    rt:close()
  end)

  it("refuses what is no number of seconds", function()
    local rt = helper.runtime()
    for _, bad in ipairs { 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1 to 'advance'", function() rt:advance(bad) end)
    end
    helper.throws("bad argument #1 to 'advance'", function() rt:advance() end)
    rt:close()
  end)

  it("timers of one runtime are not moved by another", function()
    local one, two = helper.runtime(), helper.runtime()
    local done = false
    one:spawn(function()
      ebb.sleep(5)
      done = true
    end)
    one:step(1)
    two:advance(100)
    two:step(1)
    one:step(1)
    assert.is_false(done)
    one:advance(5)
    one:step(1)
    assert.is_true(done)
    one:close()
    two:close()
  end)
end)
