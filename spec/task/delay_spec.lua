-- ebb.delay(s, fn, ...): a task that starts later.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

describe("delay", function()
  it_runs("runs fn with its arguments after s seconds", function()
    local start, at = ebb.now(), nil
    local task = ebb.delay(2, function(...)
      at = ebb.now()
      return select("#", ...), ...
    end, 1, nil, "x")
    ebb.sleep(1)
    assert.is_nil(at)
    assert.is_false(task:finished())
    assert.same({ n = 4, 3, 1, nil, "x" }, table.pack(task:await()))
    support.near(start + 2, at)
  end)

  it_runs("TM3 keeps the order of the deadlines, of equal ones that of the calls #fifo", function()
    local log = helper.log()
    for i, seconds in ipairs { 3, 1, 2, 1, 3 } do ebb.delay(seconds, function() log(i) end) end
    ebb.sleep(4)
    assert.equal("2 4 3 1 5", log:text())
  end)

  it_runs("TS12 cancelled before its time, fn never runs", function()
    local ran = false
    local task = ebb.delay(2, function() ran = true end)
    ebb.sleep(1)
    assert.is_true(task:cancel())
    support.near(0, support.elapsed(task.join, task))
    ebb.sleep(5)
    assert.is_false(ran)
    assert.equal("cancelled", task:status())
  end)

  it_runs("TS9 gives errors as any task", function()
    assert.same({ n = 2, false, "late" }, table.pack(ebb.delay(1, error, "late", 0):join()))
  end)

  it_runs("is detached: it outlives the task that called it", function()
    local ran = false
    ebb.spawn(function() ebb.delay(2, function() ran = true end) end):await()
    ebb.sleep(3)
    assert.is_true(ran)
  end)
end)
