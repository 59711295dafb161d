-- Checkpoints, phases and the model of both.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws
local alloc = ebb.alloc

local function framed(name, fn, n)
  it(name, function()
    alloc.configure { frame = n or 4096 }
    local f = alloc.begin_frame()
    local ok, err = pcall(fn, f)
    f:close()
    alloc.configure { frame = 1 << 20 }
    if not ok then error(err, 0) end
  end)
end

local function live() return alloc.stats().frame.live end

describe("checkpoints", function()
  framed("roll back unless committed, spilled blocks too", function(f)
    local a = f:bytes(100)
    local b
    do
      local cp <close> = f:checkpoint()
      b = f:bytes(3000)
      f:bytes(5000)
      assert.equal(8100, live())
      assert.equal(5000, alloc.stats().frame.spilled)
      assert.matches("^ebb%.checkpoint: open$", tostring(cp))
    end
    assert.equal(100, live())
    assert.equal(0, alloc.stats().frame.spilled)
    throws("EBB002: frame data used after its checkpoint was rolled back", b.string, b)
    a[1] = 1
    do
      local cp <close> = f:checkpoint()
      b = f:bytes(50)
      cp:commit()
      cp:commit()
      assert.matches("committed", tostring(cp))
    end
    assert.equal(150, live())
    assert.equal(50, #b)
  end)

  framed("an error rolls back", function(f)
    pcall(function()
      local _ <close> = f:checkpoint()
      f:bytes(10)
      error "x"
    end)
    assert.equal(0, live())
  end)

  framed("nested: a committed one goes with an older one", function(f)
    local inside
    do
      local _ <close> = f:checkpoint()
      do
        local inner <close> = f:checkpoint()
        inside = f:bytes(10)
        inner:commit()
      end
      assert.equal(10, #inside)
      f:bytes(5)
    end
    throws("EBB002", inside.string, inside)
    assert.equal(0, live())
  end)

  framed("R163 out of order: what came later goes too, and closing it then is harmless", function(f)
    local a = f:checkpoint()
    local x = f:bytes(1)
    local b = f:checkpoint()
    local y = f:bytes(2)
    a:close()
    assert.matches("rolled back", tostring(a))
    assert.matches("over", tostring(b))
    throws("EBB002", x.string, x)
    throws("EBB002", y.string, y)
    local z = f:bytes(4)
    b:close()
    a:close()
    assert.equal(4, #z)
    throws("EBB002", b.commit, b)
    throws("EBB002", a.commit, a)
    -- committing the older one leaves the younger one open
    a, x = f:checkpoint(), f:bytes(1)
    b, y = f:checkpoint(), f:bytes(1)
    a:commit()
    b:close()
    assert.equal(1, #x)
    throws("EBB002", y.string, y)
    a:close()
    assert.equal(1, #x)
  end)

  framed("end with their frame, and none of the next one", function(f)
    local cp = f:checkpoint()
    f:bytes(10)
    alloc.end_frame()
    alloc.begin_frame()
    local b = f:bytes(20)
    cp:close()
    assert.equal(20, #b)
    throws("EBB002", cp.commit, cp)
    assert.matches("over", tostring(cp))
  end)

  framed("one that is dropped is not rolled back by the collector", function(f)
    f:checkpoint()
    local b = f:bytes(10)
    collectgarbage()
    collectgarbage()
    assert.equal(10, #b)
  end)

  framed("a vec that has grown after one goes with it", function(f)
    local v = f:vec("i32", 2):push(1, 2)
    local w = f:vec("i32", 2):push(1, 2)
    do
      local _ <close> = f:checkpoint()
      w:push(3)
    end
    assert.equal(3, v:sum())
    throws("EBB002", w.sum, w)
    local last = f:vec("i32", 2)
    do
      local _ <close> = f:checkpoint()
      f:bytes(0)
      last:push(1)
    end
    f:bytes(100):fill(255)
    assert.equal(1, last:sum())
  end)

  framed("10,000 in a frame, committed and not", function(f)
    for i = 1, 10000 do
      local cp <close> = f:checkpoint()
      f:bytes(1)
      if i % 2 == 0 then cp:commit() end
    end
    assert.equal(5000, live())
  end, 100000)

  framed("R174 random sequences against a model in plain Lua", function(f)
    for seed = 1, 20 do
      local state = seed
      local function below(n)
        state = (state * 1103515245 + 12345) & 0x7fffffff
        return (state >> 8) % n
      end
      alloc.end_frame()
      alloc.begin_frame()
      local pieces, levels, dead, total = {}, {}, {}, alloc.stats().frame.total
      local function truncate(n)
        for i = #pieces, n + 1, -1 do
          dead[#dead + 1] = pieces[i].handle
          pieces[i] = nil
        end
      end
      for _ = 1, 150 do
        local what = below(10)
        if what < 6 then
          local n, byte = below(100), below(256)
          pieces[#pieces + 1] = { n = n, byte = byte, handle = f:bytes(n):fill(byte) }
          total = total + n
        elseif what < 8 then
          levels[#levels + 1] = { cp = f:checkpoint(), n = #pieces }
        elseif #levels > 0 then
          local at = 1 + below(#levels)
          local level = levels[at]
          if what == 8 then
            level.cp:close()
            truncate(level.n)
            for i = #levels, at, -1 do levels[i] = nil end
          else
            level.cp:commit()
            table.remove(levels, at)
          end
        end
        local bytes = 0
        for _, piece in ipairs(pieces) do bytes = bytes + piece.n end
        local stats = alloc.stats().frame
        assert.equal(bytes, stats.live, "seed " .. seed)
        assert.equal(total, stats.total)
      end
      for _, piece in ipairs(pieces) do
        assert.equal(string.char(piece.byte):rep(piece.n), piece.handle:string())
      end
      for _, handle in ipairs(dead) do throws("EBB002", handle.string, handle) end
      assert.equal(#pieces, f:summary().allocations)
    end
  end, 2000)
end)

describe("phases", function()
  framed("2.2 seconds and bytes by name, nested and repeated", function(f)
    do
      local _ <close> = f:phase "physics"
      f:bytes(100)
      do
        local inner <close> = f:phase "contacts"
        f:bytes(10)
        assert.matches("open", tostring(inner))
        -- so far
        assert.equal(10, f:summary().phases.contacts.bytes)
      end
      do
        local _ <close> = f:phase "contacts"
        f:bytes(5)
        local _ <close> = f:phase "contacts" -- counts once
        f:bytes(5)
      end
    end
    f:bytes(1000)
    local summary = f:summary()
    assert.equal(120, summary.phases.physics.bytes)
    assert.equal(20, summary.phases.contacts.bytes)
    assert.equal(1120, summary.bytes)
    assert.is_true(summary.phases.physics.seconds >= summary.phases.contacts.seconds)
    assert.is_true(summary.phases.contacts.seconds >= 0)
    local names = {}
    for name in pairs(summary.phases) do names[#names + 1] = name end
    assert.equal(2, #names)
  end)

  framed("what was rolled back in it counts: it was allocated", function(f)
    do
      local _ <close> = f:phase "x"
      local _ <close> = f:checkpoint()
      f:bytes(70)
    end
    assert.equal(70, f:summary().phases.x.bytes)
    assert.equal(0, f:summary().bytes)
  end)

  framed("end with their frame; the next one begins from nothing", function(f)
    local p = f:phase "x"
    f:bytes(7)
    alloc.end_frame()
    assert.equal(7, f:summary().phases.x.bytes)
    alloc.begin_frame()
    p:close()
    p:close()
    assert.is_nil(f:summary().phases.x)
    local _ <close> = f:phase "x"
    assert.equal(0, f:summary().phases.x.bytes)
    throws("bad argument", f.phase, f)
    throws("bad argument", f.phase, f, {})
  end)

  framed("make no garbage, and names without end are forgotten", function(f)
    f:phase("warm"):close()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, 100 do f:phase("warm"):close() end
    local after = collectgarbage "count"
    collectgarbage "restart"
    assert.equal(before, after)
    for frame = 1, 10 do
      alloc.end_frame()
      alloc.begin_frame()
      for i = 1, 300 do f:phase("name " .. frame .. "/" .. i):close() end
      local n = 0
      for _ in pairs(f:summary().phases) do n = n + 1 end
      assert.equal(300, n)
    end
  end)
end)
