-- Running inside a task is refused; rt:block_on.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local contains, with_runtime = support.contains, support.with_runtime

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
