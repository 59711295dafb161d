-- ebb.timeout of a function.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack
local near = support.near

describe("timeout of a function", function()
  it_runs("TM7 gives its results when it is in time", function()
    local start = ebb.now()
    assert.same({ n = 4, "a", nil, "c", nil }, pack(ebb.timeout(5, function(...)
      ebb.sleep(1)
      return ...
    end, "a", nil, "c", nil)))
    near(1, ebb.now() - start)
    assert.same({ n = 0 }, pack(ebb.timeout(5, function() end)))
  end)

  it_runs("TM7 gives nil, timeout and the seconds when it is not", function()
    local start = ebb.now()
    assert.same({ n = 3, nil, "timeout", 2 }, pack(ebb.timeout(2, ebb.sleep, 5)))
    near(2, ebb.now() - start)
    assert.same({ n = 3, nil, "timeout", 0.5 }, pack(ebb.timeout(0.5, ebb.sleep, 5)))
  end)

  it_runs("TM7 goes on only after the cleanups", function()
    local start, log = ebb.now(), helper.log()
    local results = pack(ebb.timeout(1, function()
      local _ <close> = support.closer(function(err)
        log(ebb.is_cancelled(err), err.reason)
        ebb.sleep(2)
        log("clean")
      end)
      ebb.sleep(10)
      log("never")
    end))
    log("after")
    assert.same({ n = 3, nil, "timeout", 1 }, results)
    near(3, ebb.now() - start)
    assert.equal("true:timeout clean after", log:text())
  end)

  it_runs("runs it in the calling task", function()
    local me = ebb.current()
    assert.is_true(rawequal(me, (ebb.timeout(1, ebb.current))))
  end)

  it_runs("throws its error, unchanged", function()
    local problem = {}
    local err = support.failure(ebb.timeout, 5, function()
      ebb.sleep(1)
      error(problem)
    end)
    assert.is_true(rawequal(problem, err))
  end)

  it_runs("TM9 tells its own end from a nil, timeout that the function returns", function()
    local results = pack(ebb.timeout(5, function() return nil, "timeout", 99 end))
    assert.same({ n = 3, nil, "timeout", 99 }, results)
  end)

  it_runs("TM7 a body that returns normally has its results, however late", function()
    local start = ebb.now()
    assert.equal("late", ebb.timeout(1, function()
      pcall(ebb.sleep, 10)
      return "late"
    end))
    near(1, ebb.now() - start)
  end)

  it_runs("another error on the way out wins", function()
    helper.throws("(function or operation expected, got number)", ebb.timeout, 1, 5)
    helper.throws("(function or operation expected, got nil)", function() ebb.clock():timeout(1, nil) end)
    helper.throws("other", ebb.timeout, 1, function()
      pcall(ebb.sleep, 10)
      error("other", 0)
    end)
  end)

  it_runs("a pcall in a loop does not get over it", function()
    local rounds = 0
    local results = pack(ebb.timeout(1, function()
      while true do
        local ok, err = pcall(ebb.sleep, 10)
        rounds = rounds + 1
        if not ok and rounds == 50 then error(err, 0) end
      end
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, results)
    assert.equal(50, rounds)
  end)

  it_runs("is over when it has returned: nothing strikes later", function()
    ebb.timeout(1, ebb.sleep, 0.5)
    ebb.sleep(5)
    ebb.timeout(1, ebb.sleep, 5)
    ebb.sleep(5)
    assert.is_nil((ebb.deadline()))
  end)

  it_runs("does not end the tasks that were spawned inside", function()
    local done, task = false, nil
    ebb.timeout(1, function()
      task = ebb.spawn(function()
        ebb.sleep(2)
        done = true
      end)
      ebb.sleep(10)
    end)
    assert.is_false(done)
    task:await()
    assert.is_true(done)
  end)

  it_runs("ends the children of a scope inside", function()
    local log, start = helper.log(), ebb.now()
    local results = pack(ebb.timeout(1, function()
      ebb.scope(function(s)
        s:spawn(function()
          local _ <close> = support.closer(function() log("child") end)
          ebb.sleep(100)
        end)
      end)
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, results)
    near(1, ebb.now() - start)
    assert.equal("child", log:text())
  end)

  it_runs("a cancel of the task passes through it", function()
    local log = helper.log()
    local task = ebb.spawn(function()
      log("returned", ebb.timeout(5, ebb.sleep, 10))
    end)
    ebb.sleep(1)
    task:cancel("user")
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal("", log:text())
  end)
end)
