-- Awaits in ebb.coroutine pass through to the task.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local near, contains = support.near, support.contains
local co = ebb.coroutine

describe("an await in an ebb coroutine", function()
  it_runs("R52 suspends the task, not the generator: values reach the consumer", function()
    local start, values = ebb.now(), {}
    for v in co.wrap(function()
      for i = 1, 3 do
        ebb.sleep(10)
        co.yield(i)
      end
    end) do
      values[#values + 1] = v
      near(10 * v, ebb.now() - start)
    end
    assert.same({ 1, 2, 3 }, values)
  end)

  it_runs("R52 others run meanwhile", function()
    local log = helper.log()
    ebb.go(function()
      ebb.sleep(5)
      log("other")
    end)
    local step = co.wrap(function()
      ebb.sleep(10)
      log("generator")
    end)
    step()
    assert.equal("other generator", log:text())
  end)

  it_runs("R52 three generators deep", function()
    local start = ebb.now()
    local function nested(depth)
      return co.wrap(function()
        if depth == 0 then
          for i = 1, 3 do
            ebb.sleep(1)
            co.yield(i)
          end
        else
          for v in nested(depth - 1) do
            ebb.sleep(1)
            co.yield(v * 10)
          end
        end
      end)
    end
    local values = {}
    for v in nested(3) do values[#values + 1] = v end
    assert.same({ 1000, 2000, 3000 }, values)
    near(12, ebb.now() - start)
  end)

  it_runs("R52 results of awaits come back inside: recv, await, select, timeout", function()
    local ch = ebb.channel()
    ebb.go(function()
      ebb.sleep(1)
      ch:send("value")
    end)
    local step = co.wrap(function()
      co.yield(ch:recv())
      co.yield(ebb.spawn(function()
        ebb.sleep(1)
        return 1, nil, 3
      end):await())
      co.yield(ebb.select(ebb.never(), ebb.after(1)))
      co.yield(ebb.timeout(1, ebb.sleep, 5))
      co.yield(ebb.scope(function(s)
        s:spawn(ebb.sleep, 2)
        return "scope"
      end))
    end)
    assert.equal("value", step())
    local got = table.pack(step())
    assert.equal(3, got.n)
    assert.equal(3, got[3])
    assert.equal(2, step())
    assert.equal("timeout", select(2, step()))
    assert.equal("scope", step())
  end)

  it_runs("R52 errors after an await reach the one who resumed, unchanged", function()
    local payload = {}
    local ok, err = pcall(co.wrap(function()
      ebb.sleep(1)
      error(payload)
    end))
    assert.is_false(ok)
    assert.is_true(rawequal(payload, err))
    local thread = co.create(function()
      co.wrap(function()
        ebb.sleep(1)
        error(payload)
      end)()
    end)
    ok, err = co.resume(thread)
    assert.is_false(ok)
    assert.is_true(rawequal(payload, err))
    assert.equal("dead", co.status(thread))
  end)

  it_runs("R33 pcall inside catches what the await throws", function()
    local step = co.wrap(function()
      local failing = ebb.spawn(function()
        ebb.sleep(1)
        error("broken", 0)
      end)
      co.yield(pcall(failing.await, failing))
    end)
    local ok, err = step()
    assert.is_false(ok)
    assert.equal("broken", err)
  end)

  it_runs("R52 resume passes values in and out around awaits", function()
    local thread = co.create(function(a)
      ebb.sleep(1)
      local b = co.yield(a + 1)
      ebb.sleep(1)
      local c, d = co.yield(a + b)
      ebb.sleep(1)
      return c, d
    end)
    assert.same({ true, 2 }, { co.resume(thread, 1) })
    assert.same({ true, 11 }, { co.resume(thread, 10) })
    local got = table.pack(co.resume(thread, nil, "d"))
    assert.equal(3, got.n)
    assert.is_true(got[1])
    assert.equal("d", got[3])
    assert.equal("dead", co.status(thread))
  end)

  it_runs("R61 the task is the same inside, and it is yieldable", function()
    local task = ebb.current()
    co.wrap(function()
      assert.is_true(rawequal(task, ebb.current()))
      ebb.sleep(1)
      assert.is_true(rawequal(task, ebb.current()))
      assert.is_true(co.isyieldable())
      local _, main = co.running()
      assert.is_false(main)
    end)()
    assert.is_true(rawequal(task, ebb.current()))
  end)

  it_runs("R50 a task switches between two generators that await", function()
    local function generator(name, s)
      return co.wrap(function()
        for i = 1, 3 do
          ebb.sleep(s)
          co.yield(name .. i)
        end
      end)
    end
    local a, b = generator("a", 1), generator("b", 2)
    local log = helper.log()
    for _ = 1, 3 do log(a(), b()) end
    assert.equal("a1:b1 a2:b2 a3:b3", log:text())
  end)

  it_runs("a generator made by one task goes on in another", function()
    local step = co.wrap(function()
      for i = 1, 4 do
        ebb.sleep(1)
        co.yield(i, ebb.current())
      end
    end)
    local first, task_a = step()
    local other
    other = ebb.spawn(function() return step() end)
    local second, task_b = other:await()
    assert.equal(1, first)
    assert.equal(2, second)
    assert.is_true(rawequal(ebb.current(), task_a))
    assert.is_true(rawequal(other, task_b))
    assert.equal(3, (step()))
  end)

  it_runs("R49 one that awaits cannot be resumed by another task; it goes on unharmed", function()
    local thread = co.create(function()
      ebb.sleep(10)
      return "slept"
    end)
    local result
    local owner = ebb.spawn(function() result = table.pack(co.resume(thread)) end)
    ebb.sleep(1)
    local ok = select(2, pcall(co.resume, thread))
    assert.is_not_true(ok)
    assert.is_not_true((pcall(co.close, thread)) and co.status(thread) == "dead")
    owner:await()
    assert.is_true(result[1])
    assert.equal("slept", result[2])
  end)

  it_runs("R49 a task that waits in one, resumed by hand, waits on", function()
    local outer, inner
    local owner = ebb.spawn(function()
      outer = coroutine.running()
      return co.wrap(function()
        inner = coroutine.running()
        co.wrap(function() ebb.sleep(10) end)()
        return "slept"
      end)()
    end)
    ebb.sleep(1)
    local me = ebb.current()
    for _ = 1, 3 do
      for _, thread in ipairs { outer, inner } do
        assert.is_true(coroutine.resume(thread))
        assert.equal(me, ebb.current())
        ebb.yield()
      end
    end
    assert.equal("waiting", owner:status())
    assert.equal("slept", (owner:await()))
    assert.equal(10, math.floor(ebb.now() + 0.5))
  end)

  it_runs("R46 a generator outlives the task that began it", function()
    local step
    ebb.spawn(function()
      step = co.wrap(function()
        ebb.sleep(1)
        co.yield(1)
        ebb.sleep(1)
        co.yield(2)
      end)
      assert.equal(1, step())
    end):await()
    assert.equal(2, step())
    assert.is_nil(step())
  end)

  it_runs("R55 a hundred generators deep", function()
    local function nested(depth)
      if depth == 0 then
        ebb.sleep(1)
        return "bottom"
      end
      return co.wrap(nested)(depth - 1)
    end
    assert.equal("bottom", nested(100))
  end)

  it_runs("R55 too deep is an error, and the task goes on", function()
    local function nested(depth)
      return co.wrap(nested)(depth + 1)
    end
    local ok, err = pcall(nested, 1)
    assert.is_false(ok)
    contains("overflow", err)
    ebb.sleep(1)
    assert.equal(1, co.wrap(function()
      ebb.sleep(1)
      return 1
    end)())
  end)

  it_runs("R58 tracebacks of a task that waits in one are text", function()
    local task = ebb.spawn(function()
      co.wrap(function() ebb.sleep(10) end)()
    end)
    ebb.sleep(1)
    assert.equal("string", type(task:traceback()))
    assert.equal("waiting", task:status())
    task:await()
    assert.equal("string", type(task:traceback()))
  end)

  it_runs("R62 ten thousand of them leave nothing behind", function(_, rt)
    for i = 1, 10000 do
      assert.equal(i, co.wrap(function()
        ebb.yield()
        return i
      end)())
    end
    assert.equal(1, rt:metrics().alive)
  end)

  it_runs("R20 one that is forgotten while it holds a value is collected", function()
    local weak = setmetatable({}, { __mode = "k" })
    do
      local thread = co.create(function()
        ebb.sleep(1)
        co.yield()
      end)
      co.resume(thread)
      weak[thread] = true
      thread = nil -- luacheck: ignore 311
    end
    ebb.yield()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)

describe("ebb.coroutine and the plain library together", function()
  it_runs("EBB051 an await in a plain coroutine inside an ebb coroutine", function()
    co.wrap(function()
      local ok, err = pcall(coroutine.wrap(function() ebb.sleep(1) end))
      assert.is_false(ok)
      contains("EBB051", err)
      ebb.sleep(1)
    end)()
  end)

  it_runs("EBB051 an await in an ebb coroutine inside a plain one", function()
    local ok, err = pcall(coroutine.wrap(function()
      co.wrap(function() ebb.sleep(1) end)()
    end))
    assert.is_false(ok)
    contains("EBB051", err)
    ebb.sleep(1)
  end)

  it_runs("R52 values pass from a plain generator to an ebb one that awaits", function()
    local plain = coroutine.wrap(function()
      for i = 1, 3 do coroutine.yield(i) end
    end)
    local values = {}
    for v in co.wrap(function()
      for v in plain do
        ebb.sleep(1)
        co.yield(v)
      end
    end) do values[#values + 1] = v end
    assert.same({ 1, 2, 3 }, values)
  end)

  it("install puts them in the global coroutine", function()
    support.prints("true\n1\n2\n3\n", [[
      local ebb = require "ebb"
      ebb.coroutine.install()
      local same = true
      for _, name in ipairs { "wrap", "create", "resume", "status", "close", "isyieldable",
        "running", "yield" } do
        same = same and coroutine[name] == ebb.coroutine[name]
      end
      print(same)
      ebb.run(function()
        for v in coroutine.wrap(function()
          for i = 1, 3 do
            ebb.sleep(0.001)
            coroutine.yield(i)
          end
        end) do print(v) end
      end)
    ]])
  end)

  it("install twice is harmless, and plain use goes on", function()
    support.prints("true\t1\ntrue\t2\nfalse\tcannot resume dead coroutine\n", [[
      local ebb = require "ebb"
      ebb.coroutine.install()
      ebb.coroutine.install()
      local co = coroutine.create(function() coroutine.yield(1) return 2 end)
      print(coroutine.resume(co))
      print(coroutine.resume(co))
      print(coroutine.resume(co))
    ]])
  end)
end)
