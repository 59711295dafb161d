-- ebb.semaphore: permits, their queue, closing, cancels.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs, settle, pack = helper.it, helper.settle, table.pack

describe("a semaphore", function()
  it_runs("SM7 counts its permits", function()
    local sem = ebb.semaphore(3)
    assert.equal(3, sem:available())
    local a, b = sem:acquire(), sem:acquire(2)
    assert.equal(0, sem:available())
    a:close()
    assert.equal(1, sem:available())
    b:close()
    b:close()
    assert.equal(3, sem:available())
    helper.throws("too many permits", sem.add, sem, math.maxinteger)
    for _, bad in ipairs { -1, 1.5, 0 / 0, "x", {} } do
      assert.is_false(pcall(ebb.semaphore, bad))
      assert.is_false(pcall(sem.acquire, sem, bad))
    end
  end)

  it_runs("SM1 serves in order, a large request first if it came first #fifo", function()
    local sem, log = ebb.semaphore(0), helper.log()
    for i, n in ipairs { 3, 1, 2 } do
      ebb.go(function()
        local permit <close> = sem:acquire(n)
        log(i, permit:count())
      end)
    end
    settle()
    sem:add(2)
    settle()
    assert.same({ n = 2, nil, "empty" }, pack(sem:try_acquire()))
    assert.equal("", log:text())
    sem:add(1)
    settle()
    assert.equal("1:3 2:1 3:2", log:text())
    assert.equal(3, sem:available())
  end)

  it_runs("SM2 a permit is given back when closed or collected, not when forgotten", function()
    local sem = ebb.semaphore(4)
    do local _ <close> = sem:acquire() end
    assert.equal(4, sem:available())
    sem:acquire()
    collectgarbage()
    collectgarbage()
    assert.equal(4, sem:available())
    local permit = sem:acquire(3)
    permit:forget()
    permit:close()
    permit:forget()
    assert.equal(1, sem:available())
    assert.equal(1, sem:forget(5))
    assert.equal(0, sem:forget(5))
  end)

  it_runs("SM3 SM10 permits added later wake in order #fifo", function()
    local sem, log = ebb.semaphore(0), helper.log()
    for i = 1, 3 do
      ebb.go(function()
        sem:acquire():forget()
        log(i, ebb.now())
      end)
    end
    for _ = 1, 3 do
      ebb.sleep(1)
      sem:add(1)
    end
    settle()
    assert.matches("^1:%S+ 2:%S+ 3:%S+$", log:text())
    assert.equal(0, sem:available())
  end)

  it_runs("SM4 try_acquire never waits", function()
    local sem = ebb.semaphore(1)
    assert.same({ n = 2, nil, "empty" }, pack(sem:try_acquire(2)))
    local permit = sem:try_acquire()
    assert.same({ n = 2, nil, "empty" }, pack(sem:try_acquire()))
    permit:close()
    sem:close()
    assert.same({ n = 2, nil, "closed" }, pack(sem:try_acquire()))
  end)

  it_runs("SM5 R100 closed: who waits or comes is refused, what is out comes back", function()
    local sem = ebb.semaphore(1)
    local permit = sem:acquire()
    local task = ebb.spawn(function() return sem:acquire() end)
    settle()
    sem:close()
    sem:close()
    assert.is_true(sem:is_closed())
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(sem:acquire()))
    assert.same({ n = 2, nil, "closed" }, pack(sem:acquire(0)))
    permit:close()
    sem:add(2)
    assert.equal(3, sem:available())
    assert.equal(2, sem:forget(2))
    assert.is_true(sem:is_closed())
  end)

  it_runs("SM6 permits are split and merged", function()
    local sem = ebb.semaphore(5)
    local all = sem:acquire(5)
    local two = all:split(2)
    assert.is_nil(all:split(4))
    assert.equal(3, all:count())
    two:close()
    assert.equal(2, sem:available())
    local more = sem:acquire()
    assert.equal(all, all:merge(more))
    assert.equal(all, all:merge(all))
    assert.equal(0, more:count())
    helper.throws("another semaphore", all.merge, all, ebb.semaphore(1):acquire())
    helper.throws("given back", all.merge, all, more)
    all:close()
    assert.equal(5, sem:available())
  end)

  it_runs("SM9 acquire(0) succeeds at once, whoever waits", function()
    local sem = ebb.semaphore(0)
    local task = ebb.spawn(function() sem:acquire() end)
    settle()
    assert.equal(0, sem:acquire(0):count())
    task:cancel()
  end)

  it_runs("is an op, and gives ops for several permits", function()
    local sem, never = ebb.semaphore(2), ebb.never()
    local i, permit = ebb.select(never, sem)
    assert.equal(2, i)
    assert.equal(1, permit:count())
    local which, two = ebb.select { never = never, two = sem:acquire_op(2), one = sem }
    assert.equal("one", which)
    two:close()
    permit:close()
    assert.equal(2, sem:acquire_op(2):await():count())
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, sem)))
  end)

  it_runs("of select only the chosen request takes permits", function()
    local a, b = ebb.semaphore(0), ebb.semaphore(0)
    local task = ebb.spawn(function() return ebb.select(a, b, a:acquire_op(2)) end)
    settle()
    b:add(1)
    a:add(3)
    local i, permit = task:await()
    assert.equal(2, i)
    assert.equal(3, a:available())
    assert.equal(0, b:available())
    permit:close()
  end)

  it_runs("says what it is", function()
    local sem = ebb.semaphore(2)
    local permit = sem:acquire()
    assert.equal("ebb.semaphore: 1 of 2 available", tostring(sem))
    assert.equal("ebb.semaphorepermit: 1 held", tostring(permit))
    permit:close()
    sem:close()
    assert.equal("ebb.semaphore: 2 of 2 available, closed", tostring(sem))
    assert.equal("ebb.semaphorepermit: given back", tostring(permit))
  end)
