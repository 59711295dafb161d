-- Guards and tasks: a task's own guard, and guards whose closing waits.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs, throws = helper.it, helper.throws

describe("task_guard", function()
  it("is refused outside tasks, with a code", function()
    throws("EBB015", ebb.task_guard)
  end)

  it_runs("S0.3 is one per task, closed when the task ends, before joiners go on", function()
    local log = helper.log()
    local kept
    local task = ebb.spawn(function()
      local g = ebb.task_guard()
      assert.is_true(rawequal(g, ebb.task_guard()))
      kept = g:bytes(100)
      g:defer(function() log("defer") end)
      ebb.yield()
      assert.is_true(rawequal(g, ebb.task_guard()))
      log("body")
      return "result", 2
    end)
    local mine = ebb.task_guard()
    local a, b = task:await()
    log("joined")
    assert.equal("result", a)
    assert.equal(2, b)
    assert.equal("body defer joined", log:text())
    throws("EBB012", function() return kept[1] end)
    assert.truthy(tostring(mine):find("open", 1, true))
  end)

  it_runs("closes on error; the body's error is the task's", function()
    local closed = 0
    local task = ebb.spawn(function()
      ebb.task_guard():defer(function() closed = closed + 1 end)
      error("broken", 0)
    end)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.equal("broken", err)
    assert.equal(1, closed)
  end)

  it_runs("an error of its closing is the task's when the body had none", function()
    local task = ebb.spawn(function()
      ebb.task_guard():defer(function() error("late", 0) end)
      return 1
    end)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.equal("late", err)
  end)

  it_runs("R170 closes once when the task is cancelled, and its cleanups may wait", function()
    local log = helper.log()
    local kept
    local task = ebb.spawn(function()
      local g = ebb.task_guard()
      kept = g:buffer(100)
      g:defer(function()
        log("closing", #kept)
        ebb.sleep(1)
        log("closed")
      end)
      ebb.sleep(60)
    end)
    helper.settle()
    local start = ebb.now()
    task:cancel("enough")
    task:join()
    assert.equal("closing:0 closed", log:text())
    assert.is_true(math.abs(ebb.now() - start - 1) < 1e-6)
    assert.equal("cancelled", task:status())
    throws("EBB012", function() return #kept end)
  end)

  it_runs("a task cancelled before its first run has none to close", function()
    local task = ebb.spawn(function() ebb.task_guard() end)
    task:cancel()
    assert.is_false((task:join()))
  end)

  it_runs("asked for by what it closes is a new one, closed as well", function()
    local n = 0
    local task = ebb.spawn(function()
      ebb.task_guard():defer(function()
        ebb.task_guard():defer(function() n = n + 1 end)
      end)
    end)
    task:join()
    assert.equal(1, n)
  end)
end)

describe("a guard that closes in a task", function()
  it_runs("may wait at every step, in order, once", function()
    local log = helper.log()
    local start = ebb.now()
    do
      local g <close> = ebb.guard()
      for i = 1, 3 do
        g:bytes(10)
        g:defer(function() ebb.sleep(1) log(i) end)
        g:guard():own({ close = function() ebb.sleep(1) log("child", i) end })
      end
    end
    assert.equal("child:3 3 child:2 2 child:1 1", log:text())
    assert.is_true(math.abs(ebb.now() - start - 6) < 1e-6)
  end)

  it_runs("goes on waiting after a failure that came after a wait", function()
    local log = helper.log()
    local g = ebb.guard()
    g:defer(function() ebb.sleep(1) log "second" end)
    g:defer(function() ebb.sleep(1) error("first", 0) end)
    g:defer(function() ebb.yield() log "before" end)
    throws("first", g.close, g)
    assert.equal("before second", log:text())
    assert.equal(0, g:stats().count)
  end)

  it_runs("is closing for everyone else meanwhile", function()
    local g = ebb.guard()
    local b = g:bytes(1)
    g:defer(function() ebb.sleep(1) end)
    local task = ebb.spawn(g.close, g)
    helper.settle()
    throws("EBB012", g.bytes, g, 1)
    assert.equal(0, b[1])
    g:close() -- it is being closed: nothing to do
    task:await()
    throws("EBB012", function() return b[1] end)
    assert.truthy(tostring(g):find("closed", 1, true))
  end)

  it_runs("release waits, too", function()
    local log = helper.log()
    local g <close> = ebb.guard()
    local x = g:own({ close = function() ebb.sleep(1) log "closed" end })
    g:release(x)
    assert.equal("closed", log:text())
    local child = g:guard()
    child:defer(function() ebb.yield() log "child" end)
    g:release(child)
    assert.equal("closed child", log:text())
  end)

  it_runs("reset waits, and then it is open again", function()
    local g <close> = ebb.guard()
    local n = 0
    g:defer(function() ebb.sleep(1) n = n + 1 end)
    g:reset()
    assert.equal(1, n)
    assert.equal(4, #g:bytes(4))
  end)

  it_runs("R170 S0.8 is closed once when a cancel strikes in the block", function()
    local log = helper.log()
    local live = ebb.alloc.stats().pool.live
    local task = ebb.spawn(function()
      local g <close> = ebb.guard()
      local b = g:bytes(1000)
      g:defer(function() log "rolling back" ebb.sleep(1) log("rolled back", #b) end)
      ebb.sleep(60)
    end)
    helper.settle()
    assert.equal(live + 1000, ebb.alloc.stats().pool.live)
    task:cancel()
    task:join()
    assert.equal("rolling back rolled back:1000", log:text())
    assert.equal(live, ebb.alloc.stats().pool.live)
  end)

  it_runs("R164 is held across awaits without harm", function()
    local tasks = {}
    for i = 1, 50 do
      tasks[i] = ebb.spawn(function()
        local g <close> = ebb.guard()
        local a = g:array("i32", 100):fill(i)
        for _ = 1, 5 do
          ebb.yield()
          a:add(1)
        end
        assert.equal((i + 5) * 100, a:sum())
      end)
    end
    for _, task in ipairs(tasks) do task:await() end
  end)

  it_runs("is finished by the collector if the coroutine that closed it is given up", function()
    local log = helper.log()
    do
      local g = ebb.guard()
      g:defer(function() log "older" end)
      g:defer(function() coroutine.yield() end)
      local co = coroutine.create(function() g:close() end)
      coroutine.resume(co)
    end
    collectgarbage()
    collectgarbage()
    assert.equal("older", log:text())
  end)
end)

describe("a guard that closes where nothing can wait", function()
  it("drives the runtime when no task is running", function()
    local log = helper.log()
    do
      local g <close> = ebb.guard()
      g:defer(function() ebb.sleep(0.001) log "waited" end)
    end
    assert.equal("waited", log:text())
  end)

  it_runs("passes the error of the wait on and closes the rest", function()
    local closed = false
    local g = ebb.guard()
    g:defer(function() closed = true end)
    g:defer(function() ebb.sleep(1) end)
    local list = { 3, 1, 2 }
    throws("EBB051", table.sort, list, function(a, b)
      g:close()
      return a < b
    end)
    assert.is_true(closed)
    assert.truthy(tostring(g):find("closed", 1, true))
  end)
end)
