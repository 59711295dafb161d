-- ebb.frame_clock: the clock that the host's frames move.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it

-- A stepped runtime and step(dt).
local function stepped()
  local rt = helper.runtime()
  return rt, function(dt) return rt:step(nil, dt) end
end

describe("frame_clock", function()
  it("PT7 is moved by the steps' dt, and by nothing else", function()
    local rt, step = stepped()
    local clk, woken
    rt:spawn(function()
      clk = ebb.frame_clock()
      clk:sleep(0.1)
      woken = clk:now()
    end)
    step(0)
    rt:advance(1000)
    step(0.06)
    assert.equal(0.06, clk:now())
    assert.is_nil(woken)
    step(0.06)
    assert.equal(0.12, woken)
    rt:close()
  end)

  it("60 frames of 1/60 are a second, and 6 are 0.1", function()
    local rt, step = stepped()
    local n, at = 0, {}
    rt:spawn(function()
      local clk = ebb.frame_clock()
      for i = 1, 10 do
        clk:sleep_until(i / 10)
        at[i] = n
      end
    end)
    step(0)
    for i = 1, 60 do
      n = i
      step(1 / 60)
    end
    assert.same({ 6, 12, 18, 24, 30, 36, 42, 48, 54, 60 }, at)
    rt:close()
  end)

  it("a sleep of a frame's time wakes at the next frame, each time", function()
    local rt, step = stepped()
    local n = 0
    rt:spawn(function()
      local clk = ebb.frame_clock()
      while true do
        clk:sleep(1 / 60)
        n = n + 1
      end
    end)
    step(0)
    for i = 1, 600 do
      step(1 / 60)
      assert.equal(i, n)
    end
    rt:close()
  end)

  it("there is one a runtime", function()
    local rt, step = stepped()
    local other = helper.runtime()
    local a, b, c
    rt:spawn(function() a = ebb.frame_clock() b = ebb.frame_clock() end)
    other:spawn(function() c = ebb.frame_clock() end)
    step(0)
    other:step()
    assert.equal(a, b)
    assert.not_equal(a, c)
    rt:close()
    other:close()
  end)

  it("it may be paused: a host's pause menu", function()
    local rt, step = stepped()
    local clk, done
    rt:spawn(function()
      clk = ebb.frame_clock()
      clk:sleep(1)
      done = true
    end)
    step(0.5)
    step(0.5)
    clk:pause()
    step(10)
    assert.is_nil(done)
    clk:resume()
    step(0.25)
    assert.is_nil(done)
    step(0.25)
    assert.is_true(done)
    rt:close()
  end)

  it("it may be collected and made anew", function()
    local rt, step = stepped()
    rt:spawn(function() ebb.frame_clock():sleep(0.1) end)
    step(0.05)
    collectgarbage()
    step(0.2)
    collectgarbage()
    rt:spawn(function() ebb.frame_clock():sleep(0.1) end)
    step(0)
    step(0.1)
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)

  it_runs("under run, frames are 1/60 s", function()
    local clk = ebb.frame_clock()
    local frames = 0
    local task = ebb.spawn(function()
      while true do
        ebb.next_frame()
        frames = frames + 1
      end
    end)
    clk:sleep(0.1)
    helper.settle()
    assert.equal(6, frames)
    assert.is_true(math.abs(ebb.now() - 0.1) < 1e-6)
    clk:sleep(0.001)
    assert.is_true(math.abs(ebb.now() - 7 / 60) < 1e-6)
    for i = 1, 60 do
      clk:sleep(1 / 60)
      assert.is_true(math.abs(ebb.now() - (7 + i) / 60) < 1e-6)
    end
    task:cancel()
    task:join()
  end)

  it("a runtime that is stepped after a run goes over to the steps", function()
    local rt, step = stepped()
    local clk
    rt:run(function()
      clk = ebb.frame_clock()
      clk:sleep(1)
    end)
    local before = clk:now()
    assert.is_true(math.abs(before - 1) < 1e-6)
    local done
    rt:spawn(function() clk:sleep(0.5) done = true end)
    rt:advance(10)
    step(0.25) -- the task begins in it
    step(0.25)
    assert.is_nil(done)
    step(0.25)
    assert.is_true(done)
    rt:close()
  end)
end)
