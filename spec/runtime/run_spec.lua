-- ebb.run, rt:run and rt:block_on: results, errors, what happens to the tasks that are left.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer, near, contains = support.closer, support.near, support.contains

--- Runs fn with a fresh virtual-clock runtime and closes it.
local function with_runtime(fn, opts)
  local rt, errors = helper.runtime(opts)
  local ok, err = xpcall(fn, debug.traceback, rt, errors)
  rt:close()
  if not ok then error(err, 0) end
end

describe("results of run", function()
  it("BO1 all values come back, nils in the middle and at the end too", function()
    with_runtime(function(rt)
      local results = table.pack(rt:run(function() return 1, nil, "three", nil end))
      assert.equal(4, results.n)
      assert.equal(1, results[1])
      assert.is_nil(results[2])
      assert.equal("three", results[3])
      assert.is_nil(results[4])
    end)
  end)

  it("BO1 no values are no values", function()
    with_runtime(function(rt)
      assert.equal(0, select("#", rt:run(function() end)))
    end)
  end)

  it("BO1 values that come after an await are the same objects", function()
    with_runtime(function(rt)
      local value = {}
      local got = rt:run(function()
        ebb.sleep(1)
        return value
      end)
      assert.is_true(rawequal(value, got))
    end)
  end)

  it("BO1 the arguments reach main", function()
    with_runtime(function(rt)
      local got = table.pack(rt:run(function(...) return select("#", ...), ... end, nil, "b", nil))
      assert.equal(4, got.n)
      assert.equal(3, got[1])
      assert.is_nil(got[2])
      assert.equal("b", got[3])
    end)
  end)

  it("R59 two hundred arguments and results", function()
    with_runtime(function(rt)
      local list = {}
      for i = 1, 200 do list[i] = i end
      local got = table.pack(rt:run(function(...)
        ebb.yield()
        return ...
      end, table.unpack(list)))
      assert.equal(200, got.n)
      for i = 1, 200 do assert.equal(i, got[i]) end
    end)
  end)

  it("BO1 ebb.run uses the default runtime, with the system's clock", function()
    local start = ebb.now()
    local a, b = ebb.run(function(x)
      ebb.sleep(0.01)
      return x, ebb.now()
    end, "x")
    assert.equal("x", a)
    assert.is_true(b - start >= 0.01)
    assert.is_true(ebb.now() >= b)
  end)

  it("BO1 main is a task, and afterwards none is running", function()
    with_runtime(function(rt)
      assert.is_nil(ebb.current())
      local task, status = rt:run(function()
        return ebb.current(), ebb.current():status()
      end)
      assert.equal("running", status)
      assert.equal("done", task:status())
      assert.is_true(task:finished())
      assert.is_nil(ebb.current())
    end)
  end)

  it("main must be given", function()
    with_runtime(function(rt)
      for _, wrong in ipairs { 1, "main", true } do
        helper.throws("bad argument", rt.run, rt, wrong)
        helper.throws("bad argument", ebb.run, wrong)
      end
      helper.throws("bad argument", rt.run, rt)
      helper.throws("bad argument", ebb.run)
      assert.equal(1, rt:run(function() return 1 end))
    end)
  end)
end)

