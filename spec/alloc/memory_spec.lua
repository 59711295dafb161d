-- What the pool, the collector and the statistics do over time.
local ebb = require "ebb"
local helper = require "spec.helper"
local collect, throws = helper.collect, helper.throws

-- An eager collector makes long loops take minutes and shows nothing more in them.
local is_eager = os.getenv "EBB_SPEC_GC" == "eager"

-- Nil where it cannot be told, or where a sanitizer keeps what was freed for a while.
local function resident_kib()
  local maps = io.open("/proc/self/maps")
  if not maps then return nil end
  local sanitized = maps:read("a"):find("asan", 1, true)
  maps:close()
  local file = not sanitized and io.open("/proc/self/status")
  if not file then return nil end
  local kib
  for line in file:lines() do kib = kib or line:match("^VmRSS:%s*(%d+)") end
  file:close()
  return tonumber(kib)
end

describe("the pool", function()
  it("2.9a asks the system for nothing once a loop of scopes has warmed up", function()
    local function scope()
      local g <close> = ebb.guard()
      g:bytes(1000)
      g:array("f64", 100):fill(1)
      g:buffer(4000):put("abc")
      g:vec("i32"):push(1, 2, 3)
      g:defer(function() end)
      g:own(setmetatable({}, { __close = function() end }))
      g:box(1)
      g:guard():bytes(64)
    end
    collect()
    for _ = 1, 100 do scope() end
    local before = ebb.alloc.stats()
    for _ = 1, is_eager and 100 or 2000 do scope() end
    local after = ebb.alloc.stats()
    assert.equal(before.pool.mallocs, after.pool.mallocs)
    assert.is_true(before.pool.mallocs > 0)
    assert.is_true(after.pool.total > before.pool.total)
  end)

  it("2.9b S0.16 a scope per item keeps the bytes flat over 10^5 items", function()
    local outer <close> = ebb.guard()
    local start = ebb.alloc.stats().pool.live
    for i = 1, is_eager and 10000 or 100000 do
      local item <close> = outer:guard()
      local b = item:bytes(i % 200)
      if i % 10000 == 0 then assert.equal(start + #b, ebb.alloc.stats().pool.live) end
    end
    assert.equal(start, ebb.alloc.stats().pool.live)
    assert.equal(0, outer:stats().count)
  end)

  it("2.9f R174 its statistics equal an independent count", function()
    collect()
    local base = ebb.alloc.stats()
    local g = ebb.guard()
    local live, total, heap_live, heap_total = 0, 0, 0, 0
    local held = {}
    local state = 7
    for i = 1, is_eager and 300 or 2000 do
      state = (state * 1103515245 + 12345) & 0x7fffffff
      local n = state % 40000
      if i % 3 == 0 and #held > 0 then
        local b = table.remove(held, state % #held + 1)
        if #b > 32768 then heap_live = heap_live - #b else live = live - #b end
        g:release(b)
      else
        held[#held + 1] = g:bytes(n)
        if n > 32768 then
          heap_live, heap_total = heap_live + n, heap_total + n
        else
          live, total = live + n, total + n
        end
      end
    end
    local stats = ebb.alloc.stats()
    assert.equal(base.pool.live + live, stats.pool.live)
    assert.equal(base.pool.total + total, stats.pool.total)
    assert.equal(base.heap.live + heap_live, stats.heap.live)
    assert.equal(base.heap.total + heap_total, stats.heap.total)
    assert.equal(live + heap_live, g:stats().live)
    assert.is_true(stats.pool.peak >= stats.pool.live)
    assert.is_true(stats.heap.peak >= stats.heap.live)
    g:close()
    stats = ebb.alloc.stats()
    assert.equal(base.pool.live, stats.pool.live)
    assert.equal(base.heap.live, stats.heap.live)
    assert.same(base.tags, stats.tags)
  end)

  it("lists its classes", function()
    collect()
    local function live_of(size)
      local last = 0
      for _, class in ipairs(ebb.alloc.stats().pool.classes) do
        assert.is_true(class.size > last and class.live >= 0 and class.free >= 0)
        last = class.size
        if class.size == size then return class.live end
      end
    end
    -- debug builds have a fence of 16 bytes behind each block
    local function live_near(size) return live_of(size) + live_of(size + 16) end
    local g <close> = ebb.guard()
    local before = live_near(112)
    local held = { g:bytes(100), g:bytes(112), g:bytes(80) }
    assert.equal(before + 2, live_near(112))
    assert.equal(3, #held)
    assert.equal(32768, ebb.alloc.stats().pool.classes[40].size)
  end)
end)

describe("the collector", function()
  for _, mode in ipairs({ "incremental", "generational" }) do
    it("is pushed by off-heap bytes: 10,000 abandoned 64 KiB buffers, " .. mode, function()
      local was = collectgarbage(mode)
      collect()
      local start, most = resident_kib(), 0
      local highest = ebb.alloc.stats().heap.live
      local g <close> = ebb.guard()
      for i = 1, is_eager and 500 or 10000 do
        g:buffer(65536):put("x")
        highest = math.max(highest, ebb.alloc.stats().heap.live)
        if start and i % 500 == 0 then most = math.max(most, resident_kib() - start) end
      end
      collectgarbage(was)
      assert.is_true(highest < 64 << 20, ("%d MiB were live at once"):format(highest >> 20))
      assert.is_true(most < 64 << 10, ("resident memory grew by %d KiB"):format(most))
    end)
  end

  it("closes abandoned guards, with what they own, and frees abandoned handles", function()
    collect()
    local before = ebb.alloc.stats()
    local log = helper.log()
    local function abandon()
      local g = ebb.guard()
      g:bytes(100)
      g:defer(function() log "defer" end)
      g:own(setmetatable({}, { __close = function() log "own" end }))
      g:box(g)
      g:guard():defer(function() log("child", g) end)
    end
    abandon()
    collect()
    collect()
    assert.equal(3, #log)
    assert.equal("own", log[2])
    assert.equal("defer", log[3])
    assert.equal(before.pool.live, ebb.alloc.stats().pool.live)
    local g <close> = ebb.guard()
    g:bytes(5000)
    collect()
    assert.same({ live = 0, peak = 5000, count = 0 }, g:stats())
  end)

  it("is left alone when it was stopped #calm", function()
    collectgarbage("stop")
    local g <close> = ebb.guard()
    local freed = false
    setmetatable({}, { __gc = function() freed = true end })
    for _ = 1, 200 do g:bytes(65536) end
    assert.is_false(freed)
    collectgarbage("restart")
    collectgarbage()
  end)

  it("a handle keeps its guard open", function()
    local b = ebb.guard():bytes(10)
    collect()
    b[1] = 1
    assert.equal(1, b[1])
  end)

  it("finalisers that close the guard in the middle of an allocation do no harm", function()
    for _ = 1, is_eager and 20 or 200 do
      local g = ebb.guard()
      setmetatable({}, { __gc = function() g:close() end })
      for _ = 1, 50 do
        local ok, err = pcall(function()
          local b = g:bytes(20000)
          b[20000] = 1
          g:vec("f64"):reserve(3000):push(1)
          g:own({ close = function() end })
        end)
        if not ok then
          assert.truthy(tostring(err):find("EBB012", 1, true), err)
          break
        end
      end
      g:close()
    end
  end)
end)

describe("debug mode", function()
  it("lists leaks with kind, bytes and place, and none when all is closed", function()
    local was = ebb.alloc.debug(true)
    collect()
    local before = #ebb.alloc.leaks()
    local g = ebb.guard()
    local b, v = g:bytes(77), g:vec("f64", 3)
    local leaks = ebb.alloc.leaks()
    assert.equal(before + 2, #leaks)
    assert.equal(77, leaks[#leaks - 1].bytes)
    assert.equal("bytes", leaks[#leaks - 1].kind)
    assert.equal(24, leaks[#leaks].bytes)
    assert.equal("vec", leaks[#leaks].kind)
    assert.truthy(leaks[#leaks].place:find("memory_spec.lua:%d+$"))
    assert.is_true(#b == 77 and #v == 0)
    g:close()
    assert.equal(before, #ebb.alloc.leaks())
    assert.is_true(ebb.alloc.debug(false))
    assert.is_false(ebb.alloc.debug())
    throws("boolean", ebb.alloc.debug, 1)
    ebb.alloc.debug(was)
  end)

  it("lists boxes, too, until they are let go", function()
    local was = ebb.alloc.debug(true)
    local before = #ebb.alloc.leaks()
    local g = ebb.guard()
    local box = g:box {}
    local leaks = ebb.alloc.leaks()
    assert.equal(before + 1, #leaks)
    assert.equal("box", leaks[#leaks].kind)
    assert.equal(0, leaks[#leaks].bytes)
    assert.truthy(leaks[#leaks].place:find("memory_spec.lua:%d+$"))
    g:close()
    assert.equal(before, #ebb.alloc.leaks())
    assert.is_not_nil(box)
    ebb.alloc.debug(was)
  end)

  it("names where the guard was closed", function()
    local was = ebb.alloc.debug(true)
    local b
    do
      local g <close> = ebb.guard()
      b = g:bytes(3)
    end
    ebb.alloc.debug(was)
    local err = throws("EBB012", function() return b[1] end)
    assert.truthy(err:find("allocated at %S*memory_spec.lua:%d+, freed at %S*spec.lua:%d+"), err)
  end)
end)
