-- ebb.supervise: children that are started again.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- A child that logs its starts and ends; it fails `failures` times after `seconds`, then ends.
local function child(log, name, seconds, failures, opts)
  local n = 0
  local spec = { name = name, run = function()
    n = n + 1
    log(name .. n)
    local _ <close> = support.closer(function() log(name, "end") end)
    ebb.sleep(seconds)
    if n <= failures then error(name .. " failed", 0) end
  end }
  for key, value in pairs(opts or {}) do spec[key] = value end
  return spec
end

local function quiet(spec)
  spec.on = spec.on or function() end
  return spec
end

describe("supervise", function()
  it_runs("S1.8 starts a child that fails again, until it ends", function()
    local log = helper.log()
    ebb.supervise(quiet { child(log, "a", 1, 2, { restart = "transient" }) })
    assert.equal("a1 a:end a2 a:end a3 a:end", log:text())
    support.near(3, ebb.now())
  end)

  it_runs("one_for_one leaves the others alone", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 1, 1, { restart = "transient" }),
      child(log, "b", 5, 0, { restart = "transient" }),
    })
    assert.matches("^[ab]1 [ab]1 a:end a2 a:end b:end$", log:text())
  end)

  it_runs("one_for_all ends and starts all", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 5, 0, { restart = "transient" }),
      child(log, "b", 1, 1, { restart = "transient" }),
      child(log, "c", 5, 0, { restart = "temporary" }),
      strategy = "one_for_all",
    })
    assert.matches("^%l1 %l1 %l1 b:end [ac]:end [ac]:end [ab]2 [ab]2 b:end a:end$", log:text())
  end)

  it_runs("rest_for_one ends and starts those after it", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 5, 0, { restart = "transient" }),
      child(log, "b", 1, 1, { restart = "transient" }),
      child(log, "c", 5, 0, { restart = "transient" }),
      strategy = "rest_for_one",
    })
    assert.matches("^%l1 %l1 %l1 b:end c:end [bc]2 [bc]2 b:end a:end c:end$", log:text())
    support.near(6, ebb.now())
  end)

  it_runs("waits for the cleanups of what it ends before it starts anything", function()
    local log = helper.log()
    local n = 0
    ebb.supervise(quiet {
      { restart = "transient", run = function()
        n = n + 1
        log("slow" .. n)
        local _ <close> = support.closer(function() ebb.sleep(2) log "cleaned" end)
        ebb.sleep(n == 1 and 100 or 1)
      end },
      child(log, "b", 1, 1, { restart = "transient" }),
      strategy = "one_for_all",
    })
    assert.matches("^%l+1 %l+1 b:end cleaned %l+2 %l+2 b:end cleaned$", log:text())
  end)

  it_runs("two that fail while another is being ended are started again", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 1.5, 1, { restart = "transient" }),
      child(log, "b", 1.6, 1, { restart = "transient" }),
      child(log, "c", 1, 1, { restart = "transient" }),
      { restart = "transient", run = function()
        log "slow"
        local _ <close> = support.closer(function() ebb.sleep(2) end)
        ebb.sleep(5)
      end },
      strategy = "rest_for_one",
    })
    local text = log:text()
    assert.matches("c:end a:end b:end", text, 1, true)
    for _, name in ipairs { "a2", "b2", "c2", "slow" } do
      local _, n = text:gsub("%f[%w]" .. name .. "%f[%W]", "")
      assert.equal(name == "slow" and 2 or 1, n, text)
    end
  end)

  it_runs("one that has ended well while another is being ended stays ended", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 1.5, 1, { restart = "transient" }),
      child(log, "b", 1.6, 0, { restart = "transient" }),
      child(log, "c", 1, 1, { restart = "transient" }),
      { restart = "transient", run = function()
        local _ <close> = support.closer(function() ebb.sleep(2) end)
        ebb.sleep(5)
      end },
      strategy = "rest_for_one",
    })
    assert.matches("c:end a:end b:end", log:text(), 1, true)
    assert.is_nil(log:text():find "b2")
  end)

  it_runs("on() is told of what fails as it gives up", function(errors)
    local told = {}
    assert.equal("a failed", support.failure(ebb.supervise, {
      child(helper.log(), "a", 1, 1),
      { name = "b", run = function()
        local _ <close> = support.closer(function() error("b failed", 0) end)
        ebb.sleep(5)
      end },
      { name = "c", run = function()
        pcall(ebb.sleep, 5)
        error("c failed", 0)
      end },
      max_restarts = 0, on = function(err, name) told[#told + 1] = name .. ": " .. err end,
    }))
    assert.same({ "c: c failed" }, told)
    assert.equal("b failed", support.take(errors)[1].err) -- a cleanup: the task stays cancelled
  end)

  it_runs("a permanent child is started again when it ends, too", function()
    local n = 0
    helper.throws("supervise: \"p\" has ended; that is number 4 within 5 s, with max_restarts = 3", function()
      ebb.supervise { { name = "p", run = function() n = n + 1 end } }
    end)
    assert.equal(4, n)
  end)

  it_runs("a temporary one never is; its failure is reported", function(errors)
    local log = helper.log()
    ebb.supervise { child(log, "t", 1, 9, { restart = "temporary" }) }
    assert.equal("t1 t:end", log:text())
    local reports = support.take(errors)
    assert.equal(1, #reports)
    assert.equal("t failed", reports[1].err)
    assert.equal("t", reports[1].task:name())
  end)

  it_runs("gives up at failure number max_restarts + 1 and throws it, unchanged", function()
    local value, n = {}, 0
    local log = helper.log()
    assert.is_true(rawequal(value, support.failure(ebb.supervise, quiet {
      child(log, "other", 100, 0),
      { run = function()
        n = n + 1
        ebb.sleep(1)
        error(value)
      end },
      max_restarts = 2, within = 60,
    })))
    assert.equal(3, n)
    assert.equal("other1 other:end", log:text())
    support.near(3, ebb.now())
  end)

  it_runs("failures that lie longer back than `within` do not count", function()
    local log = helper.log()
    ebb.supervise(quiet {
      child(log, "a", 10, 8, { restart = "transient" }), max_restarts = 1, within = 10 })
    assert.equal("a9", log[17])
  end)

  it_runs("max_restarts = 0 throws the first", function()
    assert.equal("a failed", support.failure(ebb.supervise,
      { child(helper.log(), "a", 1, 1), max_restarts = 0 }))
  end)

  it_runs("failures that are handled go to on, or are reported", function(errors)
    local log = helper.log()
    ebb.supervise {
      child(helper.log(), "a", 1, 1, { restart = "transient" }),
      on = function(err, name) log(name, err) end,
    }
    assert.equal("a:a failed", log:text())
    ebb.supervise { child(helper.log(), "b", 1, 1, { restart = "transient" }) }
    assert.equal("b failed", support.take(errors)[1].err)
  end)

  it_runs("cancelled, it ends its children and waits for them", function()
    local log = helper.log()
    local task = ebb.spawn(ebb.supervise, { child(log, "a", 100, 0), child(log, "b", 100, 0) })
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.matches("^[ab]1 [ab]1 [ab]:end [ab]:end$", log:text())
  end)

  it_runs("a transient child that was cancelled alone stays ended", function()
    local n = 0
    ebb.supervise { { restart = "transient", run = function()
      n = n + 1
      ebb.current():cancel()
      ebb.sleep(1)
    end } }
    assert.equal(1, n)
  end)

  it_runs("without children it is done", function() ebb.supervise {} end)

  it("works outside of tasks", function()
    local rt = helper.runtime()
    ebb.use(rt)
    local log = helper.log()
    ebb.supervise(quiet { child(log, "a", 1, 1, { restart = "transient" }) })
    assert.equal("a1 a:end a2 a:end", log:text())
    ebb.use(nil)
    rt:close()
  end)

  it_runs("refuses what it does not understand", function()
    local function with(spec) return function() ebb.supervise(spec) end end
    helper.throws("bad argument #1 to 'supervise' (table expected, got nil)", ebb.supervise)
    helper.throws("child 1: table expected, got function", with { print })
    helper.throws("child 1: function 'run' expected, got nil", with { {} })
    helper.throws("restart: 'permanent'", with { { run = print, restart = "always" } })
    helper.throws("name: string expected", with { { run = print, name = 3 } })
    helper.throws("strategy", with { strategy = "all" })
    helper.throws("max_restarts: number >= 0 expected, got -1", with { max_restarts = -1 })
    helper.throws("within", with { within = 0 / 0 })
    helper.throws("unknown option 'retries'", with { retries = 3 })
    helper.throws("supervise_spec.lua", with { retries = 3 })
  end)

  it_runs("tells on() of a child that fails as the supervisor is cancelled #fifo", function()
    local told, go = {}, ebb.notify()
    local supervisor = ebb.spawn(ebb.supervise, {
      { name = "a", restart = "transient", run = function()
        go:wait()
        error("a failed", 0)
      end },
      on = function(err, name) told[#told + 1] = name .. ": " .. err end,
    })
    helper.settle()
    ebb.spawn(function()
      go:notify_one()
      ebb.yield()
      supervisor:cancel()
    end)
    supervisor:join()
    assert.same({ "a: a failed" }, told)
    assert.equal("cancelled", supervisor:status())
  end)
end)
