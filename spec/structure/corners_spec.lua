-- Scopes in unusual hands: closed by others, left outside of tasks, spawned into while they end; and what they say.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs, step_until = helper.it, require("spec.runtime.support").step_until

local function closer(fn) return setmetatable({}, { __close = fn }) end

describe("a scope object", function()
  it_runs("says in which state it is", function()
    local s = ebb.scope()
    assert.equal("ebb.scope: open, 0 task(s)", tostring(s))
    s:spawn(ebb.sleep, 1)
    assert.equal("ebb.scope: open, 1 task(s)", tostring(s))
    s:cancel()
    assert.equal("ebb.scope: cancelled, 1 task(s)", tostring(s))
    s:wait()
    s:spawn(error, "x")
    helper.settle()
    assert.equal("ebb.scope: failed, 0 task(s)", tostring(s))
    helper.throws("x", s.wait, s)
    s:close()
    assert.equal("ebb.scope: ended, 0 task(s)", tostring(s))
  end)

  it_runs("closed while another task waits for it cancels its children; who waits goes on (SC7)", function()
    local s, cleaned = ebb.scope(), false
    s:spawn(function()
      local _ <close> = closer(function()
        ebb.sleep(1)
        cleaned = true
      end)
      ebb.sleep(100)
    end)
    local waiter = ebb.spawn(s.wait, s)
    helper.settle()
    s:close()
    local ok = waiter:join()
    assert.is_true(cleaned)
    assert.is_boolean(ok)
    assert.equal(1, ebb.now())
    s:close()
    helper.throws("", s.spawn, s, print)
  end)

  it_runs("of a function: wait within it throws, close cancels it (SC7)", function()
    local why
    local value, word = ebb.scope(function(s)
      helper.throws("somebody waits for this scope", s.wait, s)
      ebb.go(function() s:close() end)
      local ok, err = pcall(ebb.sleep, 10)
      why = err
      assert(not ok and ebb.is_cancelled(err))
      error(err, 0)
    end)
    assert.is_nil(value)
    assert.equal("cancelled", word)
    assert.is_truthy(why)
    assert.equal(0, ebb.now())
  end)

  it_runs("takes nothing new while it is closed, left by an error, or has failed: children never run (SC9)", function()
    local ran = helper.log()
    local function try(s) return pcall(s.spawn, s, ran, "ran") end
    -- closed
    local s = ebb.scope()
    s:spawn(function()
      local _ <close> = closer(function() try(s) end)
      ebb.sleep(10)
    end)
    helper.settle()
    s:close()
    -- left by an error
    helper.throws("leaving", function()
      local t <close> = ebb.scope()
      t:spawn(function()
        local _ <close> = closer(function() try(t) end)
        ebb.sleep(10)
      end)
      helper.settle()
      error("leaving", 0)
    end)
    -- failed
    s = ebb.scope()
    s:spawn(function()
      local _ <close> = closer(function() try(s) end)
      ebb.sleep(10)
    end)
    s:spawn(error, "failing", 0)
    helper.throws("failing", s.wait, s)
    s:close()
    helper.settle()
    assert.equal("", ran:text())
  end)

  it_runs("the body's error, when a child has failed before: the child's is thrown, the body's reported (SC4)",
    function(errors)
      helper.throws("child", ebb.scope, function(s)
        s:spawn(error, "child", 0)
        local ok = pcall(ebb.sleep, 1)
        assert(not ok)
        error("body", 0)
      end)
      helper.settle()
      assert.equal(1, #errors)
      assert.equal("body", errors[1].err)
      errors[1] = nil
    end)

  it("left outside of a task only cancels (SC7)", function()
    local rt, errors = helper.runtime()
    ebb.use(rt)
    local cleaned, begun = helper.log(), {}
    local function child(name)
      return function()
        begun[name] = true
        local _ <close> = closer(function() cleaned(name) end)
        ebb.sleep(100)
      end
    end
    do
      local s <close> = ebb.scope()
      s:spawn(child "left")
      assert.is_true(step_until(rt, function() return begun.left end))
    end
    helper.throws("block", function()
      local s <close> = ebb.scope()
      s:spawn(child "failed")
      assert.is_true(step_until(rt, function() return begun.failed end))
      error("block", 0)
    end)
    local s = ebb.scope()
    s:spawn(child "closed")
    assert.is_true(step_until(rt, function() return begun.closed end))
    local failing = s:spawn(error, "child", 0)
    assert.is_true(step_until(rt, function() return failing:finished() end))
    s:close()
    s:close()
    ebb.use(nil)
    rt:run(function() helper.settle() end)
    table.sort(cleaned)
    assert.equal("closed failed left", cleaned:text())
    assert.equal(1, #errors)
    assert.equal("child", errors[1].err)
    rt:close()
  end)

  it_runs("game.every within a scope that ends is its child, or nobody's (GM2)", function()
    local n = 0
    local s = ebb.scope()
    s:spawn(function()
      local _ <close> = closer(function()
        pcall(ebb.shield, function() ebb.game.every(0.1, function() n = n + 1 end) end)
      end)
      ebb.sleep(10)
    end)
    helper.settle()
    s:cancel()
    s:wait()
    ebb.sleep(1)
    assert.equal(0, n)
    -- a function of a group has no scope that takes such children
    local _, ticker = ebb.join(function() end, function() return ebb.game.every(0.1, function() n = n + 1 end) end)
    ebb.sleep(0.35)
    assert.equal(3, n)
    ticker:cancel()
  end)
end)

describe("a task", function()
  it_runs("that has not begun says so", function()
    local task = ebb.spawn(ebb.sleep, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    assert.truthy(task:traceback():find("stack traceback", 1, true))
    assert.equal("ready", task:status())
    local failed = ebb.spawn(function() error("the cause", 0) end)
    local lazy = {}
    for i = 1, 200 do lazy[i] = ebb.spawn(ebb.sleep, i / 1000) end
    assert.truthy(lazy[200]:traceback():find("stack traceback", 1, true))
    assert.is_nil(lazy[200]:waiting_on())
    helper.settle()
    assert.truthy(failed:traceback():find("stack traceback", 1, true), failed:traceback())
    helper.throws("the cause", failed.await, failed)
    assert.truthy(failed:traceback():find("stack traceback", 1, true))
    assert.is_false(failed:cancel())
    ebb.sleep(2)
    assert.equal("stack traceback: (ended)", task:traceback())
  end)

  it_runs("whose handler of errors fails is reported all the same (R117)", function()
    local result = require("spec.runtime.support").child [[
      local ebb = require "ebb"
      for _, thrown in ipairs { "'text'", "{}", "nil" } do
        local rt = ebb.runtime { on_task_error = load("error(" .. thrown .. ")") }
        rt:run(function()
          ebb.go(error, "first")
          ebb.go(error)
          ebb.go(error, {})
          ebb.yield()
          ebb.yield()
        end)
        rt:close()
      end
    ]]
    local _, n = result.err:gsub("the handler of on_task_error failed", "")
    assert.equal(9, n, result.err)
    -- and what they should have told
    _, n = result.err:gsub("EBB021", "")
    assert.equal(9, n, result.err)
    assert.truthy(result.err:find("first", 1, true))
  end)
end)
