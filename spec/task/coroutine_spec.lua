-- ebb.coroutine: Lua's coroutine library, through which awaits pass to the scheduler.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local closer = support.closer
local co = ebb.coroutine

describe("ebb.coroutine", function()
  it_runs("has the functions of coroutine", function()
    for _, name in ipairs { "wrap", "create", "resume", "status", "close", "isyieldable", "running",
      "yield" } do
      assert.equal("function", type(co[name]), name)
    end
  end)

  it_runs("R52 generators yield to their consumer, awaits go to the scheduler", function()
    local log = helper.log()
    local other = ebb.spawn(function() for i = 1, 3 do ebb.sleep(i == 1 and 0.5 or 1) log("other", i) end end)
    local generate = co.wrap(function()
      for i = 1, 3 do
        ebb.sleep(1)
        co.yield(i, i * i)
      end
      return "end"
    end)
    for _ = 1, 3 do log("got", generate()) end
    assert.equal("end", generate())
    other:await()
    assert.equal("other:1 got:1:1 other:2 got:2:4 other:3 got:3:9", log:text())
  end)

  it_runs("R52 works as the iterator of a for loop", function()
    local got = {}
    for v in co.wrap(function() for i = 1, 4 do ebb.yield() co.yield(i) end end) do
      got[#got + 1] = v
    end
    assert.same({ 1, 2, 3, 4 }, got)
  end)

  it_runs("passes values in both directions", function()
    local thread = co.create(function(...)
      local packed = table.pack(co.yield(select("#", ...), ...))
      ebb.sleep(1)
      return packed.n, table.unpack(packed, 1, packed.n)
    end)
    assert.equal("suspended", co.status(thread))
    assert.same({ n = 5, true, 3, 1, nil, "x" }, table.pack(co.resume(thread, 1, nil, "x")))
    assert.equal("suspended", co.status(thread))
    assert.same({ n = 4, true, 2, "y", nil }, table.pack(co.resume(thread, "y", nil)))
    assert.equal("dead", co.status(thread))
    assert.is_false((co.resume(thread)))
    assert.is_true(co.close(thread))
  end)

  it_runs("tells status and whether it can yield from within", function()
    local thread
    thread = co.create(function()
      assert.equal("running", co.status(thread))
      assert.is_true(co.isyieldable())
      local running, main = co.running()
      assert.is_true(rawequal(thread, running))
      assert.is_false(main)
      return "checked"
    end)
    assert.same({ n = 2, true, "checked" }, table.pack(co.resume(thread)))
  end)

  it_runs("nests: awaits at every depth, errors go outwards", function()
    local function nest(n)
      if n == 0 then
        ebb.sleep(1)
        error("deep", 0)
      end
      local step = co.wrap(nest)
      ebb.yield()
      step(n - 1)
    end
    local err
    support.near(1, support.elapsed(function() err = support.failure(co.wrap(nest), 10) end))
    assert.equal("deep", err)
  end)

  it_runs("TS8 resume gives error values unchanged", function()
    local value = {}
    local thread = co.create(function() ebb.sleep(1) error(value) end)
    local ok, err = co.resume(thread)
    assert.is_false(ok)
    assert.is_true(rawequal(value, err))
    assert.equal("dead", co.status(thread))
  end)

  it_runs("the current task is the same inside", function()
    local task = ebb.current()
    assert.is_true(rawequal(task, co.wrap(function() ebb.yield() return ebb.current() end)()))
  end)

  it_runs("close runs the pending closers of a suspended one", function()
    local log = helper.log()
    local thread = co.create(function()
      local _ <close> = closer(function(err) log("closed", err) end)
      co.yield()
    end)
    co.resume(thread)
    assert.is_true(co.close(thread))
    assert.equal("closed:nil", log:text())
    assert.equal("dead", co.status(thread))
  end)

  it_runs("two tasks that wait in coroutines do not disturb each other", function()
    local log = helper.log()
    local tasks = {}
    for name, step in pairs { a = 2, b = 3 } do
      tasks[#tasks + 1] = ebb.spawn(function()
        for v in co.wrap(function() for i = 1, 3 do ebb.sleep(step) co.yield(i) end end) do
          log(("%02d%s%d"):format(math.floor(ebb.now() + 0.5) % 100, name, v))
        end
      end)
    end
    local start = math.floor(ebb.now() + 0.5)
    for _, task in ipairs(tasks) do task:await() end
    local expected = helper.log()
    for _, event in ipairs { { 2, "a1" }, { 3, "b1" }, { 4, "a2" }, { 9, "b3" } } do
      expected(("%02d%s"):format((start + event[1]) % 100, event[2]))
    end
    assert.equal(6, #log)
    assert.equal(expected[1], log[1])
    assert.equal(expected[2], log[2])
    assert.equal(expected[3], log[3])
    assert.equal(expected[4], log[6])
  end)

  it_runs("R45 a timeout unwinds the inner coroutine first", function()
    local log = helper.log()
    local results = table.pack(ebb.timeout(1, function()
      local _ <close> = closer(function() log("outer") end)
      co.wrap(function()
        local _ <close> = closer(function(err) ebb.sleep(1) log("inner", err.reason) end)
        ebb.sleep(10)
      end)()
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, results)
    assert.equal("inner:timeout outer", log:text())
  end)

  it_runs("install puts them in the global coroutine", function()
    local library, saved = coroutine, {}
    for name, fn in pairs(library) do saved[name] = fn end
    co.install()
    local ok, err = pcall(function()
      local step = coroutine.wrap(function() ebb.sleep(1) coroutine.yield("v") end)
      support.near(1, support.elapsed(function() assert.equal("v", step()) end))
    end)
    for name, fn in pairs(saved) do rawset(library, name, fn) end
    assert.is_true(ok, tostring(err))
  end)
end)
