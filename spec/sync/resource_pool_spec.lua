-- ebb.resource_pool: so many at most, used again, checked, closed.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

-- A pool of numbered tables that logs what is made and closed.
local function numbered(opts)
  local log, n = helper.log(), 0
  opts = opts or {}
  opts.close = function(v) log("close", v.n) end
  local pool = ebb.resource_pool(function()
    n = n + 1
    log("make", n)
    return { n = n }
  end, opts)
  return pool, log
end

describe("a resource pool", function()
  it_runs("makes when needed and uses again what was used last", function()
    local pool, log = numbered()
    local a, b = pool:acquire(), pool:acquire()
    assert.equal(1, a.value.n)
    assert.equal(2, b.value.n)
    assert.equal("ebb.resource_pool: 2 leased, 0 idle", tostring(pool))
    a:close()
    b:close()
    b:close()
    assert.is_nil(b.value)
    assert.same({ n = 2, 0, 2 }, pack(pool:size()))
    do
      local lease <close> = pool:acquire()
      assert.equal(2, lease.value.n)
      assert.equal("ebb.lease: held", tostring(lease))
    end
    pool:close()
    assert.equal("make:1 make:2 close:2 close:1", log:text())
  end)

  it_runs("leases at most max, in order", function()
    local pool, order = numbered { max = 2 }, helper.log()
    for i = 1, 6 do
      ebb.go(function()
        pool:with(function(v)
          order(i, v.n)
          ebb.sleep(10)
        end)
      end)
      ebb.sleep(0.5)
    end
    assert.same({ n = 2, nil, "empty" }, pack(pool:try_acquire()))
    ebb.sleep(50)
    assert.matches("^1:%d 2:%d 3:%d 4:%d 5:%d 6:%d$", order:text())
    assert.same({ n = 2, 0, 2 }, pack(pool:size()))
    local lease <close> = pool:try_acquire()
    assert.is_truthy(lease)
  end)

  it_runs("with passes value, arguments and results, and gives back after an error", function()
    local pool = numbered { max = 1 }
    assert.same({ n = 3, 1, "x", nil }, pack(pool:with(function(v, ...) return v.n, ... end, "x", nil)))
    helper.throws("broken", pool.with, pool, function()
      ebb.yield()
      error "broken"
    end)
    assert.same({ n = 2, 0, 1 }, pack(pool:size()))
  end)

  it_runs("discard closes the value; the next is made anew", function()
    local pool, log = numbered { max = 1 }
    local lease = pool:acquire()
    lease:discard()
    lease:discard()
    lease:close()
    assert.equal(2, pool:acquire().value.n)
    assert.equal("make:1 close:1 make:2", log:text())
  end)

  it_runs("check decides whether an idle value is used again", function()
    local good = true
    local pool, log = numbered { check = function() ebb.yield() return good end }
    pool:acquire():close()
    pool:acquire():close()
    good = false
    pool:acquire():close()
    assert.equal("make:1 close:1 make:2", log:text())
  end)

  it_runs("a check that throws or is cancelled closes the value and gives the place back", function()
    local wait = false
    local pool, log = numbered { max = 1, check = function()
      if wait then ebb.sleep(5) end
      error "broken"
    end }
    pool:acquire():close()
    helper.throws("broken", pool.acquire, pool)
    pool:acquire():close()
    wait = true
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, pool.acquire, pool)))
    pool:acquire():close()
    assert.equal("make:1 close:1 make:2 close:2 make:3", log:text())
  end)

  it_runs("what make throws or returns instead of a value is its caller's", function()
    local what = "error"
    local pool = ebb.resource_pool(function()
      if what == "error" then error "no route" end
      if what == "nil" then return nil, "refused", "ECONNREFUSED" end
      if what == "wait" then ebb.sleep(math.huge) end
      return "v"
    end, { max = 1 })
    helper.throws("no route", pool.acquire, pool)
    what = "nil"
    assert.same({ n = 3, nil, "refused", "ECONNREFUSED" }, pack(pool:acquire()))
    assert.same({ n = 3, nil, "refused", "ECONNREFUSED" }, pack(pool:with(print)))
    what = "wait"
    local task = ebb.spawn(pool.acquire, pool)
    settle()
    task:cancel()
    task:cancel()
    what = "value"
    assert.equal("v", pool:acquire().value)
    task:join()
  end)

  it_runs("idle closes what has not been used for so long", function()
    local pool, log = numbered { idle = 10 }
    local a, b = pool:acquire(), pool:acquire()
    a:close()
    ebb.sleep(6)
    b:close()
    ebb.sleep(5)
    assert.equal("make:1 make:2 close:1", log:text())
    ebb.sleep(6)
    assert.equal("make:1 make:2 close:1 close:2", log:text())
    pool:acquire():close()
    ebb.sleep(11)
    assert.same({ n = 2, 0, 0 }, pack(pool:size()))
  end)

  it("idle values are closed in time though what looks after them never ran", function()
    local pool, log = numbered { idle = 10 }
    local rt = helper.runtime()
    rt:run(function() pool:acquire():close() end) -- ends before another task has a turn
    rt:run(function()
      local a, b = pool:acquire(), pool:acquire()
      a:close()
      ebb.sleep(6)
      assert.equal("make:1 make:2", log:text())
      ebb.sleep(5)
      assert.equal("make:1 make:2 close:1", log:text())
      b:close()
      ebb.sleep(11)
      assert.equal("make:1 make:2 close:1 close:2", log:text())
    end)
    rt:close()
  end)

  it_runs("the value of a lease that was dropped is closed in time, too", function()
    local pool, log = numbered { idle = 10 }
    do
      local _ = pool:acquire()
    end
    helper.collect()
    assert.same({ n = 2, 0, 1 }, pack(pool:size()))
    ebb.sleep(11)
    assert.equal("make:1 close:1", log:text())
  end)

  it_runs("one idle value that cannot be closed keeps no other from it", function(errors)
    local n, closed = 0, {}
    local pool = ebb.resource_pool(function()
      n = n + 1
      return n
    end, { idle = 10, close = function(v)
      closed[#closed + 1] = v
      if v == 1 then error("cannot close", 0) end
    end })
    local a, b = pool:acquire(), pool:acquire()
    a:close()
    b:close()
    ebb.sleep(11)
    assert.same({ 1, 2 }, closed)
    helper.eventually(1, function()
      collectgarbage()
      return #errors
    end)
    assert.equal("cannot close", support.take(errors)[1].err)
  end)

  it_runs("closed: waiters and newcomers are refused, leased values closed when they return", function()
    local pool, log = numbered { max = 2 }
    local a, b = pool:acquire(), pool:acquire()
    b:close()
    local b2 = pool:acquire()
    local waiter = ebb.spawn(pool.acquire, pool)
    settle()
    b2:close()
    local got = waiter:await()
    got:close()
    pool:close()
    pool:close()
    assert.is_true(pool:is_closed())
    assert.same({ n = 2, nil, "closed" }, pack(pool:acquire()))
    assert.same({ n = 2, nil, "closed" }, pack(pool:try_acquire()))
    assert.same({ n = 2, nil, "closed" }, pack(pool:with(print)))
    a:close()
    assert.equal("make:1 make:2 close:2 close:1", log:text())
    assert.equal("ebb.resource_pool: 0 leased, 0 idle, closed", tostring(pool))
  end)

  it_runs("closed while somebody waits or makes", function()
    local pool, log = numbered { max = 1 }
    local lease = pool:acquire()
    local waiter = ebb.spawn(pool.acquire, pool)
    settle()
    pool:close()
    assert.same({ n = 2, nil, "closed" }, pack(waiter:await()))
    lease:close()
    local slow = ebb.resource_pool(function()
      ebb.sleep(1)
      return { n = "slow" }
    end, { close = function(v) log("close", v.n) end })
    local maker = ebb.spawn(slow.acquire, slow)
    settle()
    slow:close()
    assert.same({ n = 2, nil, "closed" }, pack(maker:await()))
    assert.equal("make:1 close:1 close:slow", log:text())
  end)

  it_runs("a lease that is collected goes back", function()
    local pool = numbered { max = 1 }
    pool:acquire()
    collectgarbage()
    collectgarbage()
    assert.same({ n = 2, 0, 1 }, pack(pool:size()))
    assert.is_truthy(pool:try_acquire())
  end)

  it_runs("a cancelled acquire loses no place: before, while waiting, in the turn of the wake", function()
    local pool = numbered { max = 1 }
    local unstarted = ebb.spawn(pool.acquire, pool)
    unstarted:cancel()
    local lease = pool:acquire()
    local waiting = ebb.spawn(pool.acquire, pool)
    local woken = ebb.spawn(function()
      local _ <close> = pool:acquire()
      ebb.yield()
    end)
    settle()
    waiting:cancel()
    waiting:cancel()
    lease:close()
    woken:cancel()
    woken:join()
    assert.same({ n = 2, 0, 1 }, pack(pool:size()))
    pool:acquire():close()
  end)

  it("what grew old while no task ran is not used again", function()
    local pool, log = numbered { idle = 5 }
    local rt = helper.runtime()
    local lease
    rt:run(function() lease = pool:acquire() end)
    ebb.use(rt)
    lease:close()
    ebb.use(nil)
    rt:advance(10)
    rt:run(function()
      local other <close> = pool:acquire()
      assert.equal(2, other.value.n)
    end)
    assert.equal("make:1 close:1 make:2", log:text())
    rt:close()
  end)

  it("checks its arguments", function()
    for _, arguments in ipairs { {}, { 1 }, { print, 1 }, { print, { max = 0 } },
      { print, { max = 1.5 } }, { print, { idle = "x" } }, { print, { check = 1 } },
      { print, { size = 1 } } } do
      helper.throws("resource_pool", ebb.resource_pool, table.unpack(arguments))
    end
    local pool = numbered()
    helper.throws("ebb.resource_pool expected", pool.acquire, {})
    helper.throws("ebb.resource_pool expected", pool.close)
  end)
end)