describe("errors of main", function()
  local payloads = {
    table = {}, ["object with a metatable"] = setmetatable({}, { __tostring = error }),
    ["false"] = false, number = 12, ["function"] = print, userdata = io.stdout,
  }
  for kind, payload in pairs(payloads) do
    it("BO2 R53 a " .. kind .. " arrives unchanged", function()
      with_runtime(function(rt)
        local ok, err = pcall(rt.run, rt, function() error(payload) end)
        assert.is_false(ok)
        assert.is_true(rawequal(payload, err))
        ok, err = pcall(rt.run, rt, function()
          ebb.sleep(1)
          error(payload)
        end)
        assert.is_false(ok)
        assert.is_true(rawequal(payload, err))
      end)
    end)
  end

  it("BO2 error(nil) arrives as nil", function()
    with_runtime(function(rt)
      local got = table.pack(pcall(rt.run, rt, function() error(nil) end))
      assert.is_false(got[1])
      if _VERSION == "Lua 5.4" then assert.is_nil(got[2]) end
    end)
  end)

  it("BO2 a string keeps the position where it was thrown, and gets nothing added", function()
    with_runtime(function(rt)
      local place = support.here(2)
      local _, err = pcall(rt.run, rt, function()
        error("broken")
      end)
      assert.equal("string", type(err))
      contains(place .. ": broken", err)
      assert.equal("broken", err:match("broken.*$"))
    end)
  end)

  it("BO2 main's error is no unobserved error", function()
    with_runtime(function(rt, errors)
      pcall(rt.run, rt, function() error("broken") end)
      assert.equal(0, #errors)
    end)
  end)

  it("R54 an overflow of the stack is an error of main alone", function()
    with_runtime(function(rt)
      local function deep() return 1 + deep() end
      local ok, err = pcall(rt.run, rt, deep)
      assert.is_false(ok)
      contains("stack overflow", err)
      assert.equal("fine", rt:run(function()
        ebb.sleep(1)
        return "fine"
      end))
    end)
  end)

  it("BO2 a main that was cancelled has no results: run throws", function()
    with_runtime(function(rt)
      local err = helper.throws("cancelled", rt.run, rt, function()
        ebb.current():cancel("by itself")
        ebb.yield()
      end)
      contains("by itself", err)
    end)
  end)
end)

describe("tasks left when main returns", function()
  it("BO9 TS27 are cancelled, their cleanups run once, before run returns", function()
    with_runtime(function(rt)
      local log, task = helper.log(), nil
      rt:run(function()
        task = ebb.spawn(function()
          local _ <close> = closer(function(err) log("closed", ebb.is_cancelled(err)) end)
          ebb.sleep(1000)
          log("never")
        end)
        ebb.yield()
        log("main ends")
      end)
      assert.equal("main ends closed:true", log:text())
      assert.equal("cancelled", task:status())
      assert.equal(0, rt:metrics().alive)
    end)
  end)

  it("BO9 their cleanups may await", function()
    with_runtime(function(rt)
      local ended_at
      local result = rt:run(function()
        ebb.spawn(function()
          local _ <close> = closer(function()
            ebb.sleep(2)
            ended_at = ebb.now()
          end)
          ebb.sleep(1000)
        end)
        ebb.yield()
        return ebb.now()
      end)
      near(result + 2, ended_at)
    end)
  end)

  it("BO9 the same when main fails, and its error is thrown", function()
    with_runtime(function(rt)
      local log, failure = helper.log(), {}
      local ok, err = pcall(rt.run, rt, function()
        for i = 1, 3 do
          ebb.spawn(function()
            local _ <close> = closer(function() log("closed", i) end)
            ebb.channel():recv()
          end)
        end
        ebb.sleep(1)
        error(failure)
      end)
      assert.is_false(ok)
      assert.is_true(rawequal(failure, err))
      assert.equal(3, #log)
      assert.equal(0, rt:metrics().alive)
    end)
  end)

  it("BO9 one that never ran never runs", function()
    with_runtime(function(rt)
      local ran, task = false, nil
      rt:run(function()
        task = ebb.spawn(function() ran = true end)
      end)
      assert.is_false(ran)
      assert.equal("cancelled", task:status())
    end)
  end)

  it("BO9 one that keeps catching the cancel is ended all the same", function()
    with_runtime(function(rt)
      local caught = 0
      rt:run(function()
        ebb.spawn(function()
          while caught < 50 do
            if not pcall(ebb.sleep, 1000) then caught = caught + 1 end
          end
        end)
        ebb.yield()
      end)
      assert.is_true(caught >= 1)
      assert.equal(0, rt:metrics().alive)
    end)
  end)

  it("BO9 SH4 a cleanup may wake, cancel and join the others", function()
    with_runtime(function(rt)
      local log = helper.log()
      rt:run(function()
        local ch = ebb.channel()
        local other = ebb.spawn(function()
          local _ <close> = closer(function() log("other") end)
          ch:recv()
        end)
        ebb.spawn(function()
          local _ <close> = closer(function()
            ch:try_send(1)
            other:cancel()
            other:join()
            log("first")
          end)
          ebb.sleep(1000)
        end)
        ebb.yield()
      end)
      assert.equal("other first", log:text())
    end)
  end)

  it("TS17 R40 a cleanup that fails is reported, run still returns its results", function()
    with_runtime(function(rt, errors)
      local result = rt:run(function()
        ebb.spawn(function()
          local _ <close> = closer(function() error("bad cleanup") end)
          ebb.sleep(1000)
        end)
        ebb.yield()
        return "result"
      end)
      assert.equal("result", result)
      assert.equal(1, #errors)
      contains("bad cleanup", errors[1].err)
    end)
  end)

  it("BO9 cleanups have the runtime's cleanup_timeout, then every await in them throws", function()
    with_runtime(function(rt, errors)
      local start, failed_at
      rt:run(function()
        ebb.spawn(function()
          local _ <close> = closer(function()
            local ok, err = pcall(ebb.sleep, 1000)
            failed_at = ebb.now()
            if not ok then error(err, 0) end
          end)
          ebb.sleep(1000)
        end)
        ebb.yield()
        start = ebb.now()
      end)
      near(start + 2, failed_at)
      assert.is_true(#errors >= 1)
      assert.equal(0, rt:metrics().alive)
    end, { cleanup_timeout = 2 })
  end)

  it("BO9 cleanup_timeout is 5 s unless said", function()
    with_runtime(function(rt)
      local start, failed_at
      rt:run(function()
        ebb.spawn(function()
          local _ <close> = closer(function()
            pcall(ebb.sleep, 1000)
            failed_at = ebb.now()
          end)
          ebb.sleep(1000)
        end)
        ebb.yield()
        start = ebb.now()
      end)
      near(start + 5, failed_at)
    end)
  end)

  it("a failed task whose result nobody took is reported when the run ends, once", function()
    with_runtime(function(rt, errors)
      local failure, task = {}, nil
      rt:run(function()
        task = ebb.spawn(function() error(failure) end)
        ebb.yield()
        ebb.yield()
      end)
      assert.equal(1, #errors)
      assert.is_true(rawequal(failure, errors[1].err))
      assert.is_true(rawequal(task, errors[1].task))
      assert.equal("string", type(errors[1].traceback))
      local ok, err = task:join()
      assert.is_false(ok)
      assert.is_true(rawequal(failure, err))
      assert.equal(1, #errors)
    end)
  end)
end)

describe("a runtime after a run", function()
  it("BO1 is reusable: after results, after an error, after a deadlock", function()
    with_runtime(function(rt)
      assert.equal(1, rt:run(function() return 1 end))
      assert.is_false(pcall(rt.run, rt, function() error("broken") end))
      assert.equal(2, rt:run(function() return ebb.spawn(function() return 2 end):await() end))
      assert.is_false(pcall(rt.run, rt, function() ebb.channel():recv() end))
      assert.equal(3, rt:run(function()
        ebb.sleep(1)
        return 3
      end))
    end)
  end)

  it("BO1 keeps its clock", function()
    with_runtime(function(rt)
      local first = rt:run(function()
        ebb.sleep(10)
        return ebb.now()
      end)
      local second = rt:run(ebb.now)
      near(first, second)
    end)
  end)

  it("BO1 a channel outlives the run, with what is in it", function()
    with_runtime(function(rt)
      local ch = ebb.channel(2)
      rt:run(function() ch:send("kept") end)
      assert.equal("kept", rt:run(function() return ch:recv() end))
    end)
  end)

  it("R140 a hundred runtimes, one after the other", function()
    for i = 1, 100 do
      with_runtime(function(rt)
        assert.equal(i, rt:run(function()
          ebb.sleep(i)
          return i
        end))
      end)
    end
  end)

  it("BO8 spawning from the host goes to the runtime it names", function()
    local one, two = helper.runtime(), helper.runtime()
    local log = helper.log()
    one:spawn(support.call, log, "one")
    two:spawn(support.call, log, "two")
    one:run(ebb.yield)
    assert.equal("one", log:text())
    two:run(ebb.yield)
    assert.equal("one two", log:text())
    one:close()
    two:close()
  end)

  it("TS25 rt:spawn hands over its arguments; the task runs when the runtime is driven", function()
    with_runtime(function(rt)
      local got
      local task = rt:spawn(function(...)
        got = table.pack(...)
        return "result"
      end, 1, nil, 3)
      assert.equal("ready", task:status())
      assert.is_nil(got)
      assert.equal("result", rt:run(function() return task:await() end))
      assert.equal(3, got.n)
      assert.equal(3, got[3])
    end)
  end)
end)

describe("run inside a task", function()
  it_runs("BO3 R133 throws EBB052 for ebb.run, and the task goes on", function()
    helper.throws("EBB052", ebb.run, function() end)
    ebb.sleep(1)
  end)

  for _, name in ipairs { "run", "step", "close", "shutdown", "block_on" } do
    it_runs("BO3 R133 SH7 throws EBB052 for " .. name .. " of its own runtime", function(_, rt)
      local argument = name == "run" and function() end or name == "block_on" and ebb.ready() or nil
      local err = helper.throws("EBB052", rt[name], rt, argument)
      assert.equal("string", type(err))
      ebb.sleep(1)
    end)
  end

  for _, name in ipairs { "run", "step", "close" } do
    it("BO3 R133 throws EBB052 for " .. name .. " of another runtime, which is unharmed", function()
      local other = helper.runtime()
      helper.run(function()
        helper.throws("EBB052", other[name], other, name == "run" and function() end or nil)
        ebb.sleep(1)
      end)
      assert.equal(7, other:run(function()
        ebb.sleep(1)
        return 7
      end))
      other:close()
    end)
  end

  it_runs("BO3 EBB052 names the place of the call", function()
    local place = support.here(2)
    local _, err = pcall(function()
      ebb.run(function() end)
    end)
    contains(place .. ":", err)
    contains("EBB052", err)
  end)
end)

describe("block_on", function()
  it("BO6 an op that is ready gives its values at once", function()
    with_runtime(function(rt)
      local got = table.pack(rt:block_on(ebb.ready(1, nil, 3)))
      assert.equal(3, got.n)
      assert.equal(1, got[1])
      assert.equal(3, got[3])
    end)
  end)

  it("BO1 waits for an op that is not", function()
    with_runtime(function(rt)
      local ch = ebb.channel()
      rt:spawn(function()
        ebb.sleep(3)
        ch:send("late")
      end)
      assert.equal("late", rt:block_on(ch))
    end)
  end)

  it("BO1 a task gives its results, or throws its error", function()
    with_runtime(function(rt)
      assert.equal(5, rt:block_on(rt:spawn(function()
        ebb.sleep(1)
        return 5
      end)))
      local failure = {}
      local ok, err = pcall(rt.block_on, rt, rt:spawn(function() error(failure) end))
      assert.is_false(ok)
      assert.is_true(rawequal(failure, err))
    end)
  end)

  it("BO1 other tasks are kept, and go on when the runtime is driven again", function()
    with_runtime(function(rt)
      local log = helper.log()
      rt:spawn(function()
        ebb.sleep(1)
        log("one")
        ebb.sleep(10)
        log("eleven")
      end)
      rt:block_on(ebb.after(5))
      assert.equal("one", log:text())
      assert.equal(1, rt:metrics().alive)
      rt:block_on(ebb.after(10))
      assert.equal("one eleven", log:text())
    end)
  end)

  it("what is no op is an argument error", function()
    with_runtime(function(rt)
      for _, wrong in ipairs { 1, "op", true, {} } do
        helper.throws("bad argument", rt.block_on, rt, wrong)
      end
    end)
  end)
end)

describe("many tasks", function()
  it_runs("TS26 a thousand tasks, each spawning and awaiting the next", function()
    local function chain(n)
      if n == 0 then return "end" end
      return (ebb.spawn(chain, n - 1):await())
    end
    assert.equal("end", chain(1000))
  end)

  it_runs("TS26 two hundred tasks of one task complete", function()
    local sum, tasks = 0, {}
    for i = 1, 200 do
      tasks[i] = ebb.spawn(function()
        ebb.sleep(i % 7)
        sum = sum + i
      end)
    end
    for _, task in ipairs(tasks) do task:await() end
    assert.equal(200 * 201 // 2, sum)
  end)

  it_runs("R62 ten thousand tasks alive at once end when they are woken", function(_, rt)
    local gate, n = ebb.token(), 0
    for _ = 1, 10000 do
      ebb.go(function()
        gate:cancelled()
        n = n + 1
      end)
    end
    ebb.sleep(1)
    assert.is_true(rt:metrics().alive > 10000)
    gate:cancel()
    ebb.sleep(1)
    assert.equal(10000, n)
  end)
end)

describe("unobserved errors", function()
  it("of a state: ebb.on_task_error gets task, error and traceback", function()
    support.prints("true\tbroken\ttrue\ttrue\n", [[
      local ebb = require "ebb"
      ebb.on_task_error(function(task, err, traceback)
        print(task:status() == "failed", err, traceback:find("failing_function", 1, true) ~= nil,
          traceback:find("traceback", 1, true) ~= nil)
      end)
      local function failing_function() error("broken", 0) end
      ebb.run(function()
        ebb.go(function() failing_function() return 1 end)
        ebb.yield()
      end)
    ]])
  end)

  it("go to standard error unless somebody takes them, and the program goes on", function()
    local result = support.prints("goes on\n", [[
      local ebb = require "ebb"
      ebb.run(function()
        ebb.go(function() error("broken by design") end)
        ebb.yield()
        ebb.yield()
        print("goes on")
      end)
    ]])
    contains("broken by design", result.err)
  end)

  it("R53 whatever the error is", function()
    support.prints("goes on\n", [[
      local ebb = require "ebb"
      local payloads = { 1, false, {},
        setmetatable({}, { __tostring = function() error("again") end }),
        setmetatable({}, { __tostring = function() return nil end }), io.stdout, print,
        setmetatable({}, { __name = 12 }) }
      ebb.run(function()
        for i = 1, #payloads do
          ebb.go(function() error(payloads[i]) end)
        end
        ebb.go(error)
        ebb.sleep(0.01)
        print("goes on")
      end)
    ]])
  end)

  it("TS17 R11 a reporter that fails does not end the run", function()
    support.prints("goes on\n", [[
      local ebb = require "ebb"
      ebb.on_task_error(function() error("bad reporter") end)
      ebb.run(function()
        ebb.go(function() error("broken") end)
        ebb.sleep(0.01)
        print("goes on")
      end)
    ]])
  end)
end)
