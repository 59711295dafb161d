-- ebb.timeout, ebb.timeout_at, ebb.deadline.
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

describe("timeout of an op", function()
  it_runs("gives its values when it happens in time", function()
    local ch = ebb.channel()
    ebb.spawn(function()
      ebb.sleep(1)
      ch:send("v")
    end)
    assert.same({ n = 1, "v" }, pack(ebb.timeout(5, ch)))
    assert.same({ n = 3, 1, nil, 3 }, pack(ebb.timeout(5, ebb.ready(1, nil, 3))))
  end)

  it_runs("R70 loses nothing when it does not", function()
    local ch = ebb.channel(1)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, ch)))
    assert.is_true(ch:try_send("kept"))
    assert.equal("kept", ch:try_recv())
  end)

  it_runs("of a task leaves the task alone", function()
    local task = ebb.spawn(function()
      ebb.sleep(3)
      return "result"
    end)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, task)))
    assert.equal("result", ebb.timeout(10, task))
  end)

  it_runs("refuses what is neither a function nor an op", function()
    for _, bad in ipairs { 1, "x", true, {} } do
      helper.throws("bad argument #2", ebb.timeout, 1, bad)
    end
    helper.throws("bad argument #2", ebb.timeout, 1)
  end)
end)

describe("the seconds of a timeout", function()
  it_runs("TM8 0 or negative: what is ready at once wins", function()
    local ch = ebb.channel(3)
    for i = 1, 3 do ch:send(i) end
    for i, s in ipairs { 0, -1, -math.huge } do
      assert.equal(i, ebb.timeout(s, function() return ch:recv() end))
    end
    assert.equal("ready", ebb.timeout(0, ebb.ready("ready")))
    assert.equal("plain", ebb.timeout(0, function() return "plain" end))
  end)

  it_runs("TM8 0 or negative: the next await that would wait is struck, in no time", function()
    local start = ebb.now()
    for _, s in ipairs { 0, -1 } do
      local reached = false
      local v, why = ebb.timeout(s, function()
        ebb.sleep(10)
        reached = true
      end)
      assert.is_nil(v)
      assert.equal("timeout", why)
      assert.is_false(reached)
    end
    assert.equal(start, ebb.now())
  end)

  it_runs("R76 TM10 math.huge never strikes", function()
    assert.equal("done", ebb.timeout(math.huge, function()
      ebb.sleep(1e7)
      return "done"
    end))
  end)

  it_runs("R77 TM10 huge ones do not strike early", function()
    for _, s in ipairs { 2 ^ 31, 2 ^ 53, 1e300, math.maxinteger } do
      assert.equal("done", ebb.timeout(s, function()
        ebb.sleep(1e5)
        return "done"
      end))
    end
  end)

  it_runs("R75 are no NaN and no other type", function()
    for _, bad in ipairs { 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1", ebb.timeout, bad, print)
      helper.throws("bad argument #1", ebb.timeout_at, bad, print)
    end
  end)

  it_runs("TM11 YC7 a body that never has to wait is struck all the same", function()
    local rounds = 0
    local ready = ebb.ready()
    local v, why = ebb.timeout(0, function()
      while rounds < 100000 do
        ebb.await(ready)
        rounds = rounds + 1
      end
      return "never"
    end)
    assert.is_nil(v)
    assert.equal("timeout", why)
    assert.is_true(rounds < 100000)
  end)
end)

describe("nested timeouts", function()
  it_runs("TM9 the inner one first: only it reports", function()
    local start = ebb.now()
    local outer = pack(ebb.timeout(5, function()
      local inner = pack(ebb.timeout(1, ebb.sleep, 10))
      assert.same({ n = 3, nil, "timeout", 1 }, inner)
      ebb.sleep(1)
      return "outer"
    end))
    assert.same({ n = 1, "outer" }, outer)
    near(2, ebb.now() - start)
  end)

  it_runs("TM9 the outer one first: the inner one does not return", function()
    local returned, start = false, ebb.now()
    local outer = pack(ebb.timeout(1, function()
      ebb.timeout(5, ebb.sleep, 10)
      returned = true
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, outer)
    assert.is_false(returned)
    near(1, ebb.now() - start)
  end)

  it_runs("TM9 of two equal ones the outer strikes", function()
    local returned = false
    local outer = pack(ebb.timeout(1, function()
      ebb.timeout(1, ebb.sleep, 10)
      returned = true
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, outer)
    assert.is_false(returned)
  end)

  it_runs("20 deep: each may be the one that strikes", function()
    for which = 1, 20 do
      local function nest(level)
        if level > 20 then return ebb.sleep(100) end
        local seconds = level == which and 1 or 50 + level
        local results = pack(ebb.timeout(seconds, nest, level + 1))
        if results[2] == "timeout" then
          assert.equal(which, level)
          assert.equal(1, results[3])
          return "struck"
        end
        return table.unpack(results, 1, results.n)
      end
      local start = ebb.now()
      assert.equal("struck", nest(1))
      near(1, ebb.now() - start)
    end
  end)

  it_runs("a second one in the cleanup of the first works there", function()
    local inner
    ebb.timeout(1, function()
      local _ <close> = support.closer(function() inner = pack(ebb.timeout(1, ebb.sleep, 3)) end)
      ebb.sleep(10)
    end)
    assert.same({ n = 3, nil, "timeout", 1 }, inner)
  end)
end)

describe("timeout_at and deadline", function()
  it_runs("TM10 timeout_at strikes at its time", function()
    local start = ebb.now()
    local v, why = ebb.timeout_at(start + 2, ebb.sleep, 10)
    assert.is_nil(v)
    assert.equal("timeout", why)
    near(2, ebb.now() - start)
    assert.same({ n = 2, "a", "b" }, pack(ebb.timeout_at(start + 5, function(...)
      ebb.sleep(1)
      return ...
    end, "a", "b")))
    assert.equal("v", ebb.timeout_at(start - 10, ebb.ready("v")))
  end)

  it_runs("deadline is the earliest one in force, nil when there is none", function()
    assert.is_nil((ebb.deadline()))
    local start = ebb.now()
    ebb.timeout(10, function()
      near(start + 10, ebb.deadline())
      ebb.timeout(5, function() near(start + 5, ebb.deadline()) end)
      near(start + 10, ebb.deadline())
      ebb.timeout(50, function() near(start + 10, ebb.deadline()) end)
      ebb.timeout_at(start + 7, function() near(start + 7, ebb.deadline()) end)
    end)
    assert.is_nil((ebb.deadline()))
  end)
end)
