-- ebb.retry: attempts, pauses between them, and what comes out.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

-- A function that fails `n` times with an error, then returns "ok"; and the times of its calls.
local function flaky(n)
  local calls = {}
  return function(attempt)
    calls[#calls + 1] = ebb.now()
    assert.equal(#calls, attempt)
    if #calls <= n then error("failure " .. #calls, 0) end
    return "ok", attempt
  end, calls
end

describe("retry", function()
  it_runs("S2.9 gives the results of the first attempt that works", function()
    local fn, calls = flaky(2)
    assert.same({ "ok", 3 }, { ebb.retry(fn) })
    assert.equal(3, #calls)
  end)

  it_runs("waits longer each time: 0.1, 0.2, …", function()
    local fn, calls = flaky(5)
    ebb.retry(fn, { attempts = 6 })
    for i, expected in ipairs { 0, 0.1, 0.3, 0.7, 1.5, 3.1 } do support.near(expected, calls[i]) end
  end)

  it_runs("with its own delay, factor and max_delay", function()
    local fn, calls = flaky(4)
    ebb.retry(fn, { attempts = 5, delay = 1, factor = 3, max_delay = 5 })
    for i, expected in ipairs { 0, 1, 4, 9, 14 } do support.near(expected, calls[i]) end
  end)

  it_runs("then throws the last error, unchanged", function()
    local value, n = {}, 0
    assert.is_true(rawequal(value, support.failure(ebb.retry, function()
      n = n + 1
      error(n == 3 and value or "earlier")
    end)))
    support.near(0.3, ebb.now())
  end)

  it_runs("nil, err is a failure; the last one is returned", function()
    local n = 0
    assert.same({ nil, "down 2" }, { ebb.retry(function()
      n = n + 1
      return nil, "down " .. n
    end, { attempts = 2 }) })
    assert.same({ n = 1 }, table.pack(ebb.retry(function() return nil end)))
    assert.equal(0, select("#", ebb.retry(function() end)))
    assert.is_false(ebb.retry(function() return false, "no failure" end))
  end)

  it_runs("tells of each failure", function()
    local log = helper.log()
    pcall(ebb.retry, flaky(9), { on = function(err, attempt) log(attempt, err) end })
    assert.equal("1:failure 1 2:failure 2 3:failure 3", log:text())
    ebb.retry(function() return nil, "word" end,
      { attempts = 1, on = function(err, attempt) log(attempt, err) end })
    assert.equal("1:word", log[4])
  end)

  it_runs("the longest delay times factor 0 is still a delay", function()
    assert.equal("no", support.failure(ebb.retry, function() error("no", 0) end,
      { delay = math.huge, max_delay = 1, factor = 0 }))
    support.near(2, ebb.now())
  end)

  it_runs("jitter stays within its fraction", function()
    for _ = 1, 50 do
      local fn, calls = flaky(1)
      ebb.retry(fn, { delay = 10, jitter = 0.5 })
      local gap = calls[2] - calls[1]
      assert.is_true(gap >= 5 and gap <= 15)
    end
  end)

  it_runs("a cancel is never retried", function()
    local n = 0
    local task = ebb.spawn(ebb.retry, function()
      n = n + 1
      ebb.sleep(10)
    end)
    ebb.sleep(1)
    task:cancel "stop"
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal(1, n)
    support.near(1, ebb.now())
  end)

  it_runs("a cancel while it waits between attempts ends it", function()
    local task = ebb.spawn(ebb.retry, flaky(9), { delay = 10 })
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
  end)

  it_runs("a timeout inside is a failure like others, one outside ends it", function()
    local n = 0
    assert.same({ nil, "timeout", 1 }, { ebb.retry(function()
      n = n + 1
      return ebb.timeout(1, ebb.never())
    end, { attempts = 2 }) })
    assert.equal(2, n)
    assert.same({ nil, "timeout", 1 }, { ebb.timeout(1, ebb.retry, function()
      ebb.sleep(0.3)
      error "x"
    end, { attempts = math.huge, factor = 1 }) })
  end)

  it_runs("refuses what it does not understand", function()
    helper.throws("bad argument #1 to 'retry' (function expected, got nil)", ebb.retry)
    helper.throws("table of options expected", ebb.retry, print, 3)
    helper.throws("unknown option 'atempts'", ebb.retry, print, { atempts = 3 })
    helper.throws("'attempts': whole number >= 1 expected, got 0", ebb.retry, print, { attempts = 0 })
    helper.throws("'attempts'", ebb.retry, print, { attempts = 1.5 })
    helper.throws("'delay': seconds >= 0 expected, got -1", ebb.retry, print, { delay = -1 })
    helper.throws("'delay'", ebb.retry, print, { delay = 0 / 0 })
    helper.throws("'jitter': number from 0 to 1 expected, got 2", ebb.retry, print, { jitter = 2 })
    helper.throws("'on': function expected, got table", ebb.retry, print, { on = {} })
    helper.throws("retry_spec.lua", function() ebb.retry(print, { on = 1 }) end)
  end)
end)
