-- The frame arena: begin, end, what is refused where, stale data, exact counters.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws
local alloc = ebb.alloc

local function here() return "frame_spec.lua:" .. debug.getinfo(2, "l").currentline end

--- Like `it`, with an arena of n bytes; a frame that is left open is ended.
local function framed(name, fn, n)
  it(name, function()
    alloc.configure { frame = n or 4096 }
    local ok, err = xpcall(fn, function(e)
      return type(e) == "string" and debug.traceback(e, 2) or e
    end)
    if pcall(alloc.frame) then alloc.end_frame() end
    alloc.configure { frame = 1 << 20 }
    if not ok then error(err, 0) end
  end)
end

describe("frames", function()
  framed("2.9d nothing without one (EBB001)", function()
    throws("EBB001", alloc.frame)
    throws("EBB001", alloc.end_frame)
    local f = alloc.begin_frame()
    assert.equal(f, alloc.frame())
    alloc.end_frame()
    throws("EBB001", alloc.end_frame)
    for _, name in ipairs { "bytes", "array", "vec", "buffer", "checkpoint", "phase" } do
      throws("EBB001", f[name], f, "f64", 1)
    end
    assert.matches("^ebb%.frame: 0 allocations, 0 of 4096 bytes, closed$", tostring(f))
  end)

  framed("do not nest (EBB004)", function()
    local where = here() alloc.begin_frame()
    local err = throws("EBB004", alloc.begin_frame)
    assert.matches(where, err, 1, true)
    throws("EBB004", alloc.in_frame, function() end)
    throws("EBB004", alloc.configure, { frame = 100 })
    throws("EBB004", ebb.runtime, { frame = 100 })
    alloc.configure { frame = 4096 } -- as it is
    alloc.end_frame()
  end)

  framed("in_frame ends it on every path", function()
    assert.same({ 5, 7 }, { alloc.in_frame(function(a, b, f)
      assert.equal(f, alloc.frame())
      f:bytes(10)
      return a + 1, b + 1
    end, 4, 6) })
    throws("EBB001", alloc.frame)
    local thrown = {}
    local ok, err = pcall(alloc.in_frame, function() error(thrown) end)
    assert.is_false(ok)
    assert.equal(thrown, err)
    throws("EBB001", alloc.frame)
    -- the traceback is that of the place that failed
    local function place_that_fails() error "x" end
    local _, trace = xpcall(alloc.in_frame, debug.traceback, function() place_that_fails() end)
    assert.matches("place_that_fails", trace)
    -- ended by hand, and another begun: that ends too
    alloc.in_frame(function() alloc.end_frame() alloc.begin_frame() end)
    throws("EBB001", alloc.frame)
    -- through a coroutine of the host
    local co = coroutine.wrap(function()
      return alloc.in_frame(function(f)
        local b = f:bytes(3)
        coroutine.yield(b)
        return #b
      end)
    end)
    assert.equal(3, #co())
    assert.equal(3, co())
    throws("EBB001", alloc.frame)
    local thread = coroutine.create(function() alloc.in_frame(coroutine.yield) end)
    assert.is_true(coroutine.resume(thread))
    alloc.frame()
    coroutine.close(thread)
    throws("EBB001", alloc.frame)
  end)

  framed("a frame can be a to-be-closed variable", function()
    local b
    do
      local f <close> = alloc.begin_frame()
      b = f:bytes(1)
    end
    throws("EBB002", function() return b[1] end)
    local f = alloc.begin_frame()
    f:close()
    f:close()
    throws("EBB001", alloc.frame)
  end)

  framed("memory is zeroed, whoever had it", function()
    for _ = 1, 3 do
      local f = alloc.begin_frame()
      local b, a, v, s = f:bytes(100), f:array("f64", 10), f:vec("i32", 4), f:buffer(10)
      assert.equal(("\0"):rep(100), b:string())
      assert.equal(0, a:sum())
      assert.equal(0, #v)
      assert.equal(0, #s)
      b:fill(255)
      a:fill(-1)
      assert.equal(6, v:push(1, 2, 3):sum())
      assert.equal("abc", s:put("abc"):get())
      alloc.end_frame()
    end
  end)

  framed("2.9c the arena has exactly the size asked for; what does not fit is counted", function()
    local f = alloc.begin_frame()
    for _ = 1, 10 do f:bytes(100) end
    local stats = alloc.stats().frame
    assert.equal(1000, stats.capacity)
    assert.equal(1000, stats.live)
    assert.equal(0, stats.spilled)
    local spills = stats.spills
    local last = f:bytes(1)
    stats = alloc.stats().frame
    assert.equal(1, stats.spilled)
    assert.equal(1001, stats.live)
    assert.equal(spills + 1, stats.spills)
    assert.equal(1, f:summary().spilled)
    last[1] = 7
    assert.equal(7, last[1])
    alloc.end_frame()
    assert.equal(0, alloc.stats().frame.spilled)
    assert.equal(0, alloc.stats().frame.live)
    assert.equal(1, f:summary().spilled) -- of the frame that has ended
    throws("EBB002", function() return last[1] end)
  end, 1000)

  framed("the size is an option of the runtime too", function()
    local _ <close> = ebb.runtime { frame = 12345 }
    assert.equal(12345, alloc.stats().frame.capacity)
    for _, wrong in ipairs { 0, -1, 1.5, "x", 0 / 0, math.huge, math.maxinteger, true } do
      throws("option 'frame'", ebb.runtime, { frame = wrong })
      throws("option 'frame'", alloc.configure, { frame = wrong })
    end
    throws("unknown option", alloc.configure, { fram = 1 })
    throws("table", alloc.configure, 1)
    assert.equal(12345, alloc.stats().frame.capacity)
  end)

  framed("R166, R167 impossible sizes and alignments", function()
    local f = alloc.begin_frame()
    for _, wrong in ipairs { -1, 1.5, math.maxinteger, math.mininteger, 0 / 0 } do
      throws("bad argument", f.bytes, f, wrong)
      throws("bad argument", f.array, f, "f64", wrong)
      throws("bad argument", f.vec, f, "f64", wrong)
      throws("bad argument", f.buffer, f, wrong)
    end
    throws("bad argument", f.array, f, "f65", 1)
    for _, wrong in ipairs { 0, 3, 8192, -16, "x" } do
      throws("option 'align'", f.bytes, f, 8, { align = wrong })
    end
    for shift = 0, 12 do
      f:bytes(1)
      local live = alloc.stats().frame.live
      f:bytes(3, { align = 1 << shift })
      f:array("f64", 1, { align = 1 << shift })
      f:vec("i16", 1, { align = 1 << shift })
      f:buffer(1, { align = 1 << shift })
      assert.equal(live + 14, alloc.stats().frame.live)
    end
    assert.equal(0, #f:bytes(0))
    assert.equal(0, #f:array("i8", 0))
  end, 1 << 16)

  framed("R162, 2.9h stale data throws and names the line that allocated it (EBB002)", function()
    local f = alloc.begin_frame()
    local where = here() local b = f:bytes(8)
    local a = f:array("f64", 4)
    local v = f:vec("i32")
    local s = f:buffer()
    local view, part = a:view(1, 2), b:view(2, 3)
    alloc.end_frame()
    local err = throws("EBB002", function() return b[1] end)
    assert.matches("ebb.bytes: 8 bytes (allocated at ", err, 1, true)
    assert.matches(where, err, 1, true)
    throws("EBB002", function() b[1] = 1 end)
    throws("EBB002", function() return #a end)
    for _, name in ipairs { "fill", "sum", "add", "view", "unpack", "set", "copy", "compare" } do
      throws("EBB002", a[name], a, 1, 1)
    end
    throws("EBB002", v.push, v, 1)
    throws("EBB002", s.put, s, "x")
    throws("EBB002", s.append_from, s, b)
    throws("EBB002", view.sum, view)
    throws("EBB002", part.string, part)
    alloc.begin_frame()
    f:bytes(8)
    throws("EBB002", function() return b[1] end)
    assert.matches("freed$", tostring(b))
    local g <close> = ebb.guard()
    local mine = g:array("f64", 4)
    throws("EBB002", mine.copy, mine, a)
    throws("EBB002", mine.add, mine, a)
  end)

  framed("a guard has nothing to do with it (EBB014)", function()
    local f = alloc.begin_frame()
    local g <close> = ebb.guard()
    local b = f:bytes(8)
    throws("EBB014", g.release, g, b)
    throws("EBB014", g.promote, g, b)
    b[1] = 9
    local kept = g:bytes(8):copy(b)
    alloc.end_frame()
    assert.equal(9, kept[1])
  end)

  framed("vec and buffer grow, in place when they are last", function()
    local f = alloc.begin_frame()
    local v = f:vec("i32", 4)
    for i = 1, 4 do v:push(i) end
    v:reserve(100)
    assert.equal(400, alloc.stats().frame.live)
    assert.equal(100, v:capacity())
    f:bytes(1)
    for i = 5, 101 do v:push(i) end
    assert.equal(101 * 102 // 2, v:sum())
    assert.equal(400 + 1 + 600, alloc.stats().frame.live)
    local s = f:buffer(3)
    f:bytes(1)
    for i = 1, 500 do s:put(i, ",") end
    assert.equal("1,2,3,", s:get(6))
    s:put(("x"):rep(5000))
    assert.equal(("x"):rep(10), s:peek():sub(-10))
    assert.is_true(f:summary().spilled > 0)
    throws("not enough memory", v.reserve, v, math.maxinteger)
    assert.equal(101, #v)
  end)

  framed("views of a vec end when it grows", function()
    local f = alloc.begin_frame()
    local v = f:vec("i32", 2):push(1, 2)
    local a, b = v:view(1, 1), v:view()
    local bytes = f:bytes(10)
    local part = bytes:view(3, 5):fill(7)
    v:push(3)
    throws("EBB002", function() return a[1] end)
    throws("EBB002", function() return b[1] end)
    local c = v:view(3, 3)
    assert.equal(3, c[1])
    local cp <close> = f:checkpoint()
    local d = v:view() -- hangs on the same mark as c
    cp:close()
    assert.equal(3, c[1])
    assert.equal(3, #d)
    assert.equal(7, part[1])
    assert.equal(21, string.byte(bytes:sub(3, 3)) * 3)
  end)

  framed("renew gives a handle new memory: no garbage", function()
    local f = alloc.begin_frame()
    local a, v = f:array("f64", 3), f:vec("i32", 8)
    local view = v:push(1):view()
    a[1] = 5
    assert.equal(a, f:renew(a))
    assert.equal(0, a[1])
    throws("EBB002", function() f:renew(v) return view[1] end)
    assert.equal(0, #v)
    alloc.end_frame()
    throws("EBB002", function() return a[1] end)
    throws("EBB001", f.renew, f, a)
    alloc.begin_frame()
    f:renew(a, 5)
    assert.equal(5, #a)
    assert.equal(10, f:renew(v, 10):capacity())
    local b = f:bytes(3)
    local g <close> = ebb.guard()
    throws("frame memory expected", f.renew, f, b:view())
    throws("frame memory expected", f.renew, f, g:bytes(3))
    throws("frame memory expected", f.renew, f, 1)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, 100 do f:renew(a, 5) end
    local after = collectgarbage "count"
    collectgarbage "restart"
    assert.equal(before, after)
    local where = here() f:renew(a)
    alloc.end_frame()
    assert.matches(where, throws("EBB002", function() return a[1] end), 1, true)
  end)

  framed("R174, 2.9f statistics equal an independent count", function()
    local start = alloc.stats().frame
    local total, peak = start.total, start.peak
    for round = 1, 5 do
      local f, live, count = alloc.begin_frame(), 0, 0
      for i = 1, 50 do
        local n = (i * 37 + round) % 300
        f:bytes(n)
        live, total, count = live + n, total + n, count + 1
        if i % 7 == 0 then
          local _ <close> = f:checkpoint()
          f:array("f64", 5)
          total = total + 40
          peak = math.max(peak, live + 40)
        end
        peak = math.max(peak, live)
        local stats = alloc.stats().frame
        assert.equal(live, stats.live)
        assert.equal(peak, stats.peak)
        assert.equal(total, stats.total)
      end
      local summary = f:summary()
      assert.equal(live, summary.bytes)
      assert.equal(count, summary.allocations)
      alloc.end_frame()
      assert.same(summary, f:summary())
    end
    assert.equal(start.frames + 5, alloc.stats().frame.frames)
  end)

  it("set and unpack of arrays cross once", function()
    local g <close> = ebb.guard()
    local a, v = g:array("i8", 5), g:vec("f64")
    assert.equal(a, a:set(2, 1, 2, 3))
    assert.same({ 0, 1, 2, 3, 0 }, { a:unpack() })
    assert.same({ 2, 3 }, { a:unpack(3, 4) })
    assert.same({}, { a:unpack(6, 5) })
    a:set(6)
    throws("EBB013", a.set, a, 4, 1, 2, 3)
    throws("EBB013", a.set, a, 0, 1)
    throws("EBB013", a.set, a, 1, 7, 300)
    throws("EBB013", a.set, a, 1, 7, "x")
    throws("EBB013", a.unpack, a, 1, 6)
    assert.same({ 0, 1, 2, 3, 0 }, { a:unpack() }) -- all or none
    v:push(1.5, 2.5):set(2, 7)
    assert.same({ 1.5, 7 }, { v:unpack() })
    throws("too many", g:array("i8", 1 << 24).unpack, g:array("i8", 1 << 24))
  end)
end)
