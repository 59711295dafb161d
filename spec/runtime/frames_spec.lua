-- ebb.next_frame under rt:step and under run.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local near, with_runtime = support.near, support.with_runtime

describe("frames", function()
  it("next_frame gives the dt of the step", function()
    with_runtime(function(rt)
      local log = {}
      rt:spawn(function()
        for i = 1, 3 do log[i] = ebb.next_frame() end
      end)
      rt:step(1, 0.5)
      assert.equal(0, #log)
      rt:step(1, 0.25)
      rt:step(1, 0.125)
      rt:step(1, 0.0625)
      assert.equal(3, #log)
      near(0.125, log[2])
      near(0.0625, log[3])
    end)
  end)

  it("next_frame gives the sum of the steps since the task's previous frame", function()
    with_runtime(function(rt)
      local log, ch = {}, ebb.channel()
      rt:spawn(function()
        ebb.next_frame()
        ch:recv()
        log[1] = ebb.next_frame()
      end)
      rt:step(1, 0.5)
      rt:step(1, 0.25)
      rt:step(1, 0.125)
      rt:step(1, 0.125)
      ch:try_send(true)
      rt:step(1, 0.125)
      rt:step(1, 0.5)
      near(0.875, log[1])
    end)
  end)

  it("a waiter gets one frame a step, however large the budget", function()
    with_runtime(function(rt)
      local n = 0
      rt:spawn(function()
        while true do
          ebb.next_frame()
          n = n + 1
        end
      end)
      rt:step(1, 0.1)
      assert.equal(0, n)
      for i = 1, 10 do
        rt:step(1, 0.1)
        assert.equal(i, n)
      end
    end)
  end)

  it("all waiters are woken, in the order in which they waited #fifo", function()
    with_runtime(function(rt)
      local log = helper.log()
      for i = 1, 4 do
        rt:spawn(function()
          ebb.next_frame()
          log(i)
        end)
      end
      rt:step(1, 0.1)
      rt:step(1, 0.1)
      assert.equal("1 2 3 4", log:text())
    end)
  end)

  it("a waiter can be cancelled", function()
    with_runtime(function(rt)
      local task = rt:spawn(ebb.next_frame)
      rt:step(1, 0.1)
      task:cancel()
      rt:step(1, 0.1)
      assert.equal("cancelled", task:status())
    end)
  end)

  it("dt moves neither ebb.sleep nor ebb.now", function()
    with_runtime(function(rt)
      local woken, first, second = false, nil, nil
      rt:spawn(function()
        ebb.sleep(1)
        woken = true
      end)
      rt:spawn(function()
        first = ebb.now()
        ebb.next_frame()
        ebb.next_frame()
        second = ebb.now()
      end)
      for _ = 1, 5 do rt:step(1, 100) end
      assert.is_false(woken)
      near(first, second)
    end)
  end)

  it("under run frames are a sixtieth of a second", function()
    helper.run(function()
      ebb.next_frame()
      local start = ebb.now()
      local sum = 0
      for _ = 1, 60 do sum = sum + ebb.next_frame() end
      assert.is_true(math.abs(sum - 1) < 1e-3, tostring(sum))
      assert.is_true(math.abs(ebb.now() - start - 1) < 1 / 60 + 1e-3)
    end)
  end)
end)
