-- opts.on_slice = "report" and "throw", and ebb.debug.slow (C6: blocking the loop is invisible).
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.preempt.support"
local it_in_time = support.it

-- Calls fn(reports) while ebb.debug.slow notes what it is told, of tasks of this name if there is one.
local function with_slow(seconds, fn, name)
  local reports = {}
  ebb.debug.slow(seconds, function(task, took, traceback)
    if name and task:name() ~= name then return end
    reports[#reports + 1] = { task = task, seconds = took, traceback = traceback }
  end)
  local ok, err = pcall(fn, reports)
  ebb.debug.slow()
  if not ok then error(err, 0) end
  return reports
end

describe("ebb.debug.slow", function()
  it("tells of a turn that blocks the loop, once, with the place (C6, R154)", function()
    local reports = with_slow(0.02, function()
      support.run({}, function()
        ebb.sleep(0.001)
        local task = ebb.spawn_with({ name = "slow one" }, support.compute, 0.1)
        task:await()
        support.compute(0.001)
      end)
    end, "slow one")
    assert.equal(1, #reports)
    assert.matches('"slow one"', tostring(reports[1].task))
    assert.is_true(reports[1].seconds >= 0.02 and reports[1].seconds < 5)
    assert.matches("support.lua:%d+: in function", reports[1].traceback)
  end)

  it("tells of a C function that blocks, at the first instruction after it (R154)", function()
    local reports = with_slow(0.02, function()
      support.run({}, function()
        local text = ("a"):rep(26)
        local due = os.clock() + 0.05
        repeat text:find(("a?"):rep(20) .. ("a"):rep(27)) until os.clock() > due
      end)
    end)
    assert.is_true(#reports == 1)
    assert.matches("slice_spec.lua", reports[1].traceback)
  end)

  it("tells of one that ends in a C function as well", function()
    local reports = with_slow(0.02, function()
      support.run({}, function()
        ebb.spawn_with({ name = "sleeps" }, os.execute, "sleep 0.1"):await()
      end)
    end, "sleeps")
    assert.equal(1, #reports)
  end)

  it_in_time("not of short turns, however many, nor of waiting", function()
    local reports = with_slow(0.2, function()
      support.run({}, function()
        for _ = 1, 100 do
          support.compute(0.003)
          ebb.yield()
        end
        ebb.sleep(0.3)
      end)
    end)
    assert.same({}, reports)
  end)

  it("its function may not await, may fail, and may be slow itself", function()
    local n, err = 0
    ebb.debug.slow(0.01, function()
      n = n + 1
      support.compute(0.05)
      err = select(2, pcall(ebb.sleep, 0))
    end)
    support.run({}, function() support.compute(0.1) end)
    ebb.debug.slow()
    assert.equal(1, n)
    assert.matches("EBB05[25]", err)
  end)

  it("checks its arguments", function()
    assert.matches("bad argument #1 to 'slow'", select(2, pcall(ebb.debug.slow, "x")))
    assert.matches("bad argument #2 to 'slow'", select(2, pcall(ebb.debug.slow, 1, 2)))
    assert.matches("NaN", select(2, pcall(ebb.debug.slow, 0 / 0)))
  end)
end)

describe('on_slice = "report"', function()
  it("is the default, and goes to ebb.debug.slow's function", function()
    local reports = with_slow(100, function()
      support.run({ slice = 0.01 }, function()
        support.compute(0.05)
        ebb.yield()
        support.compute(0.05)
      end)
    end)
    assert.equal(2, #reports)
  end)

  it("prints a line without one", function()
    local script = [[
      local ebb = require "ebb"
      local rt = ebb.runtime { slice = 0.01 }
      rt:run(function()
        local due = os.clock() + 0.05
        while os.clock() < due do end
      end)
    ]]
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(script)
    out:close()
    local interpreter = os.getenv "EBB_SPEC_LUA" or "lua5.4"
    local pipe = io.popen(interpreter .. " " .. file .. " 2>&1")
    local text = pipe:read "a"
    pipe:close()
    os.remove(file)
    assert.matches("EBB023: task 1 has not awaited anything for %d+%.%d+ s", text)
    assert.matches("stack traceback", text)
  end)
end)

describe('on_slice = "throw"', function()
  -- The main task has a slice too: what fn returns is checked after it.
  local function run(fn)
    support.begin()
    support.run({ slice = 0.01, on_slice = "throw" }, fn)()
  end

  it_in_time("throws EBB023 where the task computes, once", function()
    run(function()
      local task = ebb.spawn(function()
        local ok, err = pcall(support.forever)
        return ok, err
      end)
      local ok, err = task:await()
      return function()
        assert.is_false(ok)
        assert.matches("support.lua:%d+: EBB023: task %d+ has computed for longer than its slice of 0.01 s", err)
      end
    end)
  end)

  it_in_time("a task that does not catch it fails with it", function()
    run(function()
      local status, err = support.outcome(support.forever)
      return function()
        assert.equal("failed", status)
        assert.matches("EBB023", err)
      end
    end)
  end)

  it_in_time("one that catches it and computes on is ended with EBB031", function()
    run(function()
      local closed
      local status, err = support.outcome(function()
        local _ <close> = support.closing(function() closed = true end)
        support.loop(function() pcall(support.forever) end)
      end)
      return function()
        assert.same({ "failed", true }, { status, closed })
        assert.matches("EBB031", err)
      end
    end)
  end)

  it_in_time("one that catches it and awaits has a new slice", function()
    run(function()
      local n = 0
      local task = ebb.spawn(function()
        for _ = 1, 3 do
          if not pcall(support.forever) then n = n + 1 end
          ebb.yield()
        end
        return "well"
      end)
      local said = task:await()
      return function()
        assert.equal("well", said)
        assert.equal(3, n)
      end
    end)
  end)

  it_in_time("a message handler sees nothing of it that could go on", function()
    run(function()
      local status = support.outcome(function()
        xpcall(support.forever, function() support.forever() end)
        return "caught"
      end)
      return function() assert.equal("done", status) end
    end)
  end)
end)

describe("hooks of the user", function()
  it_in_time("are called meanwhile and are back afterwards", function()
    support.run({ slice = 0.005, on_slice = "yield" }, function()
      local lines, hook = 0, nil
      local function count() lines = lines + 1 end
      local task = ebb.spawn(function()
        debug.sethook(count, "l")
        support.compute(0.03)
        local before = lines
        support.compute(0.001)
        hook = { debug.gethook() }
        debug.sethook()
        return lines - before
      end)
      assert.is_true(task:await() > 0)
      assert.same({ count, "l", 0 }, hook)
    end)
  end)

  it_in_time("count and call hooks too, and one that takes itself away", function()
    support.run({ slice = 0.002, on_slice = "yield" }, function()
      local counts, calls, once = 0, 0, 0
      ebb.spawn(function()
        debug.sethook(function() counts = counts + 1 end, "", 1000)
        support.compute(0.02)
        debug.sethook(function() calls = calls + 1 end, "c")
        support.compute(0.02)
        debug.sethook(function()
          once = once + 1
          debug.sethook()
        end, "", 1000)
        support.compute(0.02)
      end):await()
      assert.is_true(counts > 10, counts .. " counts")
      assert.is_true(calls > 10, calls .. " calls")
      assert.equal(1, once)
    end)
  end)

  it("a task that was preempted leaves none behind for the next one", function()
    support.run({ slice = 0.002, on_slice = "yield" }, function()
      for _ = 1, 5 do ebb.spawn(support.compute, 0.005):await() end
      local hook = ebb.spawn(function() return debug.gethook() end):await()
      assert.is_nil(hook)
    end)
  end)
end)

describe("a runtime with a seed", function()
  for seed = 1, 3 do
    it("is preempted as well: " .. seed, function()
      support.run({ slice = 0.002, on_slice = "yield", seed = seed }, function()
        local tasks = {}
        for i = 1, 4 do tasks[i] = ebb.spawn(support.compute, 0.01) end
        for _, task in ipairs(tasks) do assert.is_true(task:await() > 0) end
      end)
    end)
  end
end)

describe("with slices", function()
  it("nothing changes for tasks that behave", function()
    local hit = 0
    ebb.debug.slow(100, function() hit = hit + 1 end)
    local results = {}
    for _, opts in ipairs { {}, { slice = 1 }, { slice = 1, on_slice = "yield" } } do
      results[#results + 1] = helper.run(function()
        local ch, sum = ebb.channel(3), 0
        ebb.spawn(function()
          for i = 1, 1000 do ch:send(i) end
          ch:close()
        end)
        for v in ch do sum = sum + v end
        return sum
      end, opts)
    end
    ebb.debug.slow()
    assert.same({ 500500, 500500, 500500 }, results)
    assert.equal(0, hit)
  end)
end)
