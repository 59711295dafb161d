-- The streaming cache: one load for all who ask, bounded reads, who is evicted, pins, cancels.
local ebb = require "ebb"
local helper = require "spec.helper"
local fs = ebb.fs
local throws = helper.throws

local is_eager = os.getenv "EBB_SPEC_GC" == "eager"

local function collect()
  collectgarbage()
  collectgarbage()
end

local function off_heap()
  local stats = ebb.alloc.stats()
  return stats.pool.live + stats.heap.live
end

-- While a file is being read virtual time stands still.
local REAL = { clock = "system" }

describe("assets", function()
  local root
  before_each(function() root = assert(fs.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/ebb-spec-")) end)
  after_each(function() os.execute(("rm -rf '%s'"):format(root)) end)

  local function file(name, size, byte)
    local path = root .. "/" .. name
    local f = assert(io.open(path, "wb"))
    f:write((byte or name:sub(1, 1)):rep(size))
    f:close()
    return path
  end

  -- A file whose reading takes until somebody writes to it.
  local function fifo(name)
    local path = root .. "/" .. name
    assert(os.execute(("mkfifo '%s'"):format(path)))
    return path
  end

  local function wait_until(fn)
    for _ = 1, 20000 do
      if fn() then return end
      ebb.sleep(0.001)
    end
    error("it has not come to that", 2)
  end

  -- Names of what is in the cache, of those given.
  local function held(a, ...)
    local list = {}
    for _, path in ipairs { ... } do
      if a:get(path) then list[#list + 1] = path:match "[^/]+$" end
    end
    return table.concat(list, " ")
  end

  helper.it("loads a file once and keeps it, off the Lua heap", function()
    collect()
    local before = off_heap()
    local a <close> = ebb.alloc.assets { bytes = 1 << 20 }
    local path = file("data", 100000)
    assert.same({ nil, "absent" }, { a:get(path) })
    local b = a:load(path)
    assert.equal(100000, #b)
    assert.equal(("d"):rep(100000), b:string())
    assert.equal(b, a:load(path))
    assert.equal(b, a:get(path))
    assert.equal(before + 100000, off_heap())
    local stats = a:stats()
    assert.equal(100000, stats.live)
    assert.equal(1 << 20, stats.limit)
    assert.equal(1, stats.count)
    assert.equal(1, stats.loads)
    assert.equal(1, stats.hits)
    assert.equal("ebb.assets: 100000 of 1048576 bytes in 1 files", tostring(a))
    a:close()
    assert.equal(before, off_heap())
    throws("EBB012", function() return b[1] end)
  end)

  helper.it("what fails is not kept: three values for the system's errors", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path = root .. "/later"
    for _ = 1, 2 do
      assert.same({ nil, "ENOENT: no such file or directory", "ENOENT" }, { a:load(path) })
      assert.equal("EISDIR", (select(3, a:load(root))))
      assert.equal("ENOENT", (select(3, a:pin(path))))
    end
    assert.equal(6, a:stats().failed)
    file("later", 10)
    assert.equal(10, #a:load(path))
    assert.equal(10, a:stats().live)
    assert.equal(0, #a:load(file("empty", 0)))
  end)

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

  helper.it("who waits for room when the cache closes gets closed (AS9)", function()
    local a = ebb.alloc.assets { bytes = 100, reads = 4 }
    local slow = ebb.spawn(function() return a:load(file("slow", 80), { parse = function()
      ebb.sleep(0.2)
      return 1
    end }) end)
    ebb.sleep(0.05)
    local late = ebb.spawn(function() return a:load(file("late", 80)) end)
    ebb.sleep(0.05)
    a:close()
    local ok, value = late:join()
    assert.is_true(ok and value == nil or not ok)
    slow:join()
  end, REAL)

  it("there is nothing else in ebb.alloc", function() assert.is_nil(ebb.alloc.nothing_such) end)

  helper.it("parse makes the value; what its guard holds lives as long as the asset", function()
    collect()
    local before = off_heap()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path = file("words", 100)
    local texels, closed
    local value = a:load(path, { parse = function(bytes, name, guard)
      assert.equal(path, name)
      assert.equal(100, #bytes)
      ebb.sleep(0.01)
      texels = guard:array("u8", 50):copy(bytes, 1, 50)
      guard:defer(function() closed = true end)
      guard:release(bytes)
      return { words = texels }, "ignored"
    end })
    assert.equal(texels, value.words)
    assert.equal(value, (a:load(path)))
    assert.equal(100, a:stats().live) -- the bytes read
    assert.equal(before + 50, off_heap())
    assert.equal(50 * ("w"):byte(), texels:sum())
    assert.is_true(a:evict(path))
    assert.is_true(closed)
    throws("EBB012", function() return texels[1] end)
    assert.equal(before, off_heap())
    assert.is_false(a:load(path, { parse = function() return false end }))
    assert.is_false((a:get(path)))
  end)

  helper.it("a parse that fails: everybody who waits is told, nothing is kept", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path, what = file("bad", 10), {}
    local outcomes = {}
    for i = 1, 3 do
      ebb.go(function()
        outcomes[i] = table.pack(pcall(a.load, a, path, { parse = function()
          ebb.sleep(1)
          error(what)
        end }))
      end)
    end
    ebb.sleep(2)
    for i = 1, 3 do
      assert.is_false(outcomes[i][1])
      assert.equal(what, outcomes[i][2])
    end
    assert.equal(1, a:stats().loads)
    assert.equal(0, a:stats().live)
    local function refuse() return nil, "not a picture", "EFORMAT" end
    assert.same({ nil, "not a picture", "EFORMAT" }, { a:load(path, { parse = refuse }) })
    assert.same({ nil, "nothing was made" }, { a:load(path, { parse = function() end }) })
    assert.equal(0, a:stats().live)
    assert.equal(10, #a:load(path))
  end)

  helper.it("all who ask at the same time share one load", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path, n_parsed, values = file("shared", 10), 0, {}
    local function parse(bytes)
      n_parsed = n_parsed + 1
      ebb.yield()
      return bytes
    end
    local s <close> = ebb.scope()
    for i = 1, 20 do s:spawn(function() values[i] = a:load(path, { parse = parse }) end) end
    s:wait()
    assert.equal(1, n_parsed)
    for i = 1, 20 do assert.equal(values[1], values[i]) end
    assert.equal(1, a:stats().loads)
    assert.is_true(a:evict(path)) -- nobody holds it any more
  end)

  helper.it("reads in flight are bounded", function()
    local a <close> = ebb.alloc.assets { bytes = 1 << 20, reads = 2 }
    local most, most_queued, done = 0, 0, false
    ebb.go(function()
      while not done do
        local stats = a:stats()
        most = math.max(most, stats.reading)
        most_queued = math.max(most_queued, stats.queued)
        ebb.yield()
      end
    end)
    local s <close> = ebb.scope()
    for i = 1, 12 do
      local path = file("f" .. i, 1000)
      s:spawn(function() assert.equal(1000, #a:load(path)) end)
    end
    s:wait()
    done = true
    assert.equal(2, most)
    assert.is_true(most_queued >= 6)
    assert.equal(12, a:stats().count)
    ebb.yield()
  end)

  helper.it("the highest priority is read first, and asking again may raise it", function()
    local a <close> = ebb.alloc.assets { bytes = 1000, reads = 1 }
    local order = helper.log()
    local function parse(bytes, path)
      order(path:match "[^/]+$")
      return bytes
    end
    local pipe = fifo "pipe"
    local s <close> = ebb.scope()
    local function load(path, priority)
      s:spawn(function() a:load(path, { priority = priority, parse = parse }) end)
    end
    load(pipe)
    wait_until(function() return a:stats().reading == 1 end)
    local last = file("last", 1)
    load(last, -1)
    load(file("third", 1), 1)
    load(file("first", 1), 3)
    local second = file("second", 1)
    load(second, 0)
    wait_until(function() return a:stats().queued == 4 end)
    load(second, 2)
    load(last, -2) -- it only goes up
    ebb.sleep(0.01)
    fs.write(pipe, "x")
    s:wait()
    assert.equal("pipe first second third last", order:text())
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

  helper.it("a cancel of the last waiter cancels the read; of another one it does not", function()
    local a <close> = ebb.alloc.assets { bytes = 1000, reads = 1 }
    local pipe = fifo "pipe"
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return a:load(pipe) end) end
    wait_until(function() return a:stats().reading == 1 end)
    tasks[1]:cancel()
    tasks[2]:cancel()
    ebb.sleep(0.01)
    assert.equal(1, a:stats().reading)
    tasks[3]:cancel()
    for i = 1, 3 do assert.is_false((tasks[i]:join())) end
    wait_until(function() return a:stats().reading == 0 end)
    assert.equal(0, a:stats().failed)
    assert.equal("timeout", (select(2, ebb.timeout(0.01, function() return a:load(pipe) end))))
    assert.equal(5, #a:load(file("small", 5)))
  end, REAL)

  helper.it("asked for again while the cancelled load still cleans up", function()
    local a <close> = ebb.alloc.assets { bytes = 100 }
    local path, cleaned = file("again", 60), false
    local first = ebb.spawn(function()
      return a:load(path, { parse = function(_, _, guard)
        guard:defer(function()
          ebb.sleep(1)
          cleaned = true
        end)
        ebb.sleep(100)
      end })
    end)
    while a:stats().live == 0 do ebb.yield() end
    first:cancel()
    assert.is_false((first:join()))
    assert.same({ nil, "full" }, { a:load(path) }) -- its memory is still there
    assert.is_false(cleaned)
    ebb.sleep(2)
    assert.is_true(cleaned)
    assert.equal(60, #a:load(path))
    assert.equal(60, a:stats().live)
  end)

  helper.it("a cancel while it waits for its turn, or parses", function()
    local a <close> = ebb.alloc.assets { bytes = 1000, reads = 1 }
    local pipe, other = fifo "pipe", file("other", 10)
    local holds = ebb.spawn(function() return a:load(pipe) end)
    wait_until(function() return a:stats().reading == 1 end)
    assert.equal("timeout", (select(2, ebb.timeout(0.01, function() return a:load(other) end))))
    assert.equal(0, a:stats().queued)
    holds:cancel()
    wait_until(function() return a:stats().reading == 0 end)
    local cleaned = false
    assert.equal("timeout", (select(2, ebb.timeout(0.01, function()
      return a:load(other, { parse = function(_, _, guard)
        guard:defer(function() cleaned = true end)
        ebb.sleep(100)
      end })
    end))))
    wait_until(function() return cleaned end)
    wait_until(function() return a:stats().live == 0 end)
    assert.equal(10, #a:load(other))
  end, REAL)

  helper.it("parse may load what it needs, with one read at a time, too", function()
    local a <close> = ebb.alloc.assets { bytes = 1000, reads = 1 }
    local model, texture = file("model", 100), file("texture", 200)
    local value = a:load(model, { parse = function(bytes)
      return { bytes = bytes, texture = assert(a:pin(texture)) }
    end })
    assert.equal(200, #value.texture.value)
    assert.same({ nil, "pinned" }, { a:evict(texture) })
    value.texture:close()
    -- it does not wait for room that only its own end could give
    local huge = file("huge", 950)
    assert.same({ nil, "no texture: full" }, { a:load(huge, { parse = function()
      local t, why = a:load(texture)
      return t, "no texture: " .. tostring(why)
    end }) })
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
    wait_until(function() return a:stats().reading == 1 end)
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
    wait_until(function() return a:stats().reading == 0 end)
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
    assert.equal("cannot two", throws("cannot two", a.evict, a, root .. "/two"))
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

  it("works outside of tasks, by driving the runtime", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path = file("top", 10)
    assert.equal(10, #a:load(path))
    local lease <close> = a:pin(path)
    assert.equal("tttttttttt", lease.value:string())
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

  it("says what is wrong with its arguments", function()
    local assets = ebb.alloc.assets
    throws("table of options expected, got nil", assets)
    throws("option 'bytes': integer of at least 0 expected, got nil", assets, {})
    throws("option 'bytes': integer of at least 0", assets, { bytes = -1 })
    throws("option 'reads': integer of at least 1", assets, { bytes = 1, reads = 0 })
    throws("function expected", assets, { bytes = 1, on_evict = 1 })
    throws("unknown option 'size'", assets, { size = 1 })
    local a <close> = assets { bytes = math.huge }
    throws("#1 to 'load' (string expected, got nil)", a.load, a)
    throws("path without zeros expected", a.load, a, "a\0b")
    throws("table of options expected", a.load, a, "x", 1)
    throws("unknown option 'prio'", a.pin, a, "x", { prio = 1 })
    throws("option 'priority': number expected", a.load, a, "x", { priority = "high" })
    throws("option 'priority': number expected", a.load, a, "x", { priority = 0 / 0 })
    throws("function expected", a.load, a, "x", { parse = 1 })
    throws("ebb.assets expected", a.load, {}, "x")
    assert.equal("ebb.assets", getmetatable(a))
  end)
end)
