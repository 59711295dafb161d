-- The end of a run and of a runtime: every task is ended once, its cleanups run, late calls are
-- refused.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local closer = support.closer

describe("when main returns", function()
  it("TS27 BO9 SH1 the tasks that are alive are cancelled, each cleaned up once", function()
    local rt, errors = helper.runtime()
    local closed = {}
    local result = rt:run(function()
      for i = 1, 20 do
        ebb.spawn(function()
          local _ <close> = closer(function(err)
            assert(ebb.is_cancelled(err))
            ebb.sleep(1)
            closed[i] = (closed[i] or 0) + 1
          end)
          ebb.sleep(100)
        end)
      end
      ebb.yield()
      return "result"
    end)
    assert.equal("result", result)
    for i = 1, 20 do assert.equal(1, closed[i]) end
    assert.equal(0, rt:metrics().alive)
    assert.equal(0, #errors)
    rt:close()
    for i = 1, 20 do assert.equal(1, closed[i]) end
  end)

  it("TS12 tasks that never ran never run", function()
    local rt = helper.runtime()
    local ran = false
    rt:run(function() ebb.spawn(function() ran = true end) end)
    assert.is_false(ran)
    rt:run(ebb.yield)
    assert.is_false(ran)
    rt:close()
  end)

  it("BO2 by an error the others are ended too, then it is rethrown unchanged", function()
    local rt = helper.runtime()
    local log = helper.log()
    local value = {}
    local err = support.failure(rt.run, rt, function()
      ebb.go(function()
        local _ <close> = closer(function() ebb.sleep(1) log("cleaned") end)
        ebb.sleep(100)
      end)
      ebb.yield()
      error(value)
    end)
    assert.is_true(rawequal(value, err))
    assert.equal("cleaned", log:text())
    rt:close()
  end)

  it("BO1 the runtime can be used again", function()
    local rt = helper.runtime()
    for i = 1, 5 do
      assert.equal(i, rt:run(function(v)
        ebb.spawn(ebb.sleep, 100)
        ebb.sleep(1)
        return v
      end, i))
    end
    rt:close()
  end)

  it("SH4 a cleanup may wake another task that ends", function()
    local rt = helper.runtime()
    local log = helper.log()
    rt:run(function()
      local ch = ebb.channel(1)
      ebb.spawn(function()
        local _ <close> = closer(function() log("got", ch:recv()) end)
        ebb.sleep(100)
      end)
      ebb.spawn(function()
        local _ <close> = closer(function() ch:send("v") end)
        ebb.sleep(100)
      end)
      ebb.yield()
    end)
    assert.equal("got:v", log:text())
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)

  it("TS23 a cleanup that spawns does no harm", function()
    local rt = helper.runtime()
    local tried = false
    rt:run(function()
      ebb.spawn(function()
        local _ <close> = closer(function()
          pcall(ebb.spawn, ebb.sleep, 100)
          tried = true
        end)
        ebb.sleep(100)
      end)
      ebb.yield()
    end)
    assert.is_true(tried)
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)

  it("SH1 a cleanup that hangs is cut at cleanup_timeout, and reported", function()
    local rt, errors = helper.runtime { cleanup_timeout = 2 }
    rt:run(function()
      ebb.go(function()
        local _ <close> = closer(function() ebb.sleep(math.huge) end)
        ebb.sleep(100)
      end)
      ebb.yield()
    end)
    assert.equal(0, rt:metrics().alive)
    assert.is_true(#errors >= 1)
    rt:close()
  end)
end)

describe("rt:shutdown", function()
  -- A runtime with one task that takes `seconds` to clean up.
  local function started(seconds, log)
    local rt = helper.runtime()
    local task = rt:spawn(function()
      local _ <close> = closer(function() ebb.sleep(seconds) log("cleaned") end)
      ebb.sleep(100)
    end)
    rt:step(1)
    return rt, task
  end

  it("cancels everything and waits for the cleanups; nothing is left", function()
    local log = helper.log()
    local rt, task = started(1, log)
    assert.equal(0, rt:shutdown(3))
    assert.equal("cleaned", log:text())
    assert.equal("cancelled", task:status())
  end)

  it("SH3 with no grace returns at once, with the number that did not end", function()
    local log = helper.log()
    local rt = started(1, log)
    assert.equal(1, rt:shutdown(0))
    assert.equal("", log:text())
  end)

  it("SH7 closing afterwards is harmless, twice too", function()
    local log = helper.log()
    local rt = started(1, log)
    rt:shutdown(3)
    rt:close()
    rt:close()
    assert.equal("cleaned", log:text())
  end)

  it("SH5 later calls on it throw", function()
    local rt = started(0, helper.log())
    rt:shutdown(1)
    assert.is_false((pcall(rt.run, rt, function() end)))
    assert.is_false((pcall(rt.spawn, rt, function() end)))
    assert.is_false((pcall(rt.step, rt, 1)))
  end)

  it("SH2 a spawn while it shuts down throws EBB052", function()
    local rt = helper.runtime()
    local message
    local ran = false
    rt:spawn(function()
      local _ <close> = closer(function()
        local ok, err = pcall(ebb.spawn, function() ran = true end)
        message = not ok and tostring(err)
      end)
      ebb.sleep(100)
    end)
    rt:step(1)
    assert.equal(0, rt:shutdown(1))
    assert.truthy(message and message:find("EBB052", 1, true))
    assert.is_false(ran)
  end)
end)

describe("from inside a task", function()
  it_runs("BO3 SH7 run, step and close of a runtime throw EBB052", function(_, rt)
    for _, call in ipairs {
      function() rt:run(function() end) end, function() rt:step(1) end,
      function() rt:close() end, function() ebb.run(function() end) end,
    } do
      local err = support.failure(call)
      assert.truthy(tostring(err):find("EBB052", 1, true))
      assert.truthy(tostring(err):find("shutdown_spec.lua:", 1, true))
    end
    support.near(1, support.elapsed(ebb.sleep, 1))
  end)
end)