end)

describe("a cancelled acquire", function()
  it_runs("before its start asks for nothing", function()
    local sem = ebb.semaphore(1)
    local task = ebb.spawn(function() sem:acquire(1):forget() end)
    task:cancel()
    task:join()
    assert.equal(1, sem:available())
  end)

  it_runs("SM8 R98 while waiting leaves the queue to those behind it #fifo", function()
    local sem, log = ebb.semaphore(1), helper.log()
    local large = ebb.spawn(function() sem:acquire(2) end)
    for i = 1, 2 do
      ebb.go(function()
        local _ <close> = sem:acquire()
        log(i)
      end)
    end
    settle()
    assert.equal("", log:text())
    large:cancel()
    large:cancel("twice")
    settle()
    assert.equal("1 2", log:text())
    assert.equal(1, sem:available())
  end)

  it_runs("R69 in the turn of its wake has the permit and gives it back on its way out #fifo", function()
    local sem, got = ebb.semaphore(0), false
    local task = ebb.spawn(function()
      local _ <close> = sem:acquire()
      got = true
      helper.settle()
      got = "never"
    end)
    settle()
    sem:add(1)
    task:cancel()
    task:cancel()
    task:join()
    assert.is_true(got)
    assert.equal(1, sem:available())
  end)

  it_runs("in a crowd loses no permit, whenever the cancels come", function()
    for round = 1, 50 do
      local sem, tasks = ebb.semaphore(3), {}
      for i = 1, 20 do
        tasks[i] = ebb.spawn(function()
          for k = 1, 5 do
            local _ <close> = sem:acquire((i + k) % 3 + 1)
            ebb.yield()
          end
        end)
      end
      for i = 1, 20 do
        if (i * 7 + round) % 4 == 0 then ebb.yield() end
        if (i + round) % 3 == 0 then tasks[i]:cancel() end
      end
      for i = 1, 20 do tasks[i]:join() end
      assert.equal(3, sem:available())
    end
  end)
end)
