-- Spawning tasks and taking their results: order of the first run, handles, join and await.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

describe("spawn", function()
  it_runs("TS1 does not run the body inline", function()
    local log = helper.log()
    ebb.spawn(function() log("task") end)
    log("spawned")
    helper.settle()
    log("main")
    assert.equal("spawned task main", log:text())
  end)

  it_runs("TS1 runs the bodies in the order of their spawning #fifo", function()
    local log = helper.log()
    for i = 1, 5 do ebb.spawn(function() log(i) end) end
    ebb.yield()
    log("main")
    assert.equal("1 2 3 4 5 main", log:text())
  end)

  it_runs("TS1 puts a task spawned by a task behind those that are ready #fifo", function()
    local log = helper.log()
    ebb.spawn(function()
      log("a")
      ebb.spawn(function() log("c") end)
    end)
    ebb.spawn(function() log("b") end)
    support.settle()
    assert.equal("a b c", log:text())
  end)

  it_runs("passes its arguments, nil in the middle and at the end included", function()
    local task = ebb.spawn(function(...) return select("#", ...), ... end, 1, nil, "x", nil)
    assert.same({ n = 5, 4, 1, nil, "x", nil }, table.pack(task:await()))
  end)

  it_runs("TS1 takes any number of tasks without anybody waiting for them", function()
    local count = 0
    for _ = 1, 200 do ebb.spawn(function() count = count + 1 end) end
    support.settle()
    assert.equal(200, count)
  end)

  it_runs("TS26 200 tasks spawned from a task complete", function()
    local count = 0
    local task = ebb.spawn(function()
      local children = {}
      for i = 1, 200 do
        children[i] = ebb.spawn(function() ebb.yield() count = count + 1 end)
      end
      for i = 1, 200 do children[i]:await() end
    end)
    task:await()
    assert.equal(200, count)
  end)

  it_runs("TS26 1000 chained spawns resolve", function()
    local function chain(n)
      if n == 0 then return 0 end
      return 1 + ebb.spawn(chain, n - 1):await()
    end
    assert.equal(1000, chain(1000))
  end)

  it_runs("a callable value that is no function is an argument error or is called", function()
    local callable = setmetatable({}, { __call = function(_, v) return "called", v end })
    local ok, task = pcall(ebb.spawn, callable, 7)
    if ok then
      assert.same({ n = 2, "called", 7 }, table.pack(task:await()))
    else
      assert.truthy(tostring(task):find("bad argument #1", 1, true))
    end
  end)

  it("TS22 TS25 a task spawned from outside does not run until the runtime is driven", function()
    local rt = helper.runtime()
    local ran = false
    local task = rt:spawn(function() ran = true return "result" end)
    assert.is_false(ran)
    assert.equal("ready", task:status())
    rt:step(1)
    assert.is_true(ran)
    assert.equal("done", task:status())
    rt:close()
  end)
end)

describe("ebb.go", function()
  it_runs("runs the function with its arguments and gives no handle", function()
    local got
    assert.is_nil((ebb.go(function(...) got = table.pack(...) end, 1, nil, 3)))
    assert.is_nil(got)
    helper.settle()
    assert.same({ n = 3, 1, nil, 3 }, got)
  end)

  it_runs("shares the order of spawn #fifo", function()
    local log = helper.log()
    ebb.go(function() log("a") end)
    ebb.spawn(function() log("b") end)
    ebb.go(function() log("c") end)
    ebb.yield()
    assert.equal("a b c", log:text())
  end)

  it_runs("gives its body a current task", function()
    local current
    ebb.go(function() current = ebb.current() end)
    helper.settle()
    assert.equal("done", current:status())
  end)
end)

describe("ebb.spawn_with", function()
  it_runs("TS28 names the task", function()
    local task = ebb.spawn_with({ name = "loader" }, function(a, b) return b, a end, 1, 2)
    assert.equal("loader", task:name())
    assert.same({ n = 2, 2, 1 }, table.pack(task:await()))
  end)

  it_runs("takes an empty table of options", function()
    assert.equal("x", ebb.spawn_with({}, function() return "x" end):await())
  end)
end)

