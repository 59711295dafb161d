-- ebb.join_set: tasks taken in the order in which they end.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, after = helper.it, support.after

local function drain(set)
  local list = {}
  for task in set do list[#list + 1] = select(2, task:join()) end
  return list
end

describe("join_set", function()
  it_runs("JS1 gives tasks in the order of their ends, nil when it is empty", function()
    local set = ebb.join_set()
    set:spawn(after(3, "c"))
    set:spawn(after(1, "a"))
    set:spawn(after(2, "b"))
    assert.equal("a", set:join_next():await())
    support.near(1, ebb.now())
    assert.same({ "b", "c" }, drain(set))
    assert.is_nil(set:join_next())
    support.near(3, ebb.now())
  end)

  it_runs("JS2 try_join_next never waits and takes what it gives", function()
    local set = ebb.join_set()
    assert.is_nil(set:try_join_next())
    local task = set:spawn(after(0, 1))
    assert.is_nil(set:try_join_next())
    task:join()
    assert.equal(task, set:try_join_next())
    assert.is_nil(set:try_join_next())
    assert.equal(0, #set)
  end)

  it_runs("JS3 a branch that loses takes nothing", function()
    local set = ebb.join_set()
    set:spawn(after(1, "x"))
    assert.equal(2, ebb.select(set, ebb.after(0.5)))
    assert.same({ nil, "timeout", 0.25 }, { ebb.timeout(0.25, set) })
    local which, task = ebb.select(set, ebb.after(5))
    assert.equal(1, which)
    assert.equal("x", task:await())
  end)

  it_runs("JS3 what ends at the same moment as a deadline is not lost", function()
    local set = ebb.join_set()
    set:spawn(after(1, "x"))
    ebb.timeout(1, set)
    if #set == 1 then assert.equal("x", set:join_next():await()) end
    assert.equal(0, #set)
  end)

  it_runs("JS4 leaving its block ends its tasks and waits for their cleanups", function()
    local log = helper.log()
    do
      local set <close> = ebb.join_set()
      set:spawn(function()
        local _ <close> = support.closer(function() ebb.sleep(2) log "cleaned" end)
        ebb.sleep(100)
      end)
      helper.settle()
    end
    assert.equal("cleaned", log:text())
    support.near(2, ebb.now())
  end)

  it_runs("JS4 collected, it cancels its own", function()
    local log = helper.log()
    local task
    do
      local set = ebb.join_set()
      task = set:spawn(function()
        local _ <close> = support.closer(function() log "ended" end)
        ebb.sleep(100)
      end)
      helper.settle()
    end
    collectgarbage()
    collectgarbage()
    assert.is_false((task:join()))
    assert.equal("ended", log:text())
  end)

  it_runs("JS5 cancel_all leaves them in the set; those that had ended have their values", function()
    local set = ebb.join_set()
    local done = set:spawn(after(0, "done"))
    done:join()
    set:spawn(after(9))
    set:spawn(after(9))
    set:cancel_all "enough"
    assert.equal(3, #set)
    assert.equal("done", set:join_next():await())
    for _ = 1, 2 do
      local ok, err = set:join_next():join()
      assert.is_false(ok)
      assert.truthy(tostring(err):find("enough", 1, true))
    end
    assert.is_nil(set:join_next())
  end)

  it_runs("a task cancelled before it ran is one of them", function()
    local set = ebb.join_set()
    local task = set:spawn(after(9))
    task:cancel()
    assert.equal(task, set:join_next())
    assert.equal("cancelled", task:status())
    assert.is_nil(set:join_next())
  end)

  it_runs("JS6 shutdown ends all and leaves it empty and usable", function()
    local log = helper.log()
    local set = ebb.join_set()
    for i = 1, 2 do
      set:spawn(function()
        local _ <close> = support.closer(function() ebb.sleep(1) log(i) end)
        ebb.sleep(100)
      end)
    end
    helper.settle()
    set:spawn(after(0, "lost")):join()
    set:shutdown()
    table.sort(log)
    assert.equal("1 2", log:text())
    assert.equal(0, #set)
    assert.is_nil(set:join_next())
    set:spawn(after(1, "again"))
    assert.equal("again", set:join_next():await())
  end)

  it_runs("JS7 detach_all lets them go on", function()
    local log = helper.log()
    do
      local set <close> = ebb.join_set()
      set:spawn(function() ebb.sleep(1) log "went on" end)
      ebb.yield()
      set:detach_all()
      assert.equal(0, #set)
      assert.is_nil(set:join_next())
    end
    ebb.sleep(2)
    assert.equal("went on", log:text())
  end)

  it_runs("JS9 its length counts what ended and was not taken", function()
    local set = ebb.join_set()
    set:spawn(after(0))
    set:spawn(after(1))
    assert.equal(2, #set)
    ebb.sleep(2)
    assert.equal(2, #set)
    set:join_next()
    assert.equal(1, #set)
    assert.equal("ebb.join_set: 0 running, 1 ended", tostring(set))
  end)

  it_runs("JS11 grows while it is drained", function()
    local set = ebb.join_set()
    local n = 0
    set:spawn(after(1))
    for _ in set do
      n = n + 1
      if n < 5 then set:spawn(after(1)) end
    end
    assert.equal(5, n)
    support.near(5, ebb.now())
  end)

  it_runs("JS13 taking many that have ended lets others have their turn", function()
    local set = ebb.join_set()
    for _ = 1, 6000 do set:spawn(after(0)) end
    ebb.sleep(1)
    local turns, going = 0, true
    ebb.go(function()
      while going do
        turns = turns + 1
        ebb.yield()
      end
    end)
    for _ in set do end
    going = false
    assert.is_true(turns >= 2)
  end)

  it_runs("several tasks may wait; the last learn that it is empty", function()
    local set = ebb.join_set()
    set:spawn(after(1, "a"))
    local got = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(function()
        local task = set:join_next()
        got[i] = task and task:await() or "empty"
      end)
    end
    ebb.join_all(tasks)
    table.sort(got)
    assert.same({ "a", "empty", "empty" }, got)
  end)

  it_runs("a failure is not reported before somebody could look at it", function(errors)
    local set = ebb.join_set()
    set:spawn(function() error("first", 0) end)
    ebb.sleep(5)
    assert.equal(0, #errors)
    local ok, err = set:join_next():join()
    assert.is_false(ok)
    assert.equal("first", err)
  end)

  it("a failure that nobody takes is reported when the run ends", function()
    local rt, errors = helper.runtime()
    rt:run(function()
      local set = ebb.join_set()
      set:spawn(function() error("untaken", 0) end)
      set:spawn(function() error("ignored", 0) end)
      helper.settle()
      helper.settle()
      set:join_next()
      set:close()
    end)
    rt:close()
    assert.equal(2, #errors)
  end)

  it_runs("a cancelled wait takes nothing", function()
    local set = ebb.join_set()
    set:spawn(after(1, "kept"))
    local waiter = ebb.spawn(set.join_next, set)
    ebb.yield()
    waiter:cancel()
    waiter:join()
    assert.equal("kept", set:join_next():await())
  end)

  it_runs("cancelled in the same turn as an end, the end is not lost", function()
    local set = ebb.join_set()
    local waiter = ebb.spawn(set.join_next, set)
    local task = set:spawn(after(1, "kept"))
    ebb.sleep(1)
    waiter:cancel()
    local ok, taken = waiter:join()
    assert.equal(task, ok and taken or set:join_next())
    assert.equal("kept", task:await())
  end)

  it("works outside of tasks", function()
    local rt = helper.runtime()
    ebb.use(rt)
    local set = ebb.join_set()
    set:spawn(after(1, "x"))
    assert.equal("x", set:join_next():await())
    set:spawn(after(100))
    set:shutdown()
    set:close()
    set:close()
    ebb.use(nil)
    rt:close()
  end)

  it_runs("a task that was promised to one is not given to another #fifo", function()
    local set, log = ebb.join_set(), helper.log()
    set:spawn(after(1, "second"))
    ebb.spawn(function() log("waiting", set:join_next():await()) end)
    ebb.yield()
    set:spawn(function() return "first" end)
    -- it runs after the first has ended, and before the one who waits for it
    ebb.spawn(function() log("late", set:join_next():await()) end)
    ebb.sleep(2)
    assert.equal("waiting:first late:second", log:text())
  end)

  it_runs("collected with failures nobody took, it reports them", function(errors)
    do
      local set = ebb.join_set()
      for i = 1, 3 do set:spawn(error, i) end
      helper.settle()
      assert.equal(3, #set)
    end
    for _ = 1, 3 do
      collectgarbage()
      helper.settle()
    end
    assert.equal(3, #errors)
    for i = #errors, 1, -1 do errors[i] = nil end
  end)

  it_runs("collected while its tasks are held, leaves their failures to them", function(errors)
    local tasks = {}
    do
      local set = ebb.join_set()
      for i = 1, 3 do tasks[i] = set:spawn(error, i) end
      helper.settle()
    end
    for _ = 1, 3 do collectgarbage() end
    for i = 1, 3 do assert.same({ false, i }, { tasks[i]:join() }) end
    assert.equal(0, #errors)
  end)

  it_runs("closed, it takes no more", function()
    local set = ebb.join_set()
    set:close()
    helper.throws("join_set that is closed", set.spawn, set, print)
    assert.is_nil(set:join_next())
    assert.equal("ebb.join_set: closed", tostring(set))
  end)

  it_runs("is told from what it is not", function()
    helper.throws("bad argument", ebb.join_set().spawn, ebb.channel(), print)
    helper.throws("function expected", function() ebb.join_set():spawn(1) end)
  end)
end)
