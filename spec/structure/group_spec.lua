-- join, try_join, join_all, try_join_all, race and map: functions are children of the group, tasks
-- handed in are only awaited.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local after, closer, slow_to_end = support.after, support.closer, support.slow_to_end

local function failing(seconds, err)
  return function()
    ebb.sleep(seconds)
    error(err, 0)
  end
end

describe("join", function()
  it_runs("JO1 gives the first result of each, in order", function()
    assert.same({ n = 4, 1, nil, "c", nil }, table.pack(ebb.join(after(3, 1, "second"),
      after(1), after(2, "c"), after(0, nil, "err"))))
  end)

  it_runs("JO2 takes as long as the slowest", function()
    support.near(3, support.elapsed(ebb.join, after(2), after(3), after(1)))
  end)

  it_runs("JO7 of nothing gives nothing at once", function()
    assert.equal(0, select("#", ebb.join()))
  end)

  it_runs("JO3 starts the functions in order #fifo", function()
    local log = helper.log()
    ebb.join(function() log(1) end, function() log(2) end, function() log(3) end)
    assert.equal("1 2 3", log:text())
  end)

  it_runs("takes tasks and functions", function()
    local task = ebb.spawn(after(1, "task", "second"))
    assert.same({ n = 2, "task", "fn" }, table.pack(ebb.join(task, after(2, "fn"))))
    assert.same({ n = 2, "task", "task" }, table.pack(ebb.join(task, task)))
  end)

  it_runs("JO5 waits for all, then rethrows the error that came first", function(errors)
    local value = {}
    local err
    local log = helper.log()
    support.near(3, support.elapsed(function()
      err = support.failure(ebb.join, failing(2, "second"), failing(1, value), function()
        ebb.sleep(3)
        log("finished")
      end)
    end))
    assert.is_true(rawequal(value, err))
    assert.equal("finished", log:text())
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.equal("second", reports[1].err)
  end)

  it_runs("JO5 lets nil, err pass as a result", function()
    assert.same({ n = 2, nil, 2 }, table.pack(ebb.join(after(0, nil, "err"), after(1, 2))))
  end)

  it_runs("JO9 cancelled, cancels its functions, waits for them, and leaves tasks alone", function()
    local log = helper.log()
    local task = ebb.spawn(after(10, "result"))
    local joiner = ebb.spawn(function()
      ebb.join(task, slow_to_end(log, "fn", 2))
      log("never")
    end)
    support.settle()
    joiner:cancel()
    support.near(2, support.elapsed(joiner.join, joiner))
    assert.equal("fn:cleaned", log:text())
    assert.equal("cancelled", joiner:status())
    assert.equal("result", task:await())
  end)

  it_runs("of a task that is cancelled throws its error", function()
    local task = ebb.spawn(ebb.sleep, 10)
    ebb.go(function() ebb.sleep(1) task:cancel() end)
    local err = support.failure(ebb.join, task, after(2))
    assert.is_true(rawequal(task, err.cancelled_task))
  end)
end)

