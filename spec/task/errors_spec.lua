-- Errors never pass silently: when the failure of a task nobody asks for is reported, and what the
-- report says.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- Keeps the processor busy for so many seconds of real time.
local function burn(seconds)
  local stop = os.clock() + seconds
  while os.clock() < stop do math.sqrt(2) end
end

local function collect()
  collectgarbage()
  collectgarbage()
  ebb.yield()
end

describe("a failed task whose error nobody takes", function()
  it_runs("TS30 is reported at once when it has no handle", function(errors)
    ebb.go(function() error("lost", 0) end)
    assert.equal(0, #errors)
    helper.settle()
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.equal("lost", reports[1].err)
    assert.equal("failed", reports[1].task:status())
  end)

  it_runs("TS30 is reported when its handle is collected", function(errors)
    ebb.spawn(function() error("lost", 0) end)
    helper.settle()
    collect()
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.equal("lost", reports[1].err)
  end)

  it_runs("TS30 is not reported while its handle is alive", function(errors)
    local task = ebb.spawn(function() error("late", 0) end)
    support.settle()
    collect()
    ebb.sleep(10)
    assert.equal(0, #errors)
    assert.same({ n = 2, false, "late" }, table.pack(task:join()))
    task = nil
    collect()
    assert.equal(0, #errors)
    assert.is_nil(task)
  end)

  it_runs("TS30 is reported after one second of real time, once", function(errors)
    local task = ebb.spawn(function() error("late", 0) end)
    ebb.yield()
    local failed = os.time()
    burn(0.02)
    support.settle()
    assert.is_true(#errors == 0 or os.time() > failed)
    local stop = os.clock() + 10
    while #errors == 0 and os.clock() < stop do
      burn(0.02)
      ebb.yield()
    end
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.equal("late", reports[1].err)
    assert.is_true(rawequal(task, reports[1].task))
    assert.same({ n = 2, false, "late" }, table.pack(task:join()))
    support.settle()
    assert.equal(0, #errors)
  end)

  it("TS30 is reported when the run ends, once", function()
    local rt, errors = helper.runtime()
    local task
    rt:run(function()
      task = ebb.spawn(function() error("lost", 0) end)
      ebb.yield()
    end)
    assert.equal(1, #errors)
    assert.equal("lost", errors[1].err)
    assert.is_true(rawequal(task, errors[1].task))
    rt:close()
    task = nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(task)
    assert.equal(1, #errors)
  end)

  it("TS30 that fails while the run ends is reported too", function()
    local rt, errors = helper.runtime()
    rt:run(function()
      ebb.go(function()
        local ok = pcall(ebb.sleep, 10)
        error(ok and "slept" or "failed in the end", 0)
      end)
      ebb.yield()
    end)
    assert.equal(1, #errors)
    assert.equal("failed in the end", errors[1].err)
    rt:close()
  end)

  it_runs("TS30 every one of many is reported", function(errors)
    for i = 1, 50 do ebb.go(function() error(i) end) end
    support.settle()
    local sum = 0
    local reports = support.take(errors)
    for _, report in ipairs(reports) do sum = sum + report.err end
    assert.equal(50, #reports)
    assert.equal(1275, sum)
  end)
end)

describe("an error that is taken is not reported", function()
  it_runs("by await, join or select, before or after the failure", function(errors)
    local function fail() ebb.yield() error("taken", 0) end
    local a, b, c, d = ebb.spawn(fail), ebb.spawn(fail), ebb.spawn(fail), ebb.spawn(fail)
    assert.equal("taken", support.failure(a.await, a))
    support.settle()
    assert.is_false((b:join()))
    assert.equal("taken", support.failure(ebb.select, c))
    assert.same({ n = 3, 1, false, "taken" }, table.pack(ebb.select(d:join_op())))
    a, b, c, d = nil, nil, nil, nil
    collect()
    assert.equal(0, #errors)
    assert.is_nil(a or b or c or d)
  end)

  it_runs("never early while somebody waits for it", function(errors)
    local target = ebb.spawn(function() ebb.sleep(1) error("taken", 0) end)
    local waiter = ebb.spawn(target.join, target)
    ebb.yield()
    target = nil
    collect()
    assert.same({ n = 3, true, false, "taken" }, table.pack(waiter:join()))
    assert.is_nil(target)
    assert.equal(0, #errors)
  end)

  it_runs("by the scope or the group that owns it", function(errors)
    local function fail() error("owned", 0) end
    local function scoped(s)
      s:spawn(fail)
      ebb.sleep(10)
    end
    assert.equal("owned", support.failure(ebb.scope, scoped))
    assert.equal("owned", support.failure(ebb.join, fail, function() ebb.sleep(1) end))
    assert.equal("owned", support.failure(ebb.try_join, fail, function() ebb.sleep(1) end))
    assert.equal("owned", support.failure(ebb.map, { 1, 2 }, fail, 1))
    collect()
    assert.equal(0, #errors)
  end)

  it_runs("a cancelled task is no failure", function(errors)
    local task = ebb.spawn(ebb.sleep, 10)
    helper.settle()
    task:cancel()
    support.settle()
    assert.equal("cancelled", task:status())
    task = nil
    collect()
    assert.is_nil(task)
    assert.equal(0, #errors)
  end)
end)

describe("the report", function()
  it_runs("has a traceback of the failing frames, then of the place that spawned", function(errors)
    local failing_line, spawning_line
    local function failing_leaf()
      failing_line = debug.getinfo(1, "l").currentline + 1
      error("boom")
    end
    local function middle() failing_leaf() return 1 end
    local function spawning_function()
      spawning_line = debug.getinfo(1, "l").currentline + 1
      ebb.go(function() middle() helper.settle() end)
      helper.settle()
    end
    spawning_function()
    local report = support.take(errors)[1]
    local text = report.traceback
    assert.equal("string", type(text))
    local leaf = text:find("failing_leaf", 1, true)
    local failed_at = text:find(("errors_spec.lua:%d:"):format(failing_line), 1, true)
    local spawned_at = text:find(("errors_spec.lua:%d"):format(spawning_line), 1, true)
    assert.truthy(leaf)
    assert.truthy(text:find("middle", 1, true))
    assert.truthy(failed_at)
    assert.truthy(spawned_at)
    assert.is_true(failed_at < spawned_at)
  end)

  it_runs("R53 has one for error values that are no strings", function(errors)
    local function failing_leaf() error({ code = 7 }) end
    ebb.go(function() failing_leaf() return 1 end)
    helper.settle()
    local report = support.take(errors)[1]
    assert.same({ code = 7 }, report.err)
    assert.truthy(report.traceback:find("failing_leaf", 1, true))
  end)

  it_runs("shows the frames of a failure after an await", function(errors)
    local function failing_leaf() ebb.sleep(1) error("boom") end
    ebb.go(function() failing_leaf() return 1 end)
    ebb.sleep(2)
    assert.truthy(support.take(errors)[1].traceback:find("failing_leaf", 1, true))
  end)

  it_runs("R53 R56 error values whose __tostring fails do no harm", function(errors)
    local value = setmetatable({}, { __tostring = function() error("no") end })
    ebb.go(function() error(value) end)
    helper.settle()
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.is_true(rawequal(value, reports[1].err))
  end)
end)

describe("on_task_error", function()
  it("of the runtime gets task, error and traceback", function()
    local calls = {}
    local rt = ebb.runtime {
      clock = "virtual",
      on_task_error = function(...) calls[#calls + 1] = table.pack(...) end,
    }
    rt:run(function()
      ebb.go(function() error("x", 0) end)
      ebb.yield()
    end)
    rt:close()
    assert.equal(1, #calls)
    assert.equal("failed", calls[1][1]:status())
    assert.equal("x", calls[1][2])
    assert.equal("string", type(calls[1][3]))
  end)

  it("of the runtime that throws does not stop the runtime", function()
    local calls = 0
    local rt = ebb.runtime {
      clock = "virtual",
      on_task_error = function() calls = calls + 1 error("from the handler") end,
    }
    local result = rt:run(function()
      ebb.go(function() error("x", 0) end)
      ebb.go(function() error("y", 0) end)
      support.settle()
      return "alive"
    end)
    rt:close()
    assert.equal("alive", result)
    assert.equal(2, calls)
  end)

  it("of the state gets the errors of runtimes without their own", function()
    local got = {}
    ebb.on_task_error(function(task, err, traceback)
      got[#got + 1] = { task:status(), err, type(traceback) }
    end)
    local rt = ebb.runtime { clock = "virtual" }
    rt:run(function()
      ebb.go(function() error("x", 0) end)
      ebb.yield()
    end)
    local own, errors = helper.runtime()
    own:run(function()
      ebb.go(function() error("y", 0) end)
      ebb.yield()
    end)
    ebb.on_task_error(nil)
    rt:close()
    own:close()
    assert.same({ { "failed", "x", "string" } }, got)
    assert.equal(1, #errors)
    assert.equal("y", errors[1].err)
  end)
end)
