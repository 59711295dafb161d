-- The streaming cache: one load for all who ask, bounded reads, what is made of the bytes, cancels.
local ebb = require "ebb"
local files = require "spec.alloc.asset_files"
local helper = require "spec.helper"
local collect, throws = helper.collect, helper.throws
local file, fifo, off_heap = files.file, files.fifo, files.off_heap

-- While a file is being read virtual time stands still.
local REAL = { clock = "system" }

describe("assets", function()
  before_each(files.open)
  after_each(files.close)

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
    local path = files.root .. "/later"
    for _ = 1, 2 do
      assert.same({ nil, "ENOENT: no such file or directory", "ENOENT" }, { a:load(path) })
      assert.equal("EISDIR", (select(3, a:load(files.root))))
      assert.equal("ENOENT", (select(3, a:pin(path))))
    end
    assert.equal(6, a:stats().failed)
    file("later", 10)
    assert.equal(10, #a:load(path))
    assert.equal(10, a:stats().live)
    assert.equal(0, #a:load(file("empty", 0)))
  end)

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
    helper.eventually(1, function() return a:stats().reading end)
    local last = file("last", 1)
    load(last, -1)
    load(file("third", 1), 1)
    load(file("first", 1), 3)
    local second = file("second", 1)
    load(second, 0)
    helper.eventually(4, function() return a:stats().queued end)
    load(second, 2)
    load(last, -2) -- it only goes up
    ebb.sleep(0.01)
    ebb.fs.write(pipe, "x")
    s:wait()
    assert.equal("pipe first second third last", order:text())
  end, REAL)

  helper.it("a cancel of the last waiter cancels the read; of another one it does not", function()
    local a <close> = ebb.alloc.assets { bytes = 1000, reads = 1 }
    local pipe = fifo "pipe"
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return a:load(pipe) end) end
    helper.eventually(1, function() return a:stats().reading end)
    tasks[1]:cancel()
    tasks[2]:cancel()
    ebb.sleep(0.01)
    assert.equal(1, a:stats().reading)
    tasks[3]:cancel()
    for i = 1, 3 do assert.is_false((tasks[i]:join())) end
    helper.eventually(0, function() return a:stats().reading end)
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
    helper.eventually(1, function() return a:stats().reading end)
    assert.equal("timeout", (select(2, ebb.timeout(0.01, function() return a:load(other) end))))
    assert.equal(0, a:stats().queued)
    holds:cancel()
    helper.eventually(0, function() return a:stats().reading end)
    local parses, cleaned = false, false
    local parsing = ebb.spawn(function()
      return a:load(other, { parse = function(_, _, guard)
        guard:defer(function() cleaned = true end)
        parses = true
        ebb.sleep(100)
      end })
    end)
    helper.eventually(true, function() return parses end)
    parsing:cancel()
    assert.is_false((parsing:join()))
    helper.eventually(true, function() return cleaned end)
    helper.eventually(0, function() return a:stats().live end)
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

  it("works outside of tasks, by driving the runtime", function()
    local a <close> = ebb.alloc.assets { bytes = 1000 }
    local path = file("top", 10)
    assert.equal(10, #a:load(path))
    local lease <close> = a:pin(path)
    assert.equal("tttttttttt", lease.value:string())
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
