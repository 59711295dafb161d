-- ebb.once: one computes, all wait; what fails is tried again.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

describe("a once", function()
  it_runs("OC1 computes once; all get the same values", function()
    local n, tasks = 0, {}
    local once = ebb.once(function()
      ebb.sleep(1)
      n = n + 1
      return "v", nil, n
    end)
    for i = 1, 5 do tasks[i] = ebb.spawn(once.get, once) end
    settle()
    assert.equal("ebb.once: computing", tostring(once))
    for i = 1, 5 do assert.same({ n = 3, "v", nil, 1 }, pack(tasks[i]:await())) end
    assert.same({ n = 3, "v", nil, 1 }, pack(once:get()))
    assert.is_true(once:is_done())
    assert.equal("ebb.once: done", tostring(once))
  end)

  it_runs("keeps nil, false and nothing at all", function()
    for _, values in ipairs { pack(), pack(nil), pack(false), pack(nil, nil, 3) } do
      local n = 0
      local once = ebb.once(function()
        n = n + 1
        return table.unpack(values, 1, values.n)
      end)
      assert.same(values, pack(once:get()))
      assert.same(values, pack(once:get()))
      assert.equal(1, n)
    end
  end)

  it_runs("OC2 OC3 an attempt that fails is its caller's; the next one tries again", function()
    local n = 0
    local once = ebb.once(function()
      n = n + 1
      local this = n
      ebb.sleep(1)
      if this == 1 then error "broken" end
      if this == 2 then return nil, "refused" end
      return this
    end)
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = ebb.spawn(once.get, once)
      settle()
    end
    helper.throws("broken", tasks[1].await, tasks[1])
    local refused = 0 -- all who wait are woken: any of them is the next
    for i = 2, 4 do
      local value, why = tasks[i]:await()
      if why == "refused" then refused = refused + 1 else assert.equal(3, value) end
    end
    assert.equal(1, refused)
    assert.equal(3, n)
  end)

  it_runs("OC2 an attempt that is cancelled is taken over by the next", function()
    local n = 0
    local once = ebb.once(function()
      n = n + 1
      ebb.sleep(1)
      return n
    end)
    local unstarted = ebb.spawn(once.get, once)
    unstarted:cancel()
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(once.get, once)
      settle()
    end
    local first, second, third = table.unpack(tasks)
    ebb.sleep(0.5)
    first:cancel()
    first:cancel()
    second:cancel()
    assert.equal(2, third:await())
    assert.equal(2, n)
    assert.equal(2, once:get())
  end)

  it_runs("OC2 a waiter cancelled in the turn of the failure does not hold up the others", function()
    local n = 0
    local once = ebb.once(function()
      n = n + 1
      ebb.sleep(1)
      if n == 1 then error "broken" end
      return n
    end)
    local second
    local first = ebb.spawn(function()
      helper.throws("broken", once.get, once)
      second:cancel() -- it has been woken to try
    end)
    settle()
    second = ebb.spawn(once.get, once)
    settle()
    local third = ebb.spawn(once.get, once)
    first:await()
    assert.equal(2, third:await())
    assert.equal(2, n)
  end)

  it_runs("is given up by a timeout", function()
    local once = ebb.once(function()
      ebb.sleep(2)
      return "late"
    end)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, once.get, once)))
    assert.equal("ebb.once: empty", tostring(once))
    assert.equal("late", once:get())
  end)

  it_runs("OC6 that asks for itself gets EBB042", function()
    local once
    once = ebb.once(function() return once:get() end)
    helper.throws("EBB042", once.get, once)
    assert.is_false(once:is_done())
    assert.is_false(pcall(ebb.once))
    assert.is_false(pcall(ebb.once, 1))
  end)

  it("works outside of tasks", function()
    local once = ebb.once(function() return 1, 2 end)
    assert.same({ n = 2, 1, 2 }, pack(once:get()))
    assert.same({ n = 2, 1, 2 }, pack(once:get()))
  end)
end)