describe("await and join", function()
  it_runs("TS2 give all results", function()
    local task = ebb.spawn(function() return 1, nil, false, "x", nil end)
    assert.same({ n = 5, 1, nil, false, "x", nil }, table.pack(task:await()))
    assert.same({ n = 6, true, 1, nil, false, "x", nil }, table.pack(task:join()))
  end)

  it_runs("R59 give 0 and 250 results exactly", function()
    local none = ebb.spawn(function() end)
    assert.equal(0, select("#", none:await()))
    assert.same({ n = 1, true }, table.pack(none:join()))
    local many = {}
    for i = 1, 250 do many[i] = i end
    local task = ebb.spawn(function() return table.unpack(many) end)
    assert.same(many, { task:await() })
  end)

  it_runs("R59 10^5 results arrive exactly or are an error", function()
    local task = ebb.spawn(function()
      local many = {}
      for i = 1, 100000 do many[i] = i end
      return table.unpack(many)
    end)
    local results = table.pack(task:join())
    if results[1] then
      assert.equal(100001, results.n)
      assert.equal(100000, results[100001])
    else
      assert.equal("failed", task:status())
    end
  end)

  it_runs("TS3 return at once when the task has ended", function()
    local task = ebb.spawn(function() return "v" end)
    ebb.sleep(1)
    assert.is_true(task:finished())
    support.near(0, support.elapsed(function() assert.equal("v", task:await()) end))
  end)

  it_runs("TS3 wait when it has not", function()
    local task = ebb.spawn(function() ebb.sleep(3) return "late" end)
    support.near(3, support.elapsed(function() assert.equal("late", task:await()) end))
  end)

  it_runs("TS4 twice give the same results", function()
    local value = {}
    local task = ebb.spawn(function() return value, 2 end)
    local first, second = table.pack(task:await()), table.pack(task:await())
    assert.equal(2, first.n)
    assert.equal(2, second.n)
    assert.is_true(rawequal(first[1], value) and rawequal(second[1], value))
  end)

  it_runs("TS4 twice give the same error", function()
    local value = {}
    local task = ebb.spawn(function() error(value) end)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.is_true(rawequal(value, err))
    assert.is_true(rawequal(value, support.failure(task.await, task)))
    assert.is_true(rawequal(value, select(2, task:join())))
  end)

  it_runs("TS4 by several tasks all get the results, the first that waited first #fifo", function()
    local log = helper.log()
    local task = ebb.spawn(function() ebb.sleep(1) return "r" end)
    local waiters = {}
    for i = 1, 4 do waiters[i] = ebb.spawn(function() log(i, task:await()) end) end
    for i = 1, 4 do waiters[i]:await() end
    assert.equal("1:r 2:r 3:r 4:r", log:text())
  end)

  it_runs("TS5 a dropped handle lets the task run on", function()
    local done = false
    do
      local task = ebb.spawn(function() ebb.sleep(1) done = true end)
      assert.is_false(task:finished())
    end
    collectgarbage()
    collectgarbage()
    ebb.sleep(2)
    assert.is_true(done)
  end)

  it_runs("TS6 a failing task disturbs nobody", function()
    local others = 0
    local bad = ebb.spawn(function() error("bad") end)
    for _ = 1, 3 do ebb.spawn(function() ebb.yield() others = others + 1 end) end
    support.settle()
    assert.equal(3, others)
    assert.is_false((bad:join()))
  end)

  it_runs("TS9 await rethrows, join returns false and the error", function()
    local task = ebb.spawn(function() error("message", 0) end)
    assert.same({ n = 2, false, "message" }, table.pack(task:join()))
    assert.equal("message", support.failure(task.await, task))
  end)

  it_runs("TS19 a join that loses a select loses nothing", function()
    local task = ebb.spawn(function() ebb.sleep(2) return "v" end)
    assert.equal(2, (ebb.select(task, ebb.after(1))))
    assert.equal("v", task:await())
  end)

  it_runs("a task is the op of its join, its error is thrown", function()
    local task = ebb.spawn(function() ebb.sleep(1) return "a", "b" end)
    assert.same({ n = 3, 1, "a", "b" }, table.pack(ebb.select(task)))
    assert.same({ n = 2, "a", "b" }, table.pack(ebb.await(task)))
    local bad = ebb.spawn(function() error("bad", 0) end)
    assert.equal("bad", support.failure(ebb.await, bad))
    assert.same({ n = 3, 1, false, "bad" }, table.pack(ebb.select(bad:join_op())))
  end)

  it_runs("R47 awaiting or joining itself is an error at once", function()
    local task
    task = ebb.spawn(function()
      for _, method in ipairs { task.await, task.join } do
        local ok, first = pcall(method, task)
        assert.is_false(ok and first)
        assert.is_false(ebb.is_cancelled(first))
      end
      return "alive"
    end)
    support.near(0, support.elapsed(function() assert.equal("alive", task:await()) end))
  end)

  it_runs("R48 a cycle of joins is an error in the last joiner", function()
    local a, b
    a = ebb.spawn(function()
      ebb.sleep(1)
      return "a:" .. b:await()
    end)
    b = ebb.spawn(function()
      ebb.sleep(2)
      local ok, err = pcall(a.await, a)
      return ok and "waited" or (err ~= nil and "refused")
    end)
    assert.equal("refused", b:await())
    assert.equal("a:refused", a:await())
  end)
end)

describe("many tasks", function()
  it_runs("R62 10^5 alive at once, spawning stays linear #fifo", function(_, rt)
    local function seconds(n)
      local start = os.clock()
      local tasks = {}
      for i = 1, n do tasks[i] = ebb.spawn(ebb.sleep, 1) end
      helper.settle()
      assert.equal(n + 1, rt:metrics().alive)
      ebb.sleep(2)
      for i = 1, n do assert(tasks[i]:status() == "done") end
      return os.clock() - start
    end
    seconds(1000)
    local small = seconds(10000)
    local large = seconds(100000)
    assert.is_true(large < 40 * small + 0.5, ("%.3f s, then %.3f s"):format(small, large))
    assert.equal(1, rt:metrics().alive)
  end)
end)

describe("spawn_with quotas where there are none", function()
  it("throws, and the task never runs (R13)", function()
    local result = require("spec.runtime.support").child([[
      local ebb = require "ebb"
      ebb.run(function()
        local ran = false
        local ok, err = pcall(ebb.spawn_with, { memory = 1 << 20 }, function() ran = true end)
        ebb.sleep(0.01)
        print(ok, ok or err:match "EBB%d+", ran)
      end)
    ]])
    local expected = result.out:find "^true" and "true\ttrue\ttrue\n" or "false\tEBB033\tfalse\n"
    assert.equal(expected, result.out, result.err)
  end)
end)
