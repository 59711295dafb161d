-- ebb.barrier and ebb.latch.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

describe("a barrier", function()
  it_runs("BA1 BA2 wakes all when the last has come, one leads, again and again", function()
    local barrier, log = ebb.barrier(3), helper.log()
    for i = 1, 3 do
      ebb.go(function()
        for round = 1, 3 do
          ebb.sleep(i)
          log(round, barrier:wait() and "leader" or "other")
        end
      end)
    end
    ebb.sleep(20)
    assert.equal("1:leader 1:other 1:other 2:leader 2:other 2:other 3:leader 3:other 3:other",
      log:text())
  end)

  it_runs("BA2 of 0 or 1 never waits", function()
    for n = 0, 1 do
      local barrier = ebb.barrier(n)
      assert.is_true(barrier:wait())
      assert.is_true(barrier:wait())
    end
    for _, bad in ipairs { -1, 1.5, "x" } do assert.is_false(pcall(ebb.barrier, bad)) end
  end)

  it_runs("BA3 R103 who gives up waiting does not count", function()
    local barrier = ebb.barrier(2)
    local unstarted = ebb.spawn(barrier.wait, barrier)
    unstarted:cancel()
    local task = ebb.spawn(barrier.wait, barrier)
    settle()
    assert.equal("ebb.barrier: 1 of 2 waiting", tostring(barrier))
    task:cancel()
    task:cancel()
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, barrier)))
    assert.equal("ebb.barrier: 0 of 2 waiting", tostring(barrier))
    local other = ebb.spawn(barrier.wait, barrier)
    settle()
    assert.is_true(barrier:wait())
    assert.is_false(other:await())
  end)

  it_runs("a cancel in the turn of the wake wins; the others are through", function()
    local barrier = ebb.barrier(3)
    local a, b = ebb.spawn(barrier.wait, barrier), ebb.spawn(barrier.wait, barrier)
    settle()
    assert.is_true(barrier:wait())
    a:cancel()
    a:join()
    assert.equal("cancelled", a:status())
    assert.is_false(b:await())
    assert.equal("ebb.barrier: 0 of 3 waiting", tostring(barrier))
  end)

  it_runs("is an op; a task counts once, however many arms it has", function()
    local barrier = ebb.barrier(2)
    local task = ebb.spawn(ebb.select, barrier, barrier, ebb.never())
    settle()
    assert.equal("ebb.barrier: 1 of 2 waiting", tostring(barrier))
    local i, leader = ebb.select(ebb.never(), barrier)
    assert.equal(2, i)
    assert.is_true(leader)
    assert.same({ n = 2, 1, false }, pack(task:await()))
  end)
end)

describe("a latch", function()
  it_runs("opens when it has been counted down, for good", function()
    local latch, tasks = ebb.latch(3), {}
    for i = 1, 5 do tasks[i] = ebb.spawn(latch.wait, latch) end
    settle()
    latch:count_down()
    assert.equal("ebb.latch: 2 to go", tostring(latch))
    assert.equal("waiting", tasks[1]:status())
    latch:count_down(2)
    for i = 1, 5 do assert.is_true(tasks[i]:await()) end
    latch:count_down()
    assert.equal(0, latch:count())
    assert.is_true(latch:wait())
    assert.is_true(ebb.latch(0):wait())
    assert.equal("ebb.latch: open", tostring(latch))
  end)

  it_runs("is an op, and a cancelled wait leaves nothing behind", function()
    local latch = ebb.latch(1)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, latch)))
    local task = ebb.spawn(latch.wait, latch)
    settle()
    task:cancel()
    task:join()
    local same_turn = ebb.spawn(latch.wait, latch)
    settle()
    latch:count_down()
    same_turn:cancel()
    same_turn:cancel()
    same_turn:join()
    assert.equal("cancelled", same_turn:status())
    assert.same({ n = 2, 1, true }, pack(ebb.select(latch, ebb.never())))
  end)
end)
