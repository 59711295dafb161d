-- ebb.run and rt:run: results, errors, the runtime afterwards.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local near, contains, with_runtime = support.near, support.contains, support.with_runtime

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
    one:run(ebb.sleep, 1)
    assert.equal("one", log:text())
    two:run(ebb.sleep, 1)
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
