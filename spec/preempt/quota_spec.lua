-- ebb.spawn_with{cpu = seconds}: what the turns of a task, and of all that it spawns, may take.
local ebb = require "ebb"
local support = require "spec.preempt.support"
local it_in_time = support.it

-- Errors that nobody takes must be those of the quota; how many is in `ended.n`.
local function run(fn, opts)
  opts = opts or {}
  local ended, others = { n = 0 }, {}
  opts.on_task_error = function(_, err)
    err = tostring(err)
    if err:find "EBB031" then ended.n = ended.n + 1
    elseif not (opts.cleanup_timeout and err:find "EBB025") then others[#others + 1] = err end
  end
  support.begin()
  support.run(opts, function() return fn(ended) end)
  assert.same({}, others)
end

describe("spawn_with{cpu = seconds}", function()
  it("ends the task that has used it up in one turn", function()
    run(function()
      local task = ebb.spawn_with({ cpu = 0.02, name = "mod" }, support.forever)
      local began = os.clock()
      local ok, err = task:join()
      assert.same({ false, "failed" }, { ok, task:status() })
      assert.matches("support.lua:%d+: EBB031: task 2 \"mod\" has computed for longer than its quota", err)
      assert.is_true(os.clock() - began < 2)
    end)
  end)

  it_in_time("or in many", function()
    run(function()
      local turns = 0
      local task = ebb.spawn_with({ cpu = 0.05 }, function()
        support.loop(function()
          support.compute(0.001)
          turns = turns + 1
          ebb.yield()
        end)
      end)
      assert.is_false((task:join()))
      assert.equal("failed", task:status())
      assert.is_true(turns > 1 and turns <= 55, turns .. " turns")
    end)
  end)

  it_in_time("waiting costs nothing", function()
    run(function()
      local task = ebb.spawn_with({ cpu = 0.02 }, function()
        ebb.sleep(0.1)
        return "rested"
      end)
      assert.equal("rested", task:await())
    end)
  end)

  it("what it spawns shares it, and ends with it, also what only waits (R155)", function()
    local seen
    run(function(ended)
      seen = ended
      local waiting
      local task = ebb.spawn_with({ cpu = 0.03 }, function()
        waiting = ebb.spawn(ebb.sleep, 100)
        for _ = 1, 5 do
          ebb.go(function() support.loop(function() pcall(ebb.yield) end) end)
        end
        ebb.spawn(ebb.sleep, 100):await()
      end)
      assert.is_false((task:join()))
      assert.is_false((waiting:join()))
      ebb.sleep(0.01)
      assert.equal("failed", waiting:status())
      assert.equal(1, ebb.current_runtime():metrics().alive)
    end)
    assert.is_true(seen.n >= 5)
  end)

  it("spawning for ever ends as well (R155)", function()
    run(function()
      local task = ebb.spawn_with({ cpu = 0.03 }, function()
        support.loop(function() pcall(ebb.spawn, ebb.yield) end)
      end)
      assert.is_false((task:join()))
      ebb.sleep(0.05)
      assert.equal(1, ebb.current_runtime():metrics().alive)
    end)
  end)

  it("a quota within a quota cannot be larger", function()
    run(function()
      local inner
      local outer = ebb.spawn_with({ cpu = 0.02 }, function()
        inner = ebb.spawn_with({ cpu = 100 }, support.forever)
        inner:join()
      end)
      assert.is_false((outer:join()))
      assert.matches("EBB031", select(2, inner:join()))
    end)
  end)

  it("but smaller, and then only the inner one ends", function()
    run(function()
      local outer = ebb.spawn_with({ cpu = 100 }, function()
        local inner = ebb.spawn_with({ cpu = 0.02 }, support.forever)
        local _, err = inner:join()
        return inner:status(), err
      end)
      local status, err = outer:await()
      assert.equal("failed", status)
      assert.matches("EBB031", err)
    end)
  end)

  it("a shield or a cleanup does not hold it for longer than cleanup_timeout", function()
    run(function()
      local task = ebb.spawn_with({ cpu = 0.02 }, function()
        ebb.shield(function() support.loop(function() pcall(support.forever) end) end)
      end)
      assert.is_false((task:join()))
      assert.equal("failed", task:status())
    end, { cleanup_timeout = 0.05 })
  end)

  it("is not used up by calls that block", function()
    run(function()
      ebb.spawn_with({ cpu = 0.3 }, os.execute, "sleep 0.5"):await()
    end)
  end)

  it("measures processor time on a virtual clock", function()
    run(function()
      local task = ebb.spawn_with({ cpu = 0.02 }, support.forever)
      assert.is_false((task:join()))
      ebb.spawn_with({ cpu = 0.02 }, ebb.sleep, 1000):await()
    end, { clock = "virtual" })
  end)

  it_in_time("with slices: the others go on meanwhile", function()
    run(function()
      local n = 0
      local task = ebb.spawn_with({ cpu = 0.05 }, support.forever)
      while not task:finished() do
        ebb.sleep(0.001)
        n = n + 1
      end
      assert.is_false((task:join()))
      assert.is_true(n > 0)
    end, { slice = 0.002, on_slice = "yield" })
  end)

  it("is checked", function()
    run(function()
      local function message(opts) return select(2, pcall(ebb.spawn_with, opts, print)) end
      assert.matches("option 'cpu': number expected, got string", message { cpu = "1" })
      assert.matches("option 'cpu': more than 0 expected", message { cpu = 0 })
      assert.matches("option 'cpu': more than 0 expected", message { cpu = -1 })
      assert.matches("option 'cpu': more than 0 expected", message { cpu = 0 / 0 })
      ebb.spawn_with({ cpu = math.huge }, function() end):await()
    end)
  end)
end)
