-- ebb.thread.pool: so many workers.
local ebb = require "ebb"
local helper = require "spec.helper"

local real = { clock = "system" }

describe("a pool", function()
  helper.it("calls as ebb.blocking does", function()
    local pool <close> = ebb.thread.pool { workers = 2 }
    assert.equal(2, pool:workers())
    assert.same({ 3, "x", n = 2 }, table.pack(pool:call(function(a, b) return a + b, "x" end, 1, 2)))
    assert.equal("AB", pool:call("string:upper", "ab"))
    helper.throws("boom", pool.call, pool, function() error "boom" end)
    helper.throws("argument 1: userdata", pool.call, pool, type, io.stdout)
    assert.is_true((ebb.thread.pool():workers()) >= 1)
  end)

  helper.it("has so many threads and no more; they keep their state", function()
    local pool <close> = ebb.thread.pool { workers = 1 }
    local count = function() CALLS = (rawget(_G, "CALLS") or 0) + 1; return CALLS end -- luacheck: ignore
    for i = 1, 5 do assert.equal(i, pool:call(count)) end
    assert.equal(1, (pool:counts()))
    assert.is_nil(rawget(_G, "CALLS"))
  end)

  helper.it("maps a list, in order", function()
    local pool <close> = ebb.thread.pool { workers = 3 }
    local list = {}
    for i = 1, 50 do list[i] = i end
    local got = pool:map(list, function(item, i) return { item * item, i } end)
    assert.equal(50, #got)
    for i = 1, 50 do assert.same({ i * i, i }, got[i]) end
    assert.same({}, pool:map({}, print))
    helper.throws("at 3", pool.map, pool, { 1, 2, 3, 4 }, function(n)
      if n == 3 then error("at 3", 0) end
    end)
  end)

  helper.it("closed: no more calls, those that wait fail, those that run end", function()
    local gate, up = ebb.thread.channel(), ebb.thread.channel()
    local pool = ebb.thread.pool { workers = 1 }
    local running = ebb.spawn(function()
      return pool:call(function(g, u) u:send(true); return g:recv() end, gate, up)
    end)
    up:recv()
    local waiting = ebb.spawn(function() return pool:call(type, 1) end)
    while waiting:status() ~= "waiting" do ebb.yield() end
    pool:close()
    pool:close()
    assert.matches("closed", tostring(pool))
    local ok, err = waiting:join()
    assert.is_false(ok)
    assert.matches("EBB072: the pool was closed before the call began", err)
    helper.throws("EBB072: this pool is closed", pool.call, pool, type, 1)
    gate:send "end"
    assert.equal("end", running:await())
  end, real)

  it("collected with its workers idle, it goes", function()
    ebb.run(function() ebb.thread.pool { workers = 2 }:call(type, 1) end)
    collectgarbage()
    collectgarbage()
  end)

  it("says what is wrong", function()
    for _, n in ipairs { 0, -1, 1.5, 2000, "2" } do
      helper.throws("workers: integer from 1 to 1024", ebb.thread.pool, { workers = n })
    end
    helper.throws("table of options expected, got number", ebb.thread.pool, 4)
  end)
end)