describe("try_join", function()
  it_runs("JO1 gives the first results when all succeed", function()
    assert.same({ n = 3, "a", nil, false },
      table.pack(ebb.try_join(after(2, "a"), after(1), after(0, false))))
    assert.equal(0, select("#", ebb.try_join()))
  end)

  it_runs("JO5 the first that throws cancels the others, and is rethrown", function(errors)
    local log = helper.log()
    local value = {}
    support.near(2, support.elapsed(function()
      local err = support.failure(ebb.try_join, slow_to_end(log, "a", 1), failing(1, value))
      assert.is_true(rawequal(value, err))
    end))
    assert.equal("a:cleaned", log:text())
    assert.equal(0, #errors)
  end)

  it_runs("JO5 the first that returns nil, err cancels the others, and is the result", function()
    local log = helper.log()
    local value = {}
    support.near(2, support.elapsed(function()
      local first, second = ebb.try_join(slow_to_end(log, "a", 1), after(1, nil, value))
      assert.is_nil(first)
      assert.is_true(rawequal(value, second))
    end))
    assert.equal("a:cleaned", log:text())
  end)

  it_runs("JO6 of several failures at once gives one", function(errors)
    local err = support.failure(ebb.try_join, failing(1, "a"), failing(1, "b"))
    assert.is_true(err == "a" or err == "b")
    support.take(errors)
  end)

  it_runs("does not cancel tasks that were handed in", function()
    local task = ebb.spawn(after(5, "result"))
    assert.equal("x", support.failure(ebb.try_join, task, failing(1, "x")))
    assert.equal("result", task:await())
  end)

  it_runs("takes the failure of a task that was handed in", function(errors)
    local log = helper.log()
    local task = ebb.spawn(failing(1, "x"))
    assert.equal("x", support.failure(ebb.try_join, slow_to_end(log, "fn", 0), task))
    assert.equal("fn:cleaned", log:text())
    assert.equal(0, #errors)
  end)

  it_runs("JO9 cancelled, cancels its functions", function()
    local log = helper.log()
    local joiner = ebb.spawn(ebb.try_join, slow_to_end(log, "a", 1), slow_to_end(log, "b", 2))
    support.settle()
    joiner:cancel()
    joiner:join()
    assert.equal("a:cleaned b:cleaned", log:text())
    assert.equal("cancelled", joiner:status())
  end)
end)

describe("join_all and try_join_all", function()
  it_runs("JO1 take a list and give a list", function()
    local task = ebb.spawn(after(1, "t"))
    for _, join in ipairs { ebb.join_all, ebb.try_join_all } do
      assert.same({ "a", "t", "c" }, join { after(2, "a", "more"), task, after(0, "c") })
      assert.same({}, join {})
    end
  end)

  it_runs("TS26 take 1000 functions", function()
    local list, expected = {}, {}
    for i = 1, 1000 do list[i] = after(i % 7, i) expected[i] = i end
    assert.same(expected, ebb.join_all(list))
    assert.same(expected, ebb.try_join_all(list))
  end)

  it_runs("JO5 fail as join and try_join do", function(errors)
    local log = helper.log()
    local list = { failing(1, "first"), function() ebb.sleep(3) log("finished") end }
    support.near(3, support.elapsed(function()
      assert.equal("first", support.failure(ebb.join_all, list))
    end))
    assert.equal("finished", log:text())
    support.near(1, support.elapsed(function()
      assert.equal("first", support.failure(ebb.try_join_all, list))
    end))
    assert.same({ n = 2, nil, "err" },
      table.pack(ebb.try_join_all { after(1, nil, "err"), after(5) }))
    assert.equal("finished", log:text())
    assert.equal(0, #errors)
  end)
end)

describe("race", function()
  it_runs("gives the index of the first to end, then all its results", function()
    assert.same({ n = 4, 2, "b", nil, "bb" },
      table.pack(ebb.race(after(3, "a"), after(1, "b", nil, "bb"), after(2, "c"))))
    assert.same({ n = 1, 1 }, table.pack(ebb.race(after(1), after(2))))
  end)

  it_runs("cancels the losing functions, which have ended before it returns", function()
    local log = helper.log()
    support.near(3, support.elapsed(function()
      log("won", ebb.race(slow_to_end(log, "a", 2), after(1, "r"), slow_to_end(log, "c", 1)))
    end))
    assert.equal("c:cleaned a:cleaned won:2:r", log:text())
  end)

  it_runs("does not cancel tasks that were handed in", function()
    local task = ebb.spawn(after(5, "result"))
    assert.same({ n = 2, 2, "fn" }, table.pack(ebb.race(task, after(1, "fn"))))
    assert.equal("result", task:await())
    assert.same({ n = 2, 2, "result" }, table.pack(ebb.race(after(9), task)))
  end)

  it_runs("rethrows the error of the first to end, after the others have ended", function(errors)
    local log = helper.log()
    assert.equal("x", support.failure(ebb.race, slow_to_end(log, "a", 1), failing(1, "x")))
    assert.equal("a:cleaned", log:text())
    assert.equal(0, #errors)
  end)

  it_runs("a nil, err is the end of a function like any other", function()
    assert.same({ n = 3, 1, nil, "err" }, table.pack(ebb.race(after(1, nil, "err"), after(2))))
  end)

  it_runs("JO9 cancelled, cancels its functions", function()
    local log = helper.log()
    local racer = ebb.spawn(ebb.race, slow_to_end(log, "a", 1), slow_to_end(log, "b", 2))
    support.settle()
    racer:cancel()
    support.near(2, support.elapsed(racer.join, racer))
    assert.equal("a:cleaned b:cleaned", log:text())
    assert.equal("cancelled", racer:status())
  end)
end)

describe("map", function()
  it_runs("gives the results in order, fn gets item and index", function()
    local got = ebb.map({ "a", "b", "c" }, function(item, i, ...)
      ebb.sleep(4 - i)
      return item .. i .. select("#", ...), "second"
    end)
    assert.same({ "a10", "b20", "c30" }, got)
    assert.same({}, ebb.map({}, error))
  end)

  for _, limit in ipairs { 1, 2, 3, 10, 100 } do
    it_runs("runs at most limit = " .. limit .. " at a time, and that many", function()
      local running, peak = 0, 0
      local list = {}
      for i = 1, 20 do list[i] = i end
      local got
      local took = support.elapsed(function()
        got = ebb.map(list, function(item)
          running = running + 1
          peak = math.max(peak, running)
          ebb.sleep(1)
          running = running - 1
          return item
        end, limit)
      end)
      assert.same(list, got)
      assert.equal(math.min(limit, 20), peak)
      support.near(math.ceil(20 / limit), took)
    end)
  end

  it_runs("JO2 without a limit all run at once", function()
    support.near(1, support.elapsed(ebb.map, { 1, 2, 3, 4, 5 }, function() ebb.sleep(1) end))
  end)

  it_runs("starts the items in order", function()
    local log = helper.log()
    ebb.map({ 5, 4, 3, 2, 1 }, function(item) log(item) ebb.sleep(item) end, 2)
    assert.matches("^[45] [45] 3 2 1$", log:text())
  end)

  it_runs("the first error cancels the rest; what had not started never starts", function(errors)
    local log = helper.log()
    local value = {}
    local err = support.failure(ebb.map, { 1, 2, 3, 4 }, function(item)
      log("start", item)
      local _ <close> = closer(function() log("end", item) end)
      ebb.sleep(item == 2 and 1 or 10)
      error(value)
    end, 2)
    assert.is_true(rawequal(value, err))
    assert.matches("^start:[12] start:[12] end:2 end:1$", log:text())
    assert.equal(0, #errors)
  end)

  it_runs("JO9 cancelled, cancels what runs and starts nothing more", function()
    local log = helper.log()
    local task = ebb.spawn(ebb.map, { 1, 2, 3 }, function(item)
      log("start", item)
      local _ <close> = closer(function() ebb.sleep(item) log("end", item) end)
      ebb.sleep(10)
    end, 2)
    support.settle()
    task:cancel()
    support.near(2, support.elapsed(task.join, task))
    assert.matches("^start:[12] start:[12] end:1 end:2$", log:text())
    assert.equal("cancelled", task:status())
  end)
end)

describe("a group that is cancelled", function()
  local function boom()
    ebb.sleep(0.1) -- the others have begun, whatever the schedule
    error("boom", 0)
  end
  local function wait() ebb.never():await() end
  local groups = {
    join = function() ebb.join(boom, wait) end,
    race = function() ebb.race(boom, function() ebb.shield(ebb.sleep, 1) end) end,
    try_join = function() ebb.try_join(boom, function() ebb.shield(ebb.sleep, 1) end) end,
    map = function() ebb.map({ boom, function() ebb.shield(ebb.sleep, 1) end }, function(fn) fn() end) end,
  }
  for name, group in pairs(groups) do
    it_runs(name .. " has reported the failures that it cannot throw any more", function(errors)
      local task = ebb.spawn(group)
      ebb.sleep(0.5)
      task:cancel()
      task:join()
      assert.equal("cancelled", task:status())
      assert.equal(1, #errors)
      assert.equal("boom", errors[1].err)
      errors[1] = nil
    end)
  end
end)
