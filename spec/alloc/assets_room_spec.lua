-- The room of a streaming cache: who is evicted, who waits, pins, closing.
local ebb = require "ebb"
local files = require "spec.alloc.asset_files"
local helper = require "spec.helper"
local collect, throws = helper.collect, helper.throws
local file, fifo, off_heap = files.file, files.fifo, files.off_heap

local is_eager = os.getenv "EBB_SPEC_GC" == "eager"

-- Names of what is in the cache, of those given.
local function held(a, ...)
  local list = {}
  for _, path in ipairs { ... } do
    if a:get(path) then list[#list + 1] = path:match "[^/]+$" end
  end
  return table.concat(list, " ")
end

-- While a file is being read virtual time stands still.
local REAL = { clock = "system" }

describe("assets", function()
  before_each(files.open)
  after_each(files.close)

  helper.it("trouble in a guard is thrown where the asset ends, and the rest is done (AS9)", function(errors)
    local before = off_heap()
    local evicted = helper.log()
    local a = ebb.alloc.assets { bytes = 100, on_evict = function(path)
      evicted(path:match "[^/]+$")
      error("in on_evict", 0)
    end }
    local function parse(_, _, guard)
      guard:defer(function() error("in the guard", 0) end)
      return "value"
    end
    local one, two = file("one", 60), file("two", 60)
    assert.equal("value", a:load(one, { parse = parse }))
    -- of who is evicted to make room: reported; the first of the two
    assert.equal("value", a:load(two, { parse = parse }))
    helper.settle()
    assert.equal(1, #errors)
    assert.equal("in on_evict", errors[1].err)
    errors[1] = nil
    helper.throws("in on_evict", a.evict, a, two)
    assert.equal("one two", evicted:text())
    -- one that fails to be made, and whose guard fails, too
    helper.throws("in the guard", a.load, a, one, { parse = function(_, _, guard)
      parse(nil, nil, guard)
      return nil, "no"
    end })
    helper.settle()
    for i = #errors, 1, -1 do errors[i] = nil end
    assert.equal(0, a:stats().live)
    a:close()
    assert.equal(before, off_heap())
  end, REAL)

  helper.it("who has no room when the cache closes gets nothing (AS9)", function()
    local a = ebb.alloc.assets { bytes = 100, reads = 4 }
    local gate, parses = ebb.oneshot(), false
    local slow = ebb.spawn(a.load, a, file("slow", 80), { parse = function()
      parses = true
      gate:recv()
      return 1
    end })
    helper.eventually(true, function() return parses end)
    local late = ebb.spawn(a.load, a, file("late", 80))
    helper.eventually(true, function() return late:finished() or a:stats().reading == 1 end)
    a:close()
    local ok, value, why = late:join()
    assert.same({ true, nil }, { ok, value })
    assert.is_true(why == "closed" or why == "full")
    gate:send(true)
    assert.same({ true, nil, "closed" }, { slow:join() })
  end, REAL)

  helper.it("evicts the lowest priority first, then what was used longest ago", function()
    local order = helper.log()
    local a <close> = ebb.alloc.assets { bytes = 400, on_evict = function(path, value)
      assert.equal(100, #value:string())
      order(path:match "[^/]+$")
    end }
    local p = {}
    for _, name in ipairs { "a", "b", "c", "d", "e", "f", "g", "h" } do p[name] = file(name, 100) end
    a:load(p.a, { priority = 1 })
    a:load(p.b)
    a:load(p.c)
    a:load(p.d)
    a:get(p.b)
    a:load(p.e) -- c was used longest ago
    assert.equal("c", order:text())
    a:load(p.d)
    a:load(p.f) -- b
    a:load(p.e, { priority = 5 })
    a:load(p.g) -- d
    assert.equal("c b d", order:text())
    a:load(p.h, { priority = 2 }) -- f
    a:load(p.b, { priority = 2 }) -- g
    a:load(p.c, { priority = 2 }) -- a
    a:load(p.d, { priority = 2 }) -- h, the oldest of the lowest priority
    assert.equal("c b d f g a h", order:text())
    assert.equal("b c d e", held(a, p.a, p.b, p.c, p.d, p.e, p.f, p.g, p.h))
    assert.equal(400, a:stats().live)
    assert.equal(400, a:stats().peak)
    assert.equal(7, a:stats().evicted)
  end)

  helper.it("equals a model under random use", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local paths, sizes = {}, {}
    for i = 1, 30 do
      sizes[i] = i * 17 % 300
      paths[i] = file("f" .. i, sizes[i])
    end
    local kept, live = {}, 0 -- least recently used first: { i, priority }
    local function find(i)
      for at, item in ipairs(kept) do if item[1] == i then return at end end
    end
    local state = 3
    for _ = 1, is_eager and 100 or 800 do
      state = (state * 1103515245 + 12345) & 0x7fffffff
      local i, priority = (state >> 8) % 30 + 1, (state >> 16) % 3
      local at = find(i)
      if (state >> 20) % 4 == 0 then
        assert.equal(at ~= nil, (a:get(paths[i])) ~= nil)
        if at then table.insert(kept, table.remove(kept, at)) end
      else
        assert.equal(sizes[i], #a:load(paths[i], { priority = priority }))
        if at then
          table.remove(kept, at)
        else
          while live + sizes[i] > 1000 do
            local victim
            for k, item in ipairs(kept) do
              if not victim or item[2] < kept[victim][2] then victim = k end
            end
            live = live - sizes[table.remove(kept, victim)[1]]
          end
          live = live + sizes[i]
        end
        kept[#kept + 1] = { i, priority }
      end
      assert.equal(live, a:stats().live)
      assert.equal(#kept, a:stats().count)
    end
    for i = 1, 30 do assert.equal(find(i) ~= nil, (a:get(paths[i])) ~= nil) end
  end)

  helper.it("what is pinned is never evicted", function()
    local a <close> = ebb.alloc.assets { bytes = 200 }
    local one, two, three = file("one", 100), file("two", 100), file("three", 100)
    local lease = a:pin(one)
    assert.equal(100, #lease.value)
    assert.equal("ebb.asset_lease: " .. one .. ", held", tostring(lease))
    a:load(two)
    a:load(three)
    assert.equal("one three", held(a, one, two, three))
    assert.equal(1, a:stats().pinned)
    do
      local again <close> = a:pin(one)
      local other <close> = a:pin(three, { priority = 9 })
      assert.equal(2, a:stats().pinned)
      assert.same({ nil, "full" }, { a:load(two) })
      assert.same({ nil, "pinned" }, { a:evict(one) })
      assert.equal(again.value, lease.value)
      assert.equal(100, #other.value)
    end
    assert.equal(100, #a:load(two)) -- three goes, whatever its priority
    assert.equal("one two", held(a, one, two, three))
    lease:close()
    lease:close()
    assert.is_nil(lease.value)
    assert.equal(0, a:stats().pinned)
    assert.is_true(a:evict(one))
    assert.same({ nil, "absent" }, { a:evict(one) })
    local dropped = a:pin(two)
    assert.same({ nil, "pinned" }, { a:evict(two) })
    assert.equal(100, #dropped.value)
    dropped = nil -- luacheck: ignore
    collect()
    assert.is_true(a:evict(two))
  end)

  helper.it("a refusal evicts nothing: too large, or full", function()
    local a <close> = ebb.alloc.assets { bytes = 300 }
    local small, pinned, big, huge =
      file("small", 100), file("pinned", 150), file("big", 200), file("huge", 301)
    a:load(small)
    local lease <close> = a:pin(pinned)
    assert.equal(150, #lease.value)
    assert.same({ nil, "too large" }, { a:load(huge) })
    assert.same({ nil, "full" }, { a:load(big) })
    assert.equal("small pinned", held(a, small, pinned))
    assert.equal(250, a:stats().live)
    assert.equal(0, a:stats().evicted)
  end)

  helper.it("loads that do not fit together wait for each other", function()
    local a <close> = ebb.alloc.assets { bytes = 100 }
    local s <close> = ebb.scope()
    local n = 0
    for i = 1, 10 do
      local path = file("f" .. i, 60)
      s:spawn(function()
        local value, why = a:load(path)
        assert.is_nil(why)
        assert.equal(("f"):rep(60), value:string()) -- not evicted before it was seen
        assert.is_true(a:stats().live <= 100)
        n = n + 1
      end)
    end
    s:wait()
    assert.equal(10, n)
    assert.equal(1, a:stats().count)
    assert.equal(60, a:stats().peak)
  end)

  helper.it("closing: who waits is told, what is pinned goes with its last lease", function()
    local order = helper.log()
    local a = ebb.alloc.assets { bytes = 1000, on_evict = function(path)
      order(path:match "[^/]+$")
    end }
    local one, two, pipe = file("one", 10), file("two", 10), fifo "pipe"
    a:load(one)
    local lease = a:pin(two)
    local waits = ebb.spawn(function() return a:load(pipe) end)
    helper.eventually(1, function() return a:stats().reading end)
    a:close()
    a:close()
    assert.is_true(a:is_closed())
    assert.same({ nil, "closed" }, { waits:await() })
    assert.same({ nil, "closed" }, { a:load(one) })
    assert.same({ nil, "closed" }, { a:pin(two) })
    assert.same({ nil, "closed" }, { a:get(two) })
    assert.equal("one", order:text())
    assert.equal(10, #lease.value:string())
    lease:close()
    assert.equal("one two", order:text())
    assert.equal(0, a:stats().live)
    helper.eventually(0, function() return a:stats().reading end)
  end, REAL)

  helper.it("what on_evict throws: the load that needed room goes on, it is reported", function(errors)
    local a = ebb.alloc.assets { bytes = 100, on_evict = function(path)
      ebb.sleep(0.1)
      error("cannot " .. path:match "[^/]+$", 0)
    end }
    a:load(file("one", 60))
    assert.equal(60, #a:load(file("two", 60)))
    ebb.sleep(0.1)
    assert.equal(1, #errors)
    assert.equal("cannot one", errors[1].err)
    errors[1] = nil
    assert.equal("cannot two", throws("cannot two", a.evict, a, files.root .. "/two"))
    assert.equal(0, a:stats().live)
    a:load(file("three", 60))
    throws("cannot three", a.close, a)
    assert.equal(0, a:stats().live)
  end)

  helper.it("on_evict may load again", function()
    local a
    local small = file("small", 30)
    a = ebb.alloc.assets { bytes = 100, on_evict = function(path)
      if path == small or a:is_closed() then return end
      assert.equal(30, #assert(a:load(small)))
    end }
    a:load(file("one", 60))
    assert.equal(60, #a:load(file("two", 60)))
    assert.equal(90, a:stats().live)
    a:evict(small)
    a:close()
  end)

  helper.it("is charged to a budget, too", function()
    ebb.alloc.budget("textures", { bytes = 100 })
    local a <close> = ebb.alloc.assets { bytes = 1000, budget = "textures" }
    local one, two = file("one", 60), file("two", 60)
    assert.equal(60, #a:load(one))
    assert.equal(60, ebb.alloc.stats().tags.textures.live)
    assert.same({ nil, "budget 'textures' exceeded" }, { a:load(two) })
    a:evict(one)
    assert.equal(60, #a:load(two))
    a:close()
    assert.equal(0, ebb.alloc.stats().tags.textures.live)
    throws("there is no budget 'nope'", ebb.alloc.assets, { bytes = 1, budget = "nope" })
  end)

  it("closes when it is collected, but not while a lease lives", function()
    local gone = helper.log()
    local path = file("x", 10)
    local a = ebb.alloc.assets { bytes = 1000, on_evict = function() gone "evicted" end }
    local lease = a:pin(path)
    a = nil -- luacheck: ignore
    collect()
    assert.equal(10, #lease.value:string())
    assert.equal("", gone:text())
    lease = nil -- luacheck: ignore
    collect()
    collect()
    assert.equal("evicted", gone:text())
  end)
end)
