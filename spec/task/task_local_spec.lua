-- ebb.task_local: values that go with a task and its children.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

describe("task_local", function()
  it_runs("TL1 with sets a value for the function and what it calls", function()
    local key = ebb.task_local "none"
    local function read() return key:get() end
    assert.equal("inside", key:with("inside", read))
    assert.equal("none", read())
  end)

  it_runs("TL1 nests, and is put back after errors too", function()
    local key = ebb.task_local()
    key:with(1, function()
      local ok = pcall(key.with, key, 2, function()
        assert.equal(2, key:get())
        error "x"
      end)
      assert.is_false(ok)
      assert.equal(1, key:get())
    end)
    assert.is_nil(key:get())
  end)

  it_runs("TL1 passes arguments and results, and may await", function()
    local key = ebb.task_local()
    assert.same({ n = 3, 1, nil, 3 }, table.pack(key:with("v", function(...)
      ebb.sleep(1)
      assert.equal("v", key:get())
      return ...
    end, 1, nil, 3)))
  end)

  it_runs("TL2 children start with what their parent had then", function()
    local key = ebb.task_local(0)
    key:set(1)
    local child = ebb.spawn(function()
      local seen = key:get()
      key:set(2)
      return seen, key:get(), ebb.spawn(key.get, key):await()
    end)
    key:set(3)
    assert.same({ 1, 2, 2 }, { child:await() })
    assert.equal(3, key:get())
  end)

  it_runs("TL2 every kind of child inherits", function()
    local key = ebb.task_local()
    key:with("v", function()
      assert.equal("v", (ebb.join(function() return key:get() end)))
      ebb.scope(function(s) assert.equal("v", s:spawn(key.get, key):await()) end)
      local got
      ebb.go(function() got = key:get() end)
      helper.settle()
      assert.equal("v", got)
      assert.equal("v", ebb.spawn(key.get, key, 1, 2, 3, 4, 5, 6, 7, 8, 9):await())
    end)
  end)

  it_runs("siblings do not see each other's values", function()
    local key = ebb.task_local()
    local seen = {}
    ebb.join(function() key:set "a" ebb.sleep(1) seen[1] = key:get() end,
      function() ebb.yield() seen[2] = key:get() end)
    assert.same({ "a" }, seen)
  end)

  it_runs("TL3 is there in cleanups", function()
    local key = ebb.task_local()
    local seen
    local task = ebb.spawn(function()
      key:set "mine"
      local _ <close> = support.closer(function() seen = key:get() end)
      ebb.sleep(100)
    end)
    helper.settle()
    task:cancel()
    task:join()
    assert.equal("mine", seen)
  end)

  it_runs("TL4 without a value it is the default, or nil", function()
    assert.equal(7, ebb.task_local(7):get())
    assert.is_nil(ebb.task_local():get())
    local key = ebb.task_local(true)
    key:set(false)
    assert.is_false(key:get())
    key:set(nil)
    assert.is_true(key:get())
  end)

  it("outside of tasks it belongs to the code there, and run inherits", function()
    local key = ebb.task_local()
    key:with("outside", function()
      helper.run(function() assert.equal("outside", key:get()) end)
    end)
    helper.run(function() assert.is_nil(key:get()) end)
  end)

  it_runs("many keys and many tasks leave nothing behind", function()
    local keys, tasks = {}, {}
    for i = 1, 50 do keys[i] = ebb.task_local(i) keys[i]:set(-i) end
    for i = 1, 200 do
      tasks[i] = ebb.spawn(function()
        keys[i % 50 + 1]:set(i)
        ebb.yield()
        return keys[i % 50 + 1]:get(), keys[(i + 1) % 50 + 1]:get()
      end)
    end
    for i = 1, 200 do
      local own, other = tasks[i]:await()
      assert.equal(i, own)
      assert.equal(-((i + 1) % 50 + 1), other)
    end
  end)

  it_runs("says what it is, and what is wrong", function()
    local key = ebb.task_local "x"
    assert.equal("ebb.task_local: x", tostring(key))
    helper.throws("function expected", function() key:with(1, 2) end)
    helper.throws("task_local_spec.lua", function() key:with(1, 2) end)
    helper.throws("ebb.task_local expected", key.with, {}, 1, print)
    helper.throws("ebb.task_local expected", key.get, 1)
    assert.equal("ebb.task_local", getmetatable(key))
  end)
end)
