-- Timeouts within timeouts, and the deadline in force.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack
local near = support.near

describe("nested timeouts", function()
  it_runs("TM9 the inner one first: only it reports", function()
    local start = ebb.now()
    local outer = pack(ebb.timeout(5, function()
      local inner = pack(ebb.timeout(1, ebb.sleep, 10))
      assert.same({ n = 3, nil, "timeout", 1 }, inner)
      ebb.sleep(1)
      return "outer"
    end))
    assert.same({ n = 1, "outer" }, outer)
    near(2, ebb.now() - start)
  end)

  it_runs("TM9 the outer one first: the inner one does not return", function()
    local returned, start = false, ebb.now()
    local outer = pack(ebb.timeout(1, function()
      ebb.timeout(5, ebb.sleep, 10)
      returned = true
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, outer)
    assert.is_false(returned)
    near(1, ebb.now() - start)
  end)

  it_runs("TM9 of two equal ones the outer strikes", function()
    local returned = false
    local outer = pack(ebb.timeout(1, function()
      ebb.timeout(1, ebb.sleep, 10)
      returned = true
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, outer)
    assert.is_false(returned)
  end)

  it_runs("TM9 of two equal ones around an op the outer strikes too", function()
    local ch, returned = ebb.channel(), false
    local outer = pack(ebb.timeout(1, function()
      ebb.timeout(1, ch)
      returned = true
    end))
    assert.same({ n = 3, nil, "timeout", 1 }, outer)
    assert.is_false(returned)
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("20 deep: each may be the one that strikes", function()
    for which = 1, 20 do
      local function nest(level)
        if level > 20 then return ebb.sleep(100) end
        local seconds = level == which and 1 or 50 + level
        local results = pack(ebb.timeout(seconds, nest, level + 1))
        if results[2] == "timeout" then
          assert.equal(which, level)
          assert.equal(1, results[3])
          return "struck"
        end
        return table.unpack(results, 1, results.n)
      end
      local start = ebb.now()
      assert.equal("struck", nest(1))
      near(1, ebb.now() - start)
    end
  end)

  it_runs("a second one in the cleanup of the first works there", function()
    local inner
    ebb.timeout(1, function()
      local _ <close> = support.closer(function() inner = pack(ebb.timeout(1, ebb.sleep, 3)) end)
      ebb.sleep(10)
    end)
    assert.same({ n = 3, nil, "timeout", 1 }, inner)
  end)
end)

describe("timeout_at and deadline", function()
  it_runs("TM10 timeout_at strikes at its time", function()
    local start = ebb.now()
    local v, why = ebb.timeout_at(start + 2, ebb.sleep, 10)
    assert.is_nil(v)
    assert.equal("timeout", why)
    near(2, ebb.now() - start)
    assert.same({ n = 2, "a", "b" }, pack(ebb.timeout_at(start + 5, function(...)
      ebb.sleep(1)
      return ...
    end, "a", "b")))
    assert.equal("v", ebb.timeout_at(start - 10, ebb.ready("v")))
  end)

  it_runs("timeout_at strikes at the nanosecond of its time, as sleep_until and at do", function()
    for i = 1, 50 do
      ebb.sleep(i / 60)
      for _, what in ipairs { ebb.channel(), function() ebb.sleep(10) end } do
        local t = ebb.now() + 1
        local other = ebb.spawn(function()
          ebb.sleep_until(t)
          return ebb.now()
        end)
        ebb.yield()
        ebb.timeout_at(t, what)
        assert.equal(other:await(), ebb.now())
      end
    end
  end)

  it_runs("a deadline is not in force in a shield, nor in a cleanup", function()
    ebb.timeout(10, function()
      assert.is_nil((ebb.shield(ebb.deadline)))
      do
        local _ <close> = support.closer(function()
          assert.is_nil((ebb.deadline()))
          ebb.timeout(3, function() near(ebb.now() + 3, ebb.deadline()) end)
        end)
      end
      near(ebb.now() + 10, ebb.deadline())
    end)
  end)

  it_runs("deadline is the earliest one in force, nil when there is none", function()
    assert.is_nil((ebb.deadline()))
    local start = ebb.now()
    ebb.timeout(10, function()
      near(start + 10, ebb.deadline())
      ebb.timeout(5, function() near(start + 5, ebb.deadline()) end)
      near(start + 10, ebb.deadline())
      ebb.timeout(50, function() near(start + 10, ebb.deadline()) end)
      ebb.timeout_at(start + 7, function() near(start + 7, ebb.deadline()) end)
    end)
    assert.is_nil((ebb.deadline()))
  end)
end)
