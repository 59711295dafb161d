-- ebb.test and ebb.test.explore.
local ebb = require "ebb"
local helper = require "spec.helper"

-- What ebb.test says of fn, and what it writes to standard error.
local function failure(fn, opts, runner)
  return select(2, pcall(runner or ebb.test, fn, opts))
end

local function contains(text, err)
  err = type(err) == "table" and err.message or err
  if not tostring(err):find(text, 1, true) then
    error(("%q is not in %q"):format(text, tostring(err)), 2)
  end
end

describe("test", function()
  it("S1.11 runs its function as a task on virtual time and gives its results", function()
    assert.same({ 1, nil, 3600 }, { ebb.test(function()
      assert.is_not_nil(ebb.current())
      local start = ebb.now()
      ebb.sleep(3600)
      return 1, nil, ebb.now() - start
    end) })
  end)

  it("S4.10 under a timeout", ebb.test(function()
    assert.same({ nil, "timeout", 5 }, { ebb.timeout(5, ebb.never()) })
  end))

  it("each time on a fresh runtime, which it hands over", function()
    local first, second
    ebb.test(function(rt) first = rt end)
    ebb.test(function(rt)
      second = rt
      assert.equal(1, rt:metrics().alive)
    end)
    assert.not_equal(first, second)
    contains("closed", tostring(first))
  end)

  it("passes errors on, of any type", function()
    contains("boom", failure(function() error "boom" end))
    local value = {}
    assert.is_true(rawequal(value, failure(function() error(value) end)))
    contains("Expected objects to be equal", tostring(failure(function() assert.equal(1, 2) end)))
  end)

  it("fails when a task is left behind, and names it", function()
    local err = failure(function()
      ebb.spawn_with({ name = "forgotten" }, ebb.sleep, 10)
    end)
    contains("1 task(s) were left behind", err)
    contains('"forgotten"', err)
  end)

  it("tasks that only have to run on are not left behind", function()
    ebb.test(function()
      ebb.go(function() for _ = 1, 5 do ebb.yield() end end)
    end)
  end)

  it("fails on an error that nobody observes", function()
    local err = failure(function()
      ebb.go(function() error "unseen" end)
    end)
    contains("unobserved error", err)
    contains("unseen", err)
    contains("test_spec.lua", err)
  end)

  it("fails when memory is left behind", function()
    local kept
    local guard
    contains("100 byte(s) of guarded memory were left behind", failure(function()
      guard = ebb.guard()
      kept = guard:bytes(100)
    end))
    guard:close()
    assert.is_not_nil(kept)
  end)

  it("memory that was there before, or is garbage, is no leak", function()
    local guard <close> = ebb.guard()
    guard:bytes(1000)
    ebb.test(function()
      ebb.guard():bytes(100)
    end)
  end)

  it("fails when a handle is left open", function()
    local kept
    contains("left open", failure(function() kept = ebb.callback() end))
    assert.is_function(kept)
    contains("left open", failure(function() kept = ebb.signal "usr1" end))
    kept:close()
  end)

  it("fails on a deadlock", function()
    contains("deadlock", failure(function() ebb.channel():recv() end))
  end)

  it("says the seed", function()
    contains("seed 17", failure(function() error "x" end, { seed = 17 }))
    contains("no seed", failure(function() error "x" end))
  end)

  it("the same seed gives the same order", function()
    local function order(seed)
      return ebb.test(function()
        local log = helper.log()
        ebb.scope(function(s)
          for i = 1, 6 do s:spawn(function() ebb.yield() log(i) end) end
        end)
        return log:text()
      end, { seed = seed })
    end
    assert.equal(order(3), order(3))
    assert.equal("1 2 3 4 5 6", order(nil))
    local orders = {}
    for seed = 1, 20 do orders[order(seed)] = true end
    assert.is_not_nil(next(orders, (next(orders))))
  end)

  it("refuses what it does not understand", function()
    contains("function expected, got nil", failure())
    contains("unknown option 'sead'", failure(print, { sead = 1 }))
    contains("integer expected, got string", failure(print, { seed = "x" }))
    contains("inside a task", failure(function() ebb.test(print) end))
  end)
end)

describe("explore", function()
  -- Wrong only if the second task runs before the first.
  local function racy()
    local value = 1
    ebb.join(function() value = value * 2 end, function() value = value + 3 end)
    assert(value == 5, "raced")
  end

  it("finds the order that fails, and says its seed", function()
    local err = failure(racy, { seeds = 50 }, ebb.test.explore)
    contains("raced", err)
    local seed = math.tointeger(tonumber(err.message:match "seed (%d+)"))
    contains("raced", failure(racy, { seed = seed }))
  end)

  it("runs as often as it is told, from a seed on", function()
    local n = 0
    ebb.test.explore(function() n = n + 1 end, { seeds = 7 })
    assert.equal(7, n)
    ebb.test.explore(function() n = n + 1 end)
    assert.equal(107, n)
  end)

  it("where tests are declared, it makes one", ebb.test.explore(function() ebb.yield() end))

  it("refuses what it does not understand", function()
    contains("integer >= 1 expected, got 0", failure(print, { seeds = 0 }, ebb.test.explore))
    contains("unknown option", failure(print, { n = 0 }, ebb.test.explore))
  end)
end)

describe("explore in a process of its own", function()
  local support = require "spec.runtime.support"

  it("runs only the seed of the environment, writes the trace where it is told, or says why not", function()
    local program = [[
      local ebb = require "ebb"
      local n = 0
      ebb.test.explore(function()
        n = n + 1
        ebb.yield()
      end, { seeds = 5 })
      print(n)
    ]]
    assert.equal("5\n", support.child(program).out)
    local path = support.file(program)
    finally(function() os.remove(path) end)
    local line = support.interpreter() .. " " .. path
    assert.equal("1\n", support.shell("EBB_SEED=3 " .. line).out)
    local result = support.shell("EBB_SEED=3 EBB_TRACE=/nowhere/at/all " .. line)
    assert.equal("1\n", result.out)
    assert.truthy(result.err:find("ebb.test: /nowhere/at/all", 1, true), result.err)
  end)

  it("collects what many schedules leave", function()
    local n = 0
    ebb.test.explore(function()
      n = n + 1
      local list = {}
      for i = 1, 20000 do list[i] = { i } end
      ebb.yield()
      assert(#list == 20000)
    end, { seeds = 40, collector = false })
    assert.equal(40, n)
  end)

  it("refuses what is no table of options", function()
    local ok, err = pcall(ebb.test.explore, print, 5)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("table of options expected, got number", 1, true), err)
  end)
end)
