-- next_frame: waiting for the host's next step, and the frames under run.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local near = support.near

--- A stepped runtime, closed after fn(rt).
local function stepped(name, fn)
  it(name, function()
    local rt, errors = helper.runtime()
    local ok, err = pcall(fn, rt)
    rt:close()
    if not ok then error(err, 0) end
    assert.equal(0, #errors)
  end)
end

describe("next_frame under rt:step", function()
  stepped("wakes once in every step and gives that step's dt", function(rt)
    local frames = {}
    rt:spawn(function()
      while true do frames[#frames + 1] = ebb.next_frame() end
    end)
    rt:step(100, 0.5)
    assert.equal(0, #frames)
    local dts = { 0.016, 0.017, 0.25, 0.001, 0.016 }
    for i, dt in ipairs(dts) do
      rt:step(100, dt)
      assert.equal(i, #frames)
    end
    for i = 2, #dts do near(dts[i], frames[i]) end
  end)

  stepped("gives the sum of the steps since this task's previous frame", function(rt)
    local frames = {}
    rt:spawn(function()
      ebb.next_frame()
      for _ = 1, 3 do
        ebb.sleep(1)
        frames[#frames + 1] = ebb.next_frame()
      end
    end)
    rt:step(100, 0.01)
    rt:step(100, 0.01) -- the first frame; now it sleeps
    assert.equal(0, #frames)
    rt:step(100, 0.02)
    rt:step(100, 0.03)
    rt:advance(1)
    rt:step(100, 0.04) -- the sleep is over before the frame's waiters are woken, or after it
    rt:step(100, 0.05)
    assert.equal(1, #frames)
    local short, long = 0.02 + 0.03 + 0.04, 0.02 + 0.03 + 0.04 + 0.05
    assert.is_true(math.abs(frames[1] - short) < 1e-6 or math.abs(frames[1] - long) < 1e-6)
  end)

  stepped("each task has frames of its own", function(rt)
    local one, two = {}, {}
    rt:spawn(function()
      while true do one[#one + 1] = ebb.next_frame() end
    end)
    rt:step(100, 1)
    rt:step(100, 1)
    rt:spawn(function()
      while true do two[#two + 1] = ebb.next_frame() end
    end)
    rt:step(100, 1)
    rt:step(100, 2)
    rt:step(100, 3)
    assert.equal(4, #one)
    near(3, one[4])
    near(2, one[3])
    assert.equal(2, #two)
    near(3, two[2])
  end)

  stepped("wakes the waiters in the order they came #fifo", function(rt)
    local log = helper.log()
    for i = 1, 4 do
      rt:spawn(function()
        for _ = 1, 2 do
          ebb.next_frame()
          log(i)
        end
      end)
    end
    rt:step(100, 0.01)
    rt:step(100, 0.01)
    assert.equal("1 2 3 4", log:text())
    rt:step(100, 0.01)
    assert.equal("1 2 3 4 1 2 3 4", log:text())
  end)

  stepped("comes after what the last step left over, before what it wakes itself #fifo", function(rt)
    local log, ch = helper.log(), ebb.channel()
    rt:spawn(function()
      for v in ch do log("woken", v) end
    end)
    rt:spawn(function()
      ebb.next_frame()
      log("frame one")
      ch:try_send(1)
    end)
    rt:spawn(function()
      ebb.next_frame()
      log("frame two")
    end)
    rt:step(100, 0.01)
    rt:spawn(function() log("left over") end)
    rt:step(100, 0.01)
    assert.equal("left over frame one frame two woken:1", log:text())
  end)

  stepped("a cancel wins over the frame", function(rt)
    local log = helper.log()
    local task = rt:spawn(function()
      ebb.next_frame()
      log("never")
    end)
    rt:step(100, 0.01)
    task:cancel()
    rt:step(100, 0.01)
    assert.equal("cancelled", task:status())
    assert.equal("", log:text())
  end)

  stepped("a step without dt wakes too", function(rt)
    local n = 0
    rt:spawn(function()
      while true do
        ebb.next_frame()
        n = n + 1
      end
    end)
    for _ = 1, 5 do rt:step() end
    assert.is_true(n == 4 or n == 5)
    rt:step(0.1)
    assert.is_true(n == 5 or n == 6)
  end)

  stepped("does not move the clock: only advance does", function(rt)
    local slept = false
    rt:spawn(function()
      ebb.sleep(1)
      slept = true
    end)
    for _ = 1, 50 do rt:step(100, 1) end
    assert.is_false(slept)
    rt:advance(1)
    rt:step(100, 0)
    assert.is_true(slept)
  end)
end)

describe("next_frame under run", function()
  it_runs("frames are 1/60 s", function()
    ebb.next_frame()
    local start = ebb.now()
    for i = 1, 60 do
      near(1 / 60, ebb.next_frame())
      near(start + i / 60, ebb.now())
    end
  end)

  it_runs("does not drift in an hour", function()
    ebb.next_frame()
    local start, sum = ebb.now(), 0
    for _ = 1, 60 * 60 do sum = sum + ebb.next_frame() end
    assert.is_true(math.abs(60 - (ebb.now() - start)) < 1e-3)
    assert.is_true(math.abs(60 - sum) < 1e-3)
  end)

  it_runs("can be cancelled and timed out", function()
    local task = ebb.spawn(function()
      while true do ebb.next_frame() end
    end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.is_nil((ebb.timeout(0.001, function()
      ebb.next_frame()
      ebb.next_frame()
    end)))
  end)
end)

describe("the first frame of a task", function()
  it("is the step after the one it began in, and no longer", function()
    local rt = helper.runtime()
    local frames = {}
    rt:spawn(function() for i = 1, 3 do frames[i] = ebb.next_frame() end end)
    for _ = 1, 4 do rt:step(100, 0.25) end
    assert.same({ 0.25, 0.25, 0.25 }, frames)
    rt:close()
  end)
end)
