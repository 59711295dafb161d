-- Cancels and timeouts that strike inside an ebb coroutine.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer, near = support.closer, support.near
local co = ebb.coroutine

describe("cancel of a task that waits in an ebb coroutine", function()
  it_runs("R45 unwinds inside first, then outside, each with the cancel", function()
    local log = helper.log()
    local task = ebb.spawn(function()
      local _ <close> = closer(function(err) log("task", ebb.is_cancelled(err)) end)
      co.wrap(function()
        local _ <close> = closer(function(err) log("outer", ebb.is_cancelled(err)) end)
        co.wrap(function()
          local _ <close> = closer(function(err) log("inner", ebb.is_cancelled(err)) end)
          ebb.sleep(1000)
          log("never")
        end)()
        log("never")
      end)()
      log("never")
    end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("inner:true outer:true task:true", log:text())
    assert.equal("cancelled", task:status())
  end)

  it_runs("R45 the cleanups inside may await", function()
    local log = helper.log()
    local task = ebb.spawn(function()
      co.wrap(function()
        local _ <close> = closer(function()
          ebb.sleep(2)
          log("cleaned")
        end)
        ebb.sleep(1000)
      end)()
    end)
    ebb.sleep(1)
    task:cancel()
    local start = ebb.now()
    task:join()
    near(2, ebb.now() - start)
    assert.equal("cleaned", log:text())
  end)

  it_runs("R45 a pcall inside does not swallow it: the next await throws it again", function()
    local caught = 0
    local task = ebb.spawn(function()
      co.wrap(function()
        for _ = 1, 3 do
          if not pcall(ebb.sleep, 1000) then caught = caught + 1 end
        end
      end)()
      ebb.sleep(1000)
      caught = caught + 100
    end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal(3, caught)
    assert.equal("cancelled", task:status())
  end)

  it_runs("R45 resume gives it as an error value", function()
    local seen
    local task = ebb.spawn(function()
      local ok, err = co.resume(co.create(function() ebb.sleep(1000) end))
      seen = { ok, ebb.is_cancelled(err), err.reason }
      error(err, 0)
    end)
    ebb.sleep(1)
    task:cancel("why")
    task:join()
    assert.same({ false, true, "why" }, seen)
    assert.equal("cancelled", task:status())
  end)

  it_runs("TM7 a timeout around the generator", function()
    local closed = false
    local value, why = ebb.timeout(5, function()
      for _ in co.wrap(function()
        local _ <close> = closer(function() closed = true end)
        co.yield(1)
        ebb.sleep(1000)
      end) do ebb.yield() end
    end)
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.is_true(closed)
  end)

  it_runs("TM7 a timeout inside the generator is its own", function()
    local step = co.wrap(function()
      co.yield(ebb.timeout(1, ebb.sleep, 1000))
      co.yield("next")
    end)
    local value, why = step()
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.equal("next", step())
  end)

  it_runs("R45 a scope's failure strikes an await in a generator of the body", function()
    local closed = false
    local ok, err = pcall(ebb.scope, function(s)
      s:spawn(function()
        ebb.sleep(1)
        error("broken", 0)
      end)
      co.wrap(function()
        local _ <close> = closer(function() closed = true end)
        ebb.sleep(1000)
      end)()
    end)
    assert.is_false(ok)
    assert.equal("broken", err)
    assert.is_true(closed)
  end)
end)
