-- Guards: what they free, in which order, on which way out, and what they refuse. None of this
-- needs a task.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

local function closer(log, name)
  return setmetatable({}, { __close = function(_, err) log(name, err) end })
end

describe("a guard", function()
  it("R174 counts what is live, exactly, and what was at most", function()
    local g <close> = ebb.guard()
    assert.same({ live = 0, peak = 0, count = 0 }, g:stats())
    local b, a = g:bytes(1000), g:array("f64", 10)
    assert.same({ live = 1080, peak = 1080, count = 2 }, g:stats())
    g:release(b)
    assert.same({ live = 80, peak = 1080, count = 1 }, g:stats())
    g:defer(function() end)
    local box = g:box(a:sum())
    assert.equal(3, g:stats().count)
    assert.equal(0.0, box:get())
    g:close()
    assert.same({ live = 0, peak = 1080, count = 0 }, g:stats())
  end)

  it("S0.7 frees everything on the normal way out, return, break and error", function()
    local before = ebb.alloc.stats().pool.live
    local kept
    local ways = {
      function() local g <close> = ebb.guard() kept = g:bytes(10) end,
      function()
        local g <close> = ebb.guard()
        kept = g:bytes(10)
        if #kept == 10 then return "early" end
        kept = nil
      end,
      function()
        for i = 1, 2 do
          local g <close> = ebb.guard()
          kept = g:bytes(10)
          if i == 2 then break end
        end
      end,
      function()
        pcall(function()
          local g <close> = ebb.guard()
          kept = g:bytes(10)
          error "out"
        end)
      end,
      function()
        local co = coroutine.wrap(function()
          local g <close> = ebb.guard()
          kept = g:bytes(10)
          error "out"
        end)
        pcall(co)
      end,
    }
    for _, way in ipairs(ways) do
      way()
      throws("EBB012", function() return kept[1] end)
      assert.equal(before, ebb.alloc.stats().pool.live)
    end
  end)

  it("R163 runs defers and owned objects newest first, in order with the rest", function()
    local log = helper.log()
    local g = ebb.guard()
    local b = g:bytes(4)
    g:defer(function() log("b", #b) end)
    g:own(closer(log, "x"))
    local c = g:bytes(5)
    g:defer(function()
      log("c", #c)
      throws("EBB012", function() return g:bytes(1) end)
    end)
    g:own({ close = function(self) log("y", type(self)) end })
    g:defer(function() log("last first") end)
    g:close()
    assert.equal("last first y:table c:5 x:nil b:4", log:text())
    throws("EBB012", function() return #b end)
  end)

  it("goes on after a failure and throws the first one at the end", function()
    local log = helper.log()
    local g = ebb.guard()
    local b = g:bytes(1)
    g:defer(function() log(1) end)
    g:defer(function() log(2) error("second", 0) end)
    g:own(setmetatable({}, { __close = function() log(3) error({ "first" }) end }))
    g:defer(function() log(4) end)
    local ok, err = pcall(g.close, g)
    assert.is_false(ok)
    assert.same({ "first" }, err)
    assert.equal("4 3 2 1", log:text())
    throws("EBB012", function() return b[1] end)
    assert.equal(0, g:stats().count)
    g:close()
  end)

  it("throws a nil error unchanged", function()
    local g = ebb.guard()
    g:defer(function() error(nil) end)
    local ok = pcall(g.close, g)
    assert.is_false(ok)
  end)

  it("R163 may be closed twice, and by what it closes", function()
    local n = 0
    local g = ebb.guard()
    g:defer(function() n = n + 1 g:close() end)
    g:close()
    g:close()
    assert.equal(1, n)
    throws("EBB012", function() g:bytes(1) end)
    throws("EBB012", function() g:defer(print) end)
    throws("EBB012", function() g:own(closer(print)) end)
    throws("EBB012", function() g:guard() end)
    throws("EBB012", function() g:reset() end)
  end)

  it("resets: everything goes, and it can be used again", function()
    local log = helper.log()
    local g <close> = ebb.guard()
    local b = g:bytes(100)
    g:defer(function() log("defer") end)
    g:reset()
    assert.equal("defer", log:text())
    throws("EBB012", function() return b[1] end)
    assert.same({ live = 0, peak = 100, count = 0 }, g:stats())
    assert.equal(3, #g:bytes(3))
  end)

  it("R175 refuses to reset under an open child guard and says how many", function()
    local g <close> = ebb.guard()
    local b = g:bytes(1)
    local child = g:guard()
    throws("EBB016", g.reset, g)
    throws("1 child", g.reset, g)
    assert.equal(0, b[1])
    child:close()
    g:reset()
  end)

  it("says what it is", function()
    local g = ebb.guard()
    local b = g:bytes(10)
    assert.equal("ebb.guard: 1 items, 10 bytes, open", tostring(g))
    assert.equal("ebb.bytes: 10 bytes, live", tostring(b))
    g:close()
    assert.equal("ebb.guard: 0 items, 0 bytes, closed", tostring(g))
    assert.equal("ebb.guard", getmetatable(g))
  end)
end)

describe("a child guard", function()
  it("closes with its parent, in order", function()
    local log = helper.log()
    local g = ebb.guard()
    g:defer(function() log "oldest" end)
    local child = g:guard()
    local b = child:bytes(10)
    child:defer(function() log "child" end)
    child:guard():defer(function() log "grandchild" end)
    g:defer(function() log "newest" end)
    g:close()
    assert.equal("newest grandchild child oldest", log:text())
    throws("EBB012", function() return b[1] end)
    throws("EBB012", function() child:bytes(1) end)
  end)

  it("leaves its parent when it is closed first", function()
    local g <close> = ebb.guard()
    for _ = 1, 100 do
      local child <close> = g:guard()
      child:bytes(100)
    end
    assert.equal(0, g:stats().count)
    local a = g:guard()
    local b = g:guard()
    a:close()
    assert.equal(1, g:stats().count)
    g:release(b)
    throws("EBB012", function() b:bytes(1) end)
    throws("EBB011", function() g:release(b) end)
    throws("EBB011", function() g:release(a) end)
  end)

  it("passes its failure on", function()
    local g = ebb.guard()
    g:guard():defer(function() error("inner", 0) end)
    local ok, err = pcall(g.close, g)
    assert.is_false(ok)
    assert.equal("inner", err)
  end)

  it("keeps its parent alive", function()
    local child = ebb.guard():guard()
    collectgarbage()
    collectgarbage()
    assert.equal(5, #child:bytes(5))
    child:close()
  end)

  it("may be nested deeper than C calls may", function()
    local log = 0
    local g = ebb.guard()
    local inner = g
    for _ = 1, 1000 do
      inner = inner:guard()
      inner:defer(function() log = log + 1 end)
    end
    g:close()
    assert.equal(1000, log)
  end)
end)

describe("release", function()
  it("R161 frees once; a second time throws", function()
    local g <close> = ebb.guard()
    local b = g:bytes(1)
    g:release(b)
    throws("EBB012", function() return b[1] end)
    throws("EBB011", g.release, g, b)
    local box = g:box("v")
    g:release(box)
    throws("EBB011", g.release, g, box)
    throws("EBB012", box.get, box)
  end)

  it("R161 after the guard has closed is a second time, too", function()
    local g = ebb.guard()
    local b = g:bytes(1)
    g:close()
    throws("EBB011", g.release, g, b)
  end)

  it("R169 refuses another guard's memory and leaves it as it was", function()
    local g <close> = ebb.guard()
    local other <close> = ebb.guard()
    local b, box, x = g:bytes(1), g:box(1), g:own(closer(print))
    throws("EBB014", other.release, other, b)
    throws("EBB014", other.release, other, box)
    throws("EBB014", other.release, other, x)
    b[1] = 1
    assert.equal(1, box:get())
    assert.equal(3, g:stats().count)
    g:promote(x)
  end)

  it("closes an owned object now, and only once", function()
    local log = helper.log()
    local g = ebb.guard()
    local x = g:own(closer(log, "x"))
    g:own(closer(log, "y"))
    g:release(x)
    assert.equal("x:nil", log:text())
    throws("EBB014", g.release, g, x)
    g:close()
    assert.equal("x:nil y:nil", log:text())
  end)

  it("passes on what closing throws; the object is let go", function()
    local g <close> = ebb.guard()
    local x = g:own({ close = function() error("no", 0) end })
    throws("no", g.release, g, x)
    assert.equal(0, g:stats().count)
  end)

  it("refuses a view", function()
    local g <close> = ebb.guard()
    local b = g:bytes(4)
    throws("view", g.release, g, b:view(1, 2))
    assert.equal(0, b[1])
  end)
end)

describe("own", function()
  it("takes what has __close or close, once, and returns it", function()
    local log = helper.log()
    local g = ebb.guard()
    local x = closer(log, "x")
    assert.equal(x, g:own(x))
    assert.equal(x, g:own(x))
    local path = os.tmpname()
    local file = g:own(assert(io.open(path, "w")))
    g:close()
    os.remove(path)
    assert.equal("x:nil", log:text())
    assert.equal("closed file", io.type(file))
  end)

  it("refuses what cannot be closed", function()
    local g <close> = ebb.guard()
    local thread = coroutine.create(print)
    for _, x in ipairs({ {}, 1, "x", true, print, { close = 1 }, g:bytes(1), g:box(1), thread }) do
      throws("something to close", g.own, g, x)
    end
    throws("own itself", g.own, g, g)
    throws("bad argument", g.own, g)
    throws("bad argument", g.own, g, nil)
  end)
end)

describe("promote", function()
  it("S0.20 moves memory to another guard; the handle stays good", function()
    local to <close> = ebb.guard()
    local b, view
    do
      local g <close> = ebb.guard()
      b = g:bytes(10):set(1, "0123456789")
      view = b:view(2, 3)
      assert.equal(b, g:promote(b, to))
      assert.same({ live = 0, peak = 10, count = 0 }, g:stats())
    end
    assert.equal("0123456789", b:string())
    assert.equal("12", view:string())
    assert.equal(10, to:stats().live)
    to:release(b)
    throws("EBB012", function() return view[1] end)
  end)

  it("moves memory to the collector", function()
    local before = ebb.alloc.stats().heap.live
    local b
    do
      local g <close> = ebb.guard()
      b = g:promote(g:bytes(100000))
      throws("EBB014", g.release, g, b)
    end
    collectgarbage()
    b[100000] = 9
    assert.equal(9, b[100000])
    assert.equal(before + 100000, ebb.alloc.stats().heap.live)
    b = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(before, ebb.alloc.stats().heap.live)
  end)

  it("moves vectors, boxes and owned objects as well", function()
    local log = helper.log()
    local to = ebb.guard()
    local v, box
    do
      local g <close> = ebb.guard()
      v = g:promote(g:vec("i32"):push(1, 2), to)
      box = g:promote(g:box("value"), to)
      g:promote(g:own(closer(log, "to")), to)
      g:promote(g:own(closer(log, "nobody")))
    end
    v:push(3)
    assert.equal(6, v:sum())
    assert.equal("value", box:get())
    assert.equal("", log:text())
    to:close()
    assert.equal("to:nil", log:text())
    throws("EBB012", function() return v[1] end)
    throws("EBB012", box.get, box)
  end)

  it("refuses freed memory, another guard's, and closed guards", function()
    local g <close> = ebb.guard()
    local other <close> = ebb.guard()
    local closed = ebb.guard()
    closed:close()
    local b = g:bytes(1)
    throws("EBB014", other.promote, other, b)
    throws("EBB012", g.promote, g, b, closed)
    throws("child", g.promote, g, g:guard())
    throws("bad argument", g.promote, g, b, 1)
    g:release(b)
    throws("EBB011", g.promote, g, b)
  end)
end)

describe("a box", function()
  it("holds a value of any type until its guard closes", function()
    local g = ebb.guard()
    local box = g:box({ 1 })
    assert.same({ 1 }, box:get())
    assert.equal(box, box:set(nil))
    assert.is_nil(box:get())
    assert.equal("ebb.box: nil, live", tostring(box))
    g:close()
    throws("EBB012", box.get, box)
    throws("EBB012", box.set, box, 1)
    assert.equal("ebb.box: freed", tostring(box))
  end)

  it("lets the value go with the guard, though the box is still there", function()
    local weak = setmetatable({}, { __mode = "v" })
    local g = ebb.guard()
    local box = g:box((function() local t = {} weak[1] = t return t end)())
    collectgarbage()
    assert.is_table(weak[1])
    g:close()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_not_nil(box)
  end)

  it("is no leak when its value refers to it", function()
    local weak = setmetatable({}, { __mode = "k" })
    local g <close> = ebb.guard()
    do
      local t = {}
      t.box = g:box(t)
      weak[t] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
    assert.equal(0, g:stats().count)
  end)
end)

describe("bad input to guards", function()
  local wrong = { "x", {}, true, print, 0 / 0, math.huge, -1, 1.5, 2 ^ 53,
    math.mininteger, math.maxinteger }

  it("R166 wrong sizes throw and take nothing", function()
    local g <close> = ebb.guard()
    for _, n in ipairs(wrong) do
      assert.is_false((pcall(g.bytes, g, n)))
      assert.is_false((pcall(g.array, g, "i64", n)))
      assert.is_false((pcall(g.vec, g, "f64", n)))
      assert.is_false((pcall(g.buffer, g, n)))
    end
    throws("bad argument #1 to 'bytes'", function() g:bytes() end)
    throws("bad argument #2 to 'array'", function() g:array("u8") end)
    throws("element type", function() g:array("u64", 1) end)
    throws("element type", function() g:array(8, 1) end)
    throws("element type", function() g:vec() end)
    assert.equal(0, g:stats().count)
    assert.equal(0, g:stats().live)
  end)

  it("no bytes at all are fine", function()
    local g <close> = ebb.guard()
    local b = g:bytes(0)
    assert.equal(0, #b)
    assert.equal("", b:string())
    throws("EBB013", function() return b[1] end)
    assert.equal(0, #g:array("f32", 0))
  end)

  it("methods on something else throw", function()
    local g <close> = ebb.guard()
    local b = g:bytes(8)
    local names = { "bytes", "array", "vec", "buffer", "box", "own", "defer", "release", "promote",
      "guard", "stats", "close", "reset" }
    for _, name in ipairs(names) do
      for _, self in ipairs({ {}, 1, "x", io.stdout, b }) do
        assert.is_false((pcall(g[name], self, 1)), name)
      end
      assert.is_false((pcall(g[name])), name)
    end
    throws("function", function() g:defer() end)
    throws("function", function() g:defer({}) end)
    throws("function", function() g:defer("x") end)
    assert.equal(1, g:stats().count)
  end)

  it("options must be a table", function()
    throws("table", ebb.guard, 1)
    throws("budget", ebb.guard, { budget = "none" })
    ebb.guard({}):close()
    ebb.guard(nil):close()
  end)

  it("the metatables are locked and named", function()
    local g <close> = ebb.guard()
    local objects = { bytes = g:bytes(1), array = g:array("u8", 1), vec = g:vec("u8"),
      buffer = g:buffer(), box = g:box(1), guard = g }
    for name, x in pairs(objects) do
      assert.equal("ebb." .. name, getmetatable(x))
      assert.is_false((pcall(setmetatable, x, {})))
      assert.truthy(tostring(x):find("ebb." .. name .. ":", 1, true))
    end
  end)

  it("metamethods called by hand check what they get", function()
    local g <close> = ebb.guard()
    for _, x in ipairs({ g:bytes(1), g:vec("u8"), g:buffer(), g:box(1), g }) do
      for name, fn in pairs(debug.getmetatable(x)) do
        if type(fn) == "function" then
          for _, self in ipairs({ {}, 1, io.stdout, "x" }) do
            local ok = pcall(fn, self, 1, 1)
            assert.is_true(not ok or name == "__gc", name)
          end
          assert.is_true(not pcall(fn) or name == "__gc")
        end
      end
    end
  end)

  it("finalising by hand twice is harmless", function()
    local g = ebb.guard()
    local b = g:bytes(10)
    local box = g:box(1)
    for _, x in ipairs({ b, box, g }) do
      local gc = debug.getmetatable(x).__gc
      gc(x)
      gc(x)
    end
    throws("EBB012", function() return b[1] end)
  end)
end)
