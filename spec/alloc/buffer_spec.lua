-- buffer: a growable queue of bytes.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

describe("buffer", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  it("S0.5 takes at the end and gives from the front", function()
    local buf = g:buffer()
    assert.equal(buf, buf:put("abc", 12, 1.5, ""))
    assert.equal(8, #buf)
    assert.equal("abc", buf:peek(3))
    assert.equal("abc12", buf:get(5))
    assert.equal("1.5", buf:get())
    assert.equal("", buf:get())
    assert.equal("", buf:get(10))
    assert.equal(0, #buf)
    buf:put("rest")
    assert.equal("rest", buf:get(100))
  end)

  it("skips, clears and keeps its memory", function()
    local buf = g:buffer(100)
    buf:put("abcdef")
    assert.equal(2, buf:skip(2))
    assert.equal("cdef", buf:tostring())
    assert.equal("cdef", buf:string())
    assert.equal(4, buf:skip(10))
    assert.equal(0, buf:skip())
    buf:put("x"):clear()
    assert.equal(0, #buf)
    assert.equal(100, g:stats().live)
    assert.equal("ebb.buffer: 0 bytes, live", tostring(buf))
  end)

  it("has elements, which are what is in it now", function()
    local buf = g:buffer():put("abc")
    buf:get(1)
    assert.equal(98, buf[1])
    buf[2] = 120
    assert.equal("bx", buf:tostring())
    throws("EBB013", function() return buf[3] end)
    throws("EBB013", function() buf[1] = 256 end)
  end)

  it("stays small when it is filled and emptied for ever", function()
    local buf = g:buffer()
    for i = 1, 3000 do
      buf:put(("%05d"):format(i))
      if i > 3 then assert.equal(("%05d"):format(i - 3), buf:get(5)) end
    end
    assert.is_true(g:stats().live <= 64)
    assert.equal(15, #buf)
  end)

  it("equals a string under random puts and gets", function()
    local state = 1
    local function rnd(n)
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return state % n
    end
    local buf, model = g:buffer(), ""
    for _ = 1, 1000 do
      if rnd(2) == 0 then
        local s = string.char(97 + rnd(26)):rep(rnd(60))
        buf:put(s)
        model = model .. s
      else
        local n = rnd(70)
        assert.equal(model:sub(1, n), buf:get(n))
        model = model:sub(n + 1)
      end
      assert.equal(#model, #buf)
    end
    assert.equal(model, buf:tostring())
  end)

  it("packs and unpacks as string.pack does", function()
    local buf = g:buffer()
    assert.equal(buf, buf:pack("<I4 s2 z d", 7, "name", "zero", 2.5))
    assert.same({ 7, "name", "zero", 2.5 }, { buf:unpack("<I4 s2 z d") })
    assert.equal(0, #buf)
    buf:put(string.pack(">i2", -2), "rest")
    assert.equal(-2, (buf:unpack(">i2")))
    assert.equal("rest", buf:get())
    local long = ("x"):rep(100000)
    buf:pack("s4z", long, long)
    local a, b = buf:unpack("s4z")
    assert.is_true(a == long and b == long)
    assert.same({}, { buf:unpack("") })
  end)

  it("unpack of what is not all there yet says so and takes nothing", function()
    local buf = g:buffer():pack("s4", ("y"):rep(1000))
    local rest = buf:get()
    for cut = 0, 1003, 59 do
      buf:clear():put(rest:sub(1, cut))
      assert.same({ nil, "short" }, { buf:unpack("s4") })
      assert.equal(cut, #buf)
    end
    buf:clear():put("no end")
    assert.same({ nil, "short" }, { buf:unpack("z") })
    assert.equal("no end", buf:get())
  end)

  it("bad formats and values throw and change nothing", function()
    local buf = g:buffer():put("keep")
    local bad = { { "q" }, { "I4", "x" }, { "I1", 256 }, { "s1", {} }, { "i4" }, { {} }, { 1 } }
    for _, case in ipairs(bad) do
      assert.is_false((pcall(buf.pack, buf, table.unpack(case))))
    end
    for _, fmt in ipairs({ "q", "I17", {}, true }) do
      assert.is_false((pcall(buf.unpack, buf, fmt)))
    end
    throws("bad argument", buf.unpack, buf)
    throws("bad argument", function() buf:put("a", {}) end)
    throws("bad argument", function() buf:put(nil) end)
    for _, n in ipairs({ -1, 1.5, "x", {}, 0 / 0 }) do
      throws("bad argument", buf.get, buf, n)
      throws("bad argument", buf.peek, buf, n)
      throws("bad argument", buf.skip, buf, n)
    end
    assert.equal("keep", buf:tostring())
  end)

  it("appends bytes, arrays, vectors and buffers as they lie in memory", function()
    local buf = g:buffer()
    local a = g:array("u16", 3)
    for i = 1, 3 do a[i] = i end
    assert.equal(buf, buf:append_from(g:bytes(3):set(1, "abc")))
    buf:append_from(a, 2, 3):append_from(g:vec("f64"))
    assert.same({ "abc", 2, 3 }, { buf:get(3), (buf:unpack("=I2")), (buf:unpack("=I2")) })
    buf:put("12"):append_from(buf):append_from(buf, 2, 3)
    assert.equal("121221", buf:get())
    throws("EBB013", buf.append_from, buf, a, 1, 4)
    throws("bad argument", buf.append_from, buf, "abc")
    throws("bad argument", buf.append_from, buf)
    local freed = g:bytes(1)
    g:release(freed)
    throws("EBB012", buf.append_from, buf, freed)
    assert.equal(0, #buf)
  end)

  it("can be copied to bytes", function()
    local buf = g:buffer():put("xabc")
    buf:skip(1)
    assert.equal("abc", g:bytes(3):copy(buf):string())
  end)

  it("R162 throws EBB012 once it is freed", function()
    local buf = g:buffer():put("abc")
    g:release(buf)
    local calls = { put = "x", get = 1, peek = 1, skip = 1, pack = "z", unpack = "z", clear = 1 }
    for name, arg in pairs(calls) do throws("EBB012", buf[name], buf, arg, "x") end
    throws("EBB012", buf.tostring, buf)
    throws("EBB012", function() return #buf end)
    throws("EBB012", function() return buf[1] end)
  end)
end)