describe("a resource pool that is closed", function()
  it_runs("closes the values of leases that nobody keeps (RP7 R9)", function()
    for _, closes in ipairs { true, false } do
      local closed = helper.log()
      local pool = ebb.resource_pool(function() return "value" end, { close = closes and closed or nil })
      for _ = 1, 3 do pool:acquire() end
      pool:close()
      collectgarbage()
      collectgarbage()
      settle()
      assert.equal(closes and "value value value" or "", closed:text())
    end
  end)

  it_runs("throws the first error of many, and closes all (RP8)", function()
    local n = 0
    local pool = ebb.resource_pool(function() return {} end, { close = function()
      n = n + 1
      error("trouble " .. n, 0)
    end })
    local leases = {}
    for i = 1, 3 do leases[i] = pool:acquire() end
    for i = 1, 3 do leases[i]:close() end
    helper.throws("trouble 1", pool.close, pool)
    assert.equal(3, n)
    pool:close()
    assert.equal(3, n)
  end)

  it_runs("a lease that was discarded has nothing left to give back", function()
    local closed = helper.log()
    local pool = ebb.resource_pool(function() return "value" end, { close = closed })
    do
      local lease = pool:acquire()
      lease:discard()
      lease = nil -- luacheck: ignore 311
    end
    collectgarbage()
    collectgarbage()
    settle()
    assert.equal("value", closed:text())
    pool:close()
    assert.equal("value", closed:text())
  end)
end)
